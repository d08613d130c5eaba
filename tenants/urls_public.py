"""The public site's addresses: what Odos is, sign-up, and the way to one's own company."""

from django.urls import path

from tenants import views

urlpatterns = [
    path("", views.home, name="home"),
    path("signup/", views.signup, name="signup"),
    path("open/", views.open_company, name="open-company"),
    path("preferences/", views.preferences, name="preferences"),
]
