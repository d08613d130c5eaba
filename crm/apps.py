"""Crm at start: its types enter the registry."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from crm import checks, seeds, types  # noqa: F401, PLC0415 - the registry fills when every model is loaded
        from crm.imports import trading  # noqa: F401, PLC0415 - as above
