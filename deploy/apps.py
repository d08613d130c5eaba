"""Registers ``deploy`` with Django, for its commands, and lets every process send tasks to the right broker. No models."""

from django.apps import AppConfig


class DeployConfig(AppConfig):
    name = "deploy"

    def ready(self):
        from deploy import celery  # noqa: F401, PLC0415 - tasks are found when every app is loaded
