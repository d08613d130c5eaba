"""A company's addresses: all of core's, the door through which a new company's owner comes in from the public site, and that of his mail."""

from django.urls import include, path

from core.urls import handler404
from tenants import views, views_company

__all__ = ["handler404", "urlpatterns"]

urlpatterns = [
    path("welcome/", views.welcome, name="welcome"),
    path("confirm/", views_company.confirm, name="confirm"),
    path("confirm/again/", views_company.send_again, name="confirm-again"),
    path("", include("core.urls")),
]
