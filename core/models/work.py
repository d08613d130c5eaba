"""Rows that make work safe to repeat and impossible to lose: jobs, imports, idempotency keys; and the search index."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models.record import Record, SealedModel, new_id

JOB_STATES = (("waiting", _("Waiting")), ("running", _("Running")), ("done", _("Done")), ("failed", _("Failed")))
APART = ("accounts", "activities", "contacts", "leads", "opportunities")  # types of which a company has most, each found along its own index


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


BULK_STATES = (
    ("checking", _("Being checked")), ("checked", _("Ready to be done")), ("writing", _("Being done")), ("done", _("Done")), ("undoing", _("Being undone")),
    ("undone", _("Undone")),
)  # fmt: skip


class BulkRun(SealedModel):
    """The same done to many records (``core.bulk``): what, to which selection, how far it is, and what came of it. Its id is the batch of its writes.

    ``report`` counts ``{changed, unchanged, archived, refused}`` and groups the reasons; the records stand in its parts.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    type = models.CharField(max_length=60)
    owner = models.ForeignKey("core.User", models.CASCADE, related_name="+")
    what = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=BULK_STATES, default="checking")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "-created_at"], name="bulk_run_of_owner")]


class BulkPart(SealedModel):
    """Some hundred records of a bulk run, done in one transaction: ``rows`` are [id, version when it was asked], ``faults`` [id, kind, sentence]."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField()
    rows = models.JSONField(default=list)
    faults = models.JSONField(default=list)
    open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="bulk_part_is_unique")]


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
            # By the type as well as by the word: of a word that many records of other types hold, only those asked for are looked at. An index with
            # the type in it goes through all who hold each three letters of a word all the same, so types of which there are many have one of their own.
            # What was written last waits to be sorted in, and each look goes through all that waits: how much that may be, settings say.
            *(GinIndex(fields=["text"], name=f"search_{slug}", opclasses=["gin_trgm_ops"], condition=models.Q(about_type=slug)) for slug in APART),
            GinIndex(fields=["about_type", "text"], name="search_text", opclasses=["text_ops", "gin_trgm_ops"], condition=~models.Q(about_type__in=APART)),
            GinIndex(fields=["about_type", "grams"], name="search_grams", opclasses=["text_ops", "array_ops"]),
        ]
