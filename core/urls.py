"""Addresses of a company's host: the API, and the pages."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from core.api.views import Unknown
from core.views import docs

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/docs/", docs.docs, name="api-docs"),
    path("api/v1/", include("core.api.urls")),
    re_path(r"^api(/|$)", Unknown.as_view()),
    path("", include("core.views.urls_own")),
    path("", include("core.views.urls")),  # any first word: last
]
handler404 = "core.views.pages.not_found"
