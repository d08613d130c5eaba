"""Doing a batch as far as it can be done: what is refused by name is left out, what is refused without a name is looked for by halving."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, transaction

from core.errors import OdosError, RuleError

T = TypeVar("T")
AT = re.compile(r"(\d+)\.(.+)", re.ASCII | re.DOTALL)


def do(work: Callable[[list], Any], items: list[T]) -> list[tuple[T, Exception]]:
    """Do the work, which is all or none, on as many items as it takes; the others come back, each with what refuses it.

    The error of one item names its fields without its number. Callers hold a transaction.
    Cost: one attempt and a savepoint; for each round of named refusals one more, for what is not named as many as halving needs.
    """
    if not items:
        return []
    try:
        with transaction.atomic():
            work(items)
        return []
    except (OdosError, IntegrityError, DataError) as error:
        refused: Exception = error
    if named := _named(refused, len(items)):
        rest = [item for at, item in enumerate(items) if at not in named]
        return [(items[at], RuleError(errors)) for at, errors in named.items()] + do(work, rest)
    if len(items) == 1:
        return [(items[0], refused)]
    half = len(items) // 2
    return do(work, items[:half]) + do(work, items[half:])


def _named(error: Exception, count: int) -> dict[int, dict[str, list[str]]]:
    """Place in the batch -> what is wrong there by field, where all of the refusal says its place."""
    named: dict[int, dict[str, list[str]]] = {}
    for name, sentences in error.errors.items() if isinstance(error, RuleError) else ():
        found = AT.fullmatch(name)
        if found is None or int(found[1]) >= count:
            return {}
        named.setdefault(int(found[1]), {})[found[2]] = sentences
    return named
