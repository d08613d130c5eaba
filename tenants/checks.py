"""Verified of a company's schema: nothing in it is bound to another one, and it is built as this version builds it (I-29)."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import context
from core.doctor import Check, Difference, register
from tenants import versions
from tenants.backend import schemas
from tenants.models import PreparedCopy

MADE = {  # what a new company's SQL says it makes, by kind
    "table": re.compile(r"CREATE TABLE \S+\.(\w+)"), "index": re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+)"),
    "constraint": re.compile(r"ADD CONSTRAINT (\w+)"), "trigger": re.compile(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)"),
}  # fmt: skip


def nothing_is_bound_to_another_schema() -> Iterator[Difference]:
    """Cost: one query over the catalog."""
    bound = context.company()
    for sentence in schemas.strangers(bound.schema):
        yield Difference(bound.name, _("Schema"), _("nothing of another company"), sentence)


def schema_is_of_this_version() -> Iterator[Difference]:
    """Each table, index, constraint and guard that a new company gets is there, and every migration was applied. Cost: four queries."""
    bound = context.company()
    applied = schemas.applied([bound.schema]).get(bound.schema, frozenset())
    for app, name in sorted(versions.known(versions.company_apps()) - applied):
        yield Difference(bound.name, _("Migration"), f"{app} {name}", "–")
    there = schemas.named(bound.schema)
    with context.bind_public():
        copy = PreparedCopy.objects.filter(fingerprint=versions.fingerprint()).first()
    for kind, pattern in MADE.items() if copy else ():
        for name in sorted(set(pattern.findall(copy.sql)) - there):
            yield Difference(bound.name, kind, name, "–")


register(
    Check("isolation", gettext_lazy("Nothing in the company's schema points to another one."), nothing_is_bound_to_another_schema),
    Check("version", gettext_lazy("Every table, index, constraint and guard is as this version makes it."), schema_is_of_this_version),
)
