"""Addresses of the API, below ``/api/v1/``. Whatever is not here is answered in the API's form of errors too."""

from django.urls import path, re_path

from core.api import bulk, chains, duplicates, files, imports, kpis, reads, schema, views

urlpatterns = [
    path("", views.Root.as_view(), name="api"),
    path("schema/", schema.Schema.as_view(), name="api-schema"),
    path("kpis/", kpis.Kpis.as_view(), {"slug": "kpis"}, name="api-kpis"),
    path("kpis/batch/", views.Batch.as_view(), {"slug": "kpis"}, name="api-kpis-batch"),
    path("kpis/<str:ident>/", kpis.Kpi.as_view(), {"slug": "kpis"}, name="api-kpi"),
    path("kpis/<str:key>/value/", kpis.Value.as_view(), name="api-kpi-value"),
    path("kpis/<str:ident>/<str:act>/", kpis.Deed.as_view(), {"slug": "kpis"}, name="api-kpi-act"),
    path("files/", files.Files.as_view(), name="api-files"),
    path("files/<str:ident>/", files.File.as_view(), name="api-file"),
    path("reads/", reads.Reads.as_view(), name="api-reads"),
    path("duplicates/", duplicates.Duplicates.as_view(), name="api-duplicates"),
    path("jobs/<uuid:ident>/", bulk.Run.as_view(), name="api-job"),
    path("jobs/<uuid:ident>/confirm/", bulk.Confirm.as_view(), name="api-job-confirm"),
    path("jobs/<uuid:ident>/undo/", bulk.Undo.as_view(), name="api-job-undo"),
    path("imports/<uuid:ident>/", imports.Single.as_view(), name="api-import"),
    path("imports/<uuid:ident>/refused/", imports.Refused.as_view(), name="api-import-refused"),
    path("imports/<uuid:ident>/check/", imports.Deed.as_view(deed="check"), name="api-import-check"),
    path("imports/<uuid:ident>/confirm/", imports.Deed.as_view(deed="confirm"), name="api-import-confirm"),
    path("imports/<uuid:ident>/undo/", imports.Deed.as_view(deed="undo"), name="api-import-undo"),
    path("<str:slug>/import/", imports.Imports.as_view(), name="api-imports"),
    path("custom-fields/<uuid:ident>/convert/", bulk.Conversion.as_view(), name="api-convert"),
    path("<str:slug>/bulk/", bulk.Bulk.as_view(), name="api-bulk"),
    path("<str:slug>/", views.Collection.as_view(), name="api-list"),
    path("<str:slug>/batch/", views.Batch.as_view(), name="api-batch"),
    path("<str:slug>/<str:ident>/", views.Single.as_view(), name="api-record"),
    path("<str:slug>/<str:ident>/chain/", chains.Chain.as_view(), name="api-chain"),
    path("<str:slug>/<str:ident>/<str:act>/", views.Deed.as_view(), name="api-act"),
    re_path(r"", views.Unknown.as_view(), name="api-unknown"),
]
