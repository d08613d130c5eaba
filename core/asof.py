"""What was known: tokens that hold a snapshot, and the facts visible in it. So a number and its drill agree while others write.

A token is signed for its company. A calendar date means known by the end of that day, in the company's time zone.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.core import signing
from django.db.models import BooleanField, F, Func, QuerySet, Value
from django.utils.translation import gettext as _

from core import context, edition, sql, structures
from core.errors import RuleError

SNAPSHOT = re.compile(r"\d{1,20}:\d{1,20}:[\d,]*", re.ASCII)


@dataclass(frozen=True)
class AsOf:
    """A snapshot, the instant it was taken, and the day up to whose end things are known (None: everything recorded).

    ``present``: it is the one that this transaction reads in, so that whatever is found at all was known in it.
    """

    snapshot: str
    taken: datetime
    known_by: date | None
    present: bool = False

    @cached_property
    def token(self) -> str:
        held = [self.snapshot, int(self.taken.timestamp() * 1000), self.known_by.isoformat() if self.known_by else ""]
        return signing.Signer(salt=_salt()).sign_object(held, compress=True)  # the same snapshot has the same token


def _salt() -> str:
    return f"odos.as-of:{context.company().id}"


def now(known_by: date | None = None) -> AsOf:
    """What this transaction sees. Cost: one query, none in a snapshot."""
    read = context.memo().get(edition.SNAPSHOT)
    return AsOf(read or sql.current_snapshot(), datetime.now(context.company().zone), known_by, read is not None)


def parse(text: str) -> AsOf:
    """An earlier answer's token, a date, or nothing (now). Errors: RuleError at ``as_of``."""
    if not text:
        return now()
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise _refused() from None
        if day > structures.today():
            raise RuleError({"as_of": [_("The future is not known yet.")]})
        return now(day)
    try:
        snapshot, taken, known_by = signing.Signer(salt=_salt()).unsign_object(text)
        if not SNAPSHOT.fullmatch(snapshot):
            raise ValueError
        instant, day = datetime.fromtimestamp(taken / 1000, context.company().zone), date.fromisoformat(known_by) if known_by else None
        return AsOf(snapshot, instant, day, snapshot == context.memo().get(edition.SNAPSHOT))
    except (signing.BadSignature, ValueError, TypeError):
        raise _refused() from None


def _refused() -> RuleError:
    return RuleError({"as_of": [_("“as of” is a date such as 2026-03-31, or the as_of of an earlier answer.")]})


def narrow(facts: QuerySet, as_of: AsOf) -> QuerySet:
    """The facts that were known. Of the present nothing is asked of their transactions, so that an index alone can answer."""
    if not as_of.present:
        visible = Func(F("xact"), Value(as_of.snapshot), template="pg_visible_in_snapshot(%(expressions)s::pg_snapshot)", output_field=BooleanField())
        facts = facts.filter(visible)
    if as_of.known_by:
        facts = facts.filter(recorded_at__lt=datetime.combine(as_of.known_by + timedelta(days=1), time(), context.company().zone))
    return facts


def narrow_by_text(facts: QuerySet, text: str) -> QuerySet:
    """The ``as_of`` hook of the type of facts."""
    return narrow(facts, parse(text))
