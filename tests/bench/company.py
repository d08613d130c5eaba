"""The measured company of one data folder: made once for each scale, found again after that."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from core import access, context, keys
from core.models import User
from deploy.home import Home
from tenants import migrate, provision
from tenants.models import Company
from tests.bench import copies
from tests.bench.sample import EMAIL, PASSWORD, Sample
from tests.bench.shape import Shape

SUBDOMAIN = "bench"
NO_TIMEOUT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"


@dataclass(frozen=True)
class Built:
    """The company, a key to its API, and how many there are of each type."""

    company: context.Company
    key: str
    counts: dict[str, int]


def ensure(scale: float, say: Callable[[str], None], fresh: bool = False) -> Built:
    """The company at this scale, made where it is not there; one of another scale goes."""
    provision.prepare(progress=say)
    migrate.migrate_companies(progress=say)
    shape, mark = Shape(copies=max(1, round(scale * 100))), settings.HOME.run / "bench.json"
    told = json.loads(mark.read_text()) if mark.exists() and not fresh else {}
    with context.bind_public():
        there = Company.objects.filter(subdomain=SUBDOMAIN).first()
    if there is not None and told.get("copies") == shape.copies:
        say("The measured company is there already.")
        return Built(there.frozen(), told["key"], shape.told)
    mark.unlink(missing_ok=True)
    if there is not None:
        say("Removing the measured company that was there ...")
        provision.drop_company(there.frozen())
    built = build(shape, say)
    Home(settings.HOME.path).make()
    mark.write_text(json.dumps({"copies": shape.copies, "key": built.key}))
    return built


def build(shape: Shape, say: Callable[[str], None], subdomain: str = SUBDOMAIN) -> Built:
    """Make a company of this shape: a sample by the engine itself, all else as copies of it. Cost: minutes, most of them for indexes."""
    say("Making the measured company ...")
    company = provision.create_company(
        subdomain=subdomain, name="Bench", email=f"owner@{subdomain}.example", password=PASSWORD, user_name="Owner", country="DE", currency="EUR", vouched=True,
    ).frozen()  # fmt: skip
    with context.bind(company), context.calling(context.Call(channel="command")):
        with transaction.atomic():
            _execute(NO_TIMEOUT)
            Sample(access.actor_for(User.objects.get(roles__key="owner")), shape, say).make()
        with transaction.atomic():
            _execute(NO_TIMEOUT)
            copies.make(shape.copies, say)
            key = keys.issue(User.objects.get(email=EMAIL.format(0)))
        say("Statistics ...")
        _execute("SET statement_timeout = 0")
        for table in copies.tables():
            _execute(f"VACUUM ANALYZE {table}")
        _execute("RESET statement_timeout")
    say("The measured company is there: " + ", ".join(f"{n:,} {name}" for name, n in shape.told.items()) + ".")
    return Built(company, key, shape.told)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
