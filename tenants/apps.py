"""Registers ``tenants`` with Django and tells ``core`` how a company is found by its id."""

from django.apps import AppConfig

from core import context


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Companies"

    def ready(self):
        from tenants import checks, directory, verification  # noqa: F401, PLC0415 - models can be imported only once the apps are loaded

        context.provide(directory.by_id)
