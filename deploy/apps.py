"""Registers ``deploy`` with Django, for its commands, and lets every process send tasks to the right broker. No models."""

import gc

from django.apps import AppConfig

# New objects after which Python looks for rings among them. Its own choice, 700, makes it look through all that an import of a
# thousand rows holds again and again, for a fifth of the time.
NEW_OBJECTS = 25_000


class DeployConfig(AppConfig):
    name = "deploy"

    def ready(self):
        """What was loaded by now stays until the process ends, so it is not searched for rings either."""
        from deploy import celery  # noqa: F401, PLC0415 - tasks are found when every app is loaded

        gc.freeze()
        gc.set_threshold(NEW_OBJECTS, 10, 10)
