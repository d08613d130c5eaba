"""Addresses of the pages that are about no single type: home, figures, search, coming in, one's own."""

from django.urls import path

from core import registry
from core.views import account, dashboard, doctor, formulas, intake, kpi_builder, kpis, objects, overview, own, packs, reports, roles, search, shared, sheets, uploads

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("kpis/", kpis.index, name="kpis"),
    path("kpis/new/", kpi_builder.builder, name="kpi-new"),
    path("kpis/build/", kpi_builder.parts, name="kpi-build"),
    path("kpis/<str:key>/edit/", kpi_builder.builder, name="kpi-edit"),
    path("kpis/<str:key>/", kpis.figure, name="kpi"),
    path("overview/", overview.overview, name="overview"),
    *(path(f"{key}/", sheets.sheet, {"key": key}, name=f"sheet-{key}") for key in registry.sheets),
    *(path(f"reports/{key}/", reports.of_company, {"key": key}, name=f"report-{key}") for key, report in registry.reports.items() if not report.slug),
    path("files/<str:ident>/", uploads.stored, name="file"),
    path("formulas/check/", formulas.check, name="formula-check"),
    path("formulas/complete/", formulas.complete, name="formula-complete"),
    path("formulas/fields/", formulas.words, name="formula-fields"),
    path("search/", search.everything, name="search"),
    path("settings/verification/", doctor.verification, name="verification"),
    path("settings/verification/<uuid:ident>/", doctor.verification, name="verification-night"),
    path("settings/packs/", packs.index, name="packs"),
    path("settings/packs/look/", packs.look, name="pack-look"),
    path("settings/packs/export/", packs.export, name="pack-export"),
    path("settings/packs/<uuid:ident>/", packs.one, name="pack"),
    path("settings/packs/<uuid:ident>/file/", packs.download, name="pack-file"),
    path("settings/objects/", objects.index, name="objects"),
    path("settings/objects/new/", objects.new, name="object-new"),
    path("settings/objects/suggest/", objects.suggest, name="object-suggest"),
    path("settings/objects/example/", objects.example, name="object-example"),
    path("settings/objects/<uuid:ident>/", objects.one, name="object"),
    path("settings/objects/<uuid:ident>/edit/", objects.edit, name="object-edit"),
    path("settings/objects/<uuid:ident>/<slug:act>/", objects.keep, name="object-keep"),
    path("settings/roles/<uuid:ident>/", roles.matrix, name="role-rights"),
    path("settings/roles/<uuid:ident>/<str:slug>/", roles.rights, name="role-rights-of"),
    path("form/<slug:slug>/", intake.form, name="intake"),
    path("form/<slug:slug>/thanks/", intake.thanks, name="intake-thanks"),
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("password/reset/", account.forgotten, name="password-reset"),
    path("password/new/", account.new_password, name="password-new"),
    path("preferences/", account.preferences, name="preferences"),
    path("me/", own.profile, name="me"),
    path("d/<str:token>/", shared.document, name="shared"),
    path("d/<str:token>/pdf/", shared.printed, name="shared-pdf"),
]
