"""Addresses of the pages that are about no single type: home, figures, search, coming in, one's own."""

from django.urls import path

from core.views import account, dashboard, kpis, own, search

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("kpis/", kpis.index, name="kpis"),
    path("kpis/<str:key>/", kpis.figure, name="kpi"),
    path("search/", search.everything, name="search"),
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("password/reset/", account.forgotten, name="password-reset"),
    path("password/new/", account.new_password, name="password-new"),
    path("preferences/", account.preferences, name="preferences"),
    path("me/", own.profile, name="me"),
]
