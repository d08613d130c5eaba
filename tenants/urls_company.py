"""A company's addresses: all of core's, and the door through which a new company's owner comes in from the public site."""

from django.urls import include, path

from core.urls import handler404
from tenants import views

__all__ = ["handler404", "urlpatterns"]

urlpatterns = [
    path("welcome/", views.welcome, name="welcome"),
    path("", include("core.urls")),
]
