"""The worker's and the scheduler's entry: the Celery application. Tasks live in their rooms' ``tasks`` modules."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

app = Celery("odos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
