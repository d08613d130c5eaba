"""The trail: one immutable row for each write. Audit, timeline and freshness are read from it."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models.record import SealedModel


class TrailEntry(SealedModel):
    """Who did what to which record, and what changed: ``changes`` maps a field to its value before and after, as JSON."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("When"), db_default=Now())
    actor = models.UUIDField(_("Who"), null=True)
    about_type = models.CharField(_("Type"), max_length=60)
    about_id = models.UUIDField(_("Record"))
    act = models.CharField(_("Act"), max_length=60)
    changes = models.JSONField(_("Changes"), default=dict)
    version = models.PositiveIntegerField(default=1)
    channel = models.CharField(max_length=20, default="", blank=True)
    request_id = models.CharField(max_length=40, default="", blank=True)
    address = models.CharField(max_length=60, default="", blank=True)

    batch = models.UUIDField(null=True)  # what was written together, so that it can be undone together: an import, a bulk edit

    class Meta:
        indexes = [
            models.Index(fields=["about_id", "-id"], name="trail_about"),
            models.Index(fields=["at", "id"], name="trail_at"),
            models.Index(fields=["about_type"], name="trail_type"),  # the few of the set-up among all others; equal keys share their place
            models.Index(fields=["batch"], name="trail_batch", condition=models.Q(batch__isnull=False)),
        ]
