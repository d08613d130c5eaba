"""The types of a company's own making: each row of CustomObject as an object type like every other. Nobody downstream can tell.

Their records share one table and are told apart by its column ``object``. What an object may be called, its check says.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import collation, context, edition, limits, numbering, prepared, registry, schema, sql, structures
from core.access import Actor
from core.errors import RuleError
from core.labels import in_language, wording_errors
from core.models import CustomObject, CustomRecord
from core.registry import Field, ObjectType, named

OWNER = named("owner", target="users", sort_path="owner__sort_key")
KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OWN = gettext_lazy("Own objects")
MOST = 41  # characters of a key
COLUMNS = 4  # so many own fields stand in a list nobody has shaped
WIDE = ("longtext", "file", "image", "address", "geo", "barcode")  # kinds no column of such a list shows

# Words that are addresses of pages, and what the product itself will be about: an upgrade never takes an object's name.
TAKEN = frozenset({
    "account", "alike", "api", "assets", "batches", "billing", "campaigns", "cases", "chats", "components", "conditions", "contracts", "costs", "d",
    "dashboards", "events", "expenses", "facts", "favicon", "files", "form", "forms", "formulas", "goals", "health", "help", "import", "imports", "inbox",
    "jobs", "knowledge", "kpis", "live", "lookup", "lots", "mail", "me", "messages", "milestones", "new", "notes", "notices", "overview", "partners",
    "people", "plans", "portal", "profit", "projects", "purchase-orders", "purchases", "reads", "receipts", "reports", "rfqs", "search", "serials", "services",
    "settings", "shared", "sign-in", "sign-out", "sign-up", "signup", "site", "static", "subscriptions", "suppliers", "surveys", "tasks", "teams",
    "tickets", "timesheets", "trail", "vendors", "verification", "webhooks", "work", "work-packages", "workflows",
})  # fmt: skip


OBJECTS = prepared.Prepared(lambda: CustomObject.objects.filter(archived_at=None).order_by("created_at", "id"))


def own_types() -> dict[str, ObjectType]:
    """The bound company's own types by slug, in the order they were made.

    Cost: one query for each use-case that remembers; where there are such types, that of the company's fields, which is the one any page has.
    """
    if context.company_or_none() is None:
        return {}
    return edition.keep("own types", _read)


def _read() -> dict[str, ObjectType]:
    rows = OBJECTS.records()
    fields = schema.every_own_field() if rows else {}
    return {row.key: as_type(row, tuple(fields.get(row.key, ()))) for row in rows if row.key not in registry.types}


registry.provide_own(own_types)


def as_type(row: CustomObject, fields: tuple[Field, ...]) -> ObjectType:
    """The row as a type. What nobody has shaped is seemly: the first fields are columns, the first choice has a board, cards tell the same."""
    title = {"label": in_language(row.title_label, {})} if row.title_label else {}
    first = [f.name for f in fields if f.kind not in WIDE][:COLUMNS]
    columns = [n for n in row.columns if n not in ("name", "owner")] or first
    choices = [f.name for f in fields if f.kind == "choice"]
    board = row.board if row.board in choices else next(iter(choices), "")
    return ObjectType(
        row.key, CustomRecord, in_language(row.label, row.labels), in_language(row.plural, row.plurals),
        (named("name", required=not row.pattern, readonly=bool(row.pattern), **title), OWNER),
        columns=("name", *columns, "owner"), search=("name",), icon=row.icon or "box", group=OWN, among={"object": row.key}, own=True,
        keys=("name",), board=board, card=(*(n for n in columns if n != board), "owner"), prepare=_numbers(row.pattern) if row.pattern else _nothing,
    )  # fmt: skip


def called(row: CustomObject) -> Any:
    """What several of them are called, in the reader's language."""
    return in_language(row.plural, row.plurals)


def _nothing(actor: Actor, records: list) -> None:
    """Where people type the title, nothing is to be filled in."""


def _numbers(pattern: str) -> Any:
    def prepare(actor: Actor, pairs: list) -> None:
        waiting = [record for record, _made in pairs if record._state.adding and not record.name]
        if waiting:
            series = waiting[0].object[:41]
            for record, number in zip(waiting, numbering.patterned(series, pattern, structures.today(), len(waiting)), strict=True):
                record.name = number

    return prepare


def example(pattern: str) -> str:
    """What the first record's title will be; nothing where this is no pattern."""
    return numbering.written(pattern, structures.today(), 1) if numbering.is_pattern(pattern) else ""


def suggested_key(name: str) -> str:
    """A free key for an object of this name: letters and digits of its plural, Chinese by pinyin. Empty where the name holds none. Cost: one query."""
    base = collation.key_of(name).lstrip("0123456789-")[:MOST].strip("-")
    taken = {*TAKEN, *registry.types, *CustomObject.objects.filter(key__startswith=base).values_list("key", flat=True)} if base else set()
    free = (key for n in range(1, 1000) if (key := base if n == 1 else f"{base[: MOST - 4]}-{n}") not in taken)
    return next(free, "")


def suggested_plural(name: str) -> str:
    """Several of what is called this, as English does it; languages written without such endings keep the name."""
    name = name.strip()
    if not name or not name[-1].isascii() or not name[-1].isalpha():
        return name
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search(r"(s|x|z|ch|sh)$", name, re.IGNORECASE) else f"{name}s"


def check(actor: Actor, row: CustomObject, changed: dict, rows: dict) -> None:
    """An object's key, pattern, columns and board make sense."""
    errors: dict[str, list[str]] = {}
    if not KEY.fullmatch(row.key):
        errors["key"] = [_("A key is lower-case letters and digits, joined by single hyphens, and begins with a letter.")]
    elif row.key in TAKEN or row.key in registry.types:
        errors["key"] = [_("This key is taken by the product itself.")]
    if row.pattern and not numbering.is_pattern(row.pattern):
        errors["pattern"] = [_("A numbering holds its digits in braces, such as TD-{year}-{0000}.")]
    errors |= wording_errors(labels=row.labels, plurals=row.plurals) | _shape_errors(row, changed)
    if errors:
        raise RuleError(errors)


def _shape_errors(row: CustomObject, changed: dict) -> dict[str, list[str]]:
    """Columns and board name fields of the object; what was said before a field was archived may stay."""
    errors: dict[str, list[str]] = {}
    made = registry.own_types().get(row.key)
    known = schema.fields(made) if made else {}
    if "columns" in changed and (not isinstance(row.columns, list) or not all(isinstance(n, str) and n in known for n in row.columns)):
        errors["columns"] = [_("Name fields of this object.")]
    if "board" in changed and row.board and (row.board not in known or known[row.board].kind != "choice"):
        errors["board"] = [_("A board has its columns from a choice field of this object.")]
    return errors


def _demand_room() -> None:
    sql.lock(context.company().id, "custom objects")  # two at once are counted one after the other
    limits.demand("custom_objects", CustomObject.objects.filter(archived_at=None).count(), _("objects of your own"))


def changed(actor: Actor, row: CustomObject, changes: dict) -> None:
    """The types of the company are read anew. One that is new, or comes back from the archive, needs room: all of a batch are stored by now."""
    schema.forget()
    if row.archived_at is None and (row.version == 1 or "archived_at" in changes):
        _demand_room()
