"""Addresses of the pages made from the registry. They match any first word, so they stand after every other address."""

from django.urls import path

from core import registry
from core.views import acts, bulk, conditions, edits, imports, likeness, lists, lookups, papers, records, reports, steps, undoing, views

urlpatterns = [
    path("alike/<slug:slug>/", likeness.alike, name="alike"),
    path("conditions/<slug:slug>/", conditions.condition, name="condition"),
    path("live/<slug:slug>/", edits.live, name="live"),
    path("live/<slug:slug>/<str:ident>/", edits.live, name="live-record"),
    path("lookup/<slug:slug>/", lookups.lookup, name="lookup"),
    path("<slug:slug>/", lists.listing, name="list"),
    path("<slug:slug>/new/", edits.new, name="new"),
    path("<slug:slug>/import/", imports.upload, name="import"),
    path("<slug:slug>/import/<uuid:ident>/", imports.step, name="import-step"),
    path("<slug:slug>/import/<uuid:ident>/errors.csv", imports.errors, name="import-errors"),
    path("<slug:slug>/import/<uuid:ident>/rows.<str:form>", imports.refused, name="import-refused"),
    path("<slug:slug>/bulk/", bulk.asked, name="bulk"),
    path("<slug:slug>/bulk/<uuid:ident>/", bulk.progress, name="bulk-run"),
    path("<slug:slug>/bulk/<uuid:ident>/refused.csv", bulk.refused, name="bulk-refused"),
    path("<slug:slug>/views/", views.keep, name="views"),
    path("<slug:slug>/views/<uuid:ident>/", views.change, name="view"),
    path("<slug:slug>/<str:ident>/", records.record, name="record"),
    path("<slug:slug>/<str:ident>/edit/", edits.edit, name="edit"),
    path(f"<slug:slug>/<str:ident>/{steps.PLACE}/", steps.step, name="step"),
    path("<slug:slug>/<str:ident>/pdf/", papers.printed, name="pdf"),
    *(
        path(f"{r.slug}/<str:ident>/{r.key}/", reports.of_record, {"slug": r.slug, "key": r.key}, name=f"report-{r.key}")
        for r in registry.reports.values()
        if r.slug
    ),
    path("<slug:slug>/<str:ident>/undo/<int:entry>/", undoing.once, name="undo"),
    path("<slug:slug>/<str:ident>/delete/", acts.delete, name="delete"),
    path("<slug:slug>/<str:ident>/<slug:act>/", acts.act, name="record-act"),
]
