"""Registers ``deploy`` with Django, for its commands only: it has no models."""

from django.apps import AppConfig


class DeployConfig(AppConfig):
    name = "deploy"
