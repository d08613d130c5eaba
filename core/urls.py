"""Addresses of a company's host: the API, and the pages."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from core.api.views import Unknown

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("core.api.urls")),
    re_path(r"^api(/|$)", Unknown.as_view()),
]
