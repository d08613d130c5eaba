"""Rows that make work safe to repeat and impossible to lose: jobs, imports, idempotency keys; and the search index."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models.record import Record, SealedModel, new_id

JOB_STATES = (("waiting", _("Waiting")), ("running", _("Running")), ("done", _("Done")), ("failed", _("Failed")))


class Job(SealedModel):
    """Work promised in a transaction. A row is the truth, a message in Valkey only a hint (X-01).

    ``lease_until`` tells a sweeper when a worker that holds it must be dead; ``attempts`` ends a poisonous one.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    actor = models.UUIDField(null=True)
    state = models.CharField(max_length=10, choices=JOB_STATES, default="waiting")
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["not_before"], name="job_open", condition=models.Q(state__in=["waiting", "running"]))]


class Import(Record):
    """An uploaded file on its way in: its mapping, what a dry run found, and what was written."""

    type = models.CharField(max_length=60)
    owner = models.ForeignKey("core.User", models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    mapping = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    status = models.CharField(max_length=12, default="uploaded")
    job = models.UUIDField(null=True)


class Checkup(SealedModel):
    """One verification of the company's books (``core.doctor``): when, how many checks, how many differences, and what they are.

    ``results`` holds for each check ``{name, seconds, differences, found: [...], error}``; of many differences the first ones.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    seconds = models.FloatField()
    checks = models.PositiveIntegerField()
    differences = models.PositiveIntegerField()
    results = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="checkup_at")]


class IdempotencyKey(SealedModel):
    """The answer given to a POST that brought this key, kept for 24 hours (C-01)."""

    user = models.UUIDField()
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(default="")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("user", "route", "key", name="idempotency_key_is_unique")]


class SearchEntry(SealedModel):
    """What of a record can be found: its text for three characters or more, grams for one or two."""

    about_id = models.UUIDField(primary_key=True)
    about_type = models.CharField(max_length=60)
    text = models.TextField()
    grams = ArrayField(models.CharField(max_length=8), default=list)

    class Meta:
        indexes = [
            GinIndex(fields=["text"], name="search_text", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["grams"], name="search_grams"),
        ]
