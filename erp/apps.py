"""Erp at start: its types enter the registry, which is complete then and closes."""

from pathlib import Path

from django.apps import AppConfig


class ErpConfig(AppConfig):
    name = "erp"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from core import registry  # noqa: PLC0415 - as below
        from erp import checks, performance, seeds, types  # noqa: F401, PLC0415 - the registry fills when every model is loaded
        from erp.imports import trading  # noqa: F401, PLC0415 - as above

        registry.packs.extend(sorted(Path(__file__).with_name("packs").glob("*.json")))
        registry.freeze()
