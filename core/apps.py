"""Core at start: its types enter the registry."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from core import (  # noqa: F401, PLC0415 - the registry fills when every model is loaded
            active,
            bulk,
            checks,
            figure_types,
            mail,
            page_types,
            seeds,
            shaping,
            tasks,
            types,
            watches,
        )
        active.install()
        from core.transfer import uploads  # noqa: F401, PLC0415 - its jobs are known to workers from the start
