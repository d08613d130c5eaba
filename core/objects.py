"""The types of a company's own making: each row of CustomObject as an object type like every other. Nobody downstream can tell.

Their records share one table and are told apart by its column ``object``. What an object may be called, its check says.
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import context, limits, numbering, registry, schema, structures
from core.access import Actor
from core.errors import RuleError
from core.labels import in_language
from core.models import CustomField, CustomObject, CustomRecord
from core.registry import ObjectType, named

KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OWN = gettext_lazy("Own objects")
PATTERN = re.compile(r"[^{}]*(\{year\})?[^{}]*\{0{1,9}\}[^{}]*")
COLUMNS = 4  # so many own fields stand in a list nobody has shaped

# Words that are addresses of pages, and what the product itself will be about: an upgrade never takes an object's name.
TAKEN = frozenset({
    "account", "alike", "api", "assets", "batches", "billing", "campaigns", "cases", "chats", "components", "conditions", "contracts", "costs", "d",
    "dashboards", "events", "expenses", "facts", "favicon", "files", "form", "forms", "goals", "health", "help", "import", "imports", "inbox", "jobs",
    "knowledge", "kpis", "live", "lookup", "lots", "mail", "me", "messages", "milestones", "new", "notes", "notices", "overview", "partners",
    "people", "plans", "portal", "profit", "projects", "purchase-orders", "purchases", "receipts", "reports", "rfqs", "search", "serials", "services",
    "settings", "shared", "sign-in", "sign-out", "sign-up", "signup", "site", "static", "subscriptions", "suppliers", "surveys", "tasks", "teams",
    "tickets", "timesheets", "trail", "vendors", "verification", "webhooks", "work", "work-packages", "workflows",
})  # fmt: skip


def own_types() -> dict[str, ObjectType]:
    """The bound company's own types by slug, in the order they were made. Cost: two queries for each use-case that remembers."""
    if context.company_or_none() is None:
        return {}
    memo = context.memo()
    if "own types" not in memo:
        rows = list(CustomObject.objects.filter(archived_at=None).order_by("created_at", "id"))
        shown = _first_fields([row.key for row in rows])
        memo["own types"] = {row.key: _object_type(row, shown.get(row.key, [])) for row in rows if row.key not in registry.types}
    return memo["own types"]


registry.provide_own(own_types)


def _first_fields(slugs: list[str]) -> dict[str, list[str]]:
    """The keys of each type's own fields, in their order."""
    found: dict[str, list[str]] = {}
    fields = CustomField.objects.filter(type__in=slugs, archived_at=None).exclude(kind__in=("longtext", "file", "image", "address"))
    for slug, key in fields.order_by("position", "created_at", "id").values_list("type", "key") if slugs else ():
        found.setdefault(slug, []).append(key)
    return found


def _object_type(row: CustomObject, keys: list[str]) -> ObjectType:
    title = {"label": in_language(row.title_label, {})} if row.title_label else {}
    return ObjectType(
        row.key, CustomRecord, in_language(row.label, row.labels), in_language(row.plural, row.plurals),
        (named("name", required=not row.pattern, readonly=bool(row.pattern), **title), "owner"),
        columns=("name", *(row.columns or keys[:COLUMNS]), "owner"), search=("name",), icon=row.icon or "box", group=OWN, among={"object": row.key}, own=True,
        keys=("name",), board=row.board, prepare=_numbers(row.pattern) if row.pattern else _nothing,
    )  # fmt: skip


def _nothing(actor: Actor, records: list) -> None:
    """Where people type the title, nothing is to be filled in."""


def _numbers(pattern: str) -> Any:
    def prepare(actor: Actor, pairs: list) -> None:
        for record, _made in pairs:
            if record._state.adding and not record.name:
                record.name = numbered(record.object, pattern)

    return prepare


def numbered(series: str, pattern: str) -> str:
    """The next number of a series as its pattern writes it, without gaps (M-06). Cost: one statement."""
    year = str(structures.today().year)
    digits = pattern[pattern.index("{0") + 1 : pattern.index("0}") + 1]
    number = numbering.take(f"{series[:41]}:{year}" if "{year}" in pattern else series[:41])
    return pattern.replace("{year}", year).replace("{" + digits + "}", str(number).zfill(len(digits)))


def check(actor: Actor, row: CustomObject, changed: dict, rows: dict) -> None:
    """An object's key, pattern, columns and board make sense; the limit holds."""
    errors: dict[str, list[str]] = {}
    if not KEY.fullmatch(row.key):
        errors["key"] = [_("A key is lower-case letters and digits, joined by single hyphens, and begins with a letter.")]
    elif row.key in TAKEN or row.key in registry.types:
        errors["key"] = [_("This key is taken by the product itself.")]
    if row.pattern and not PATTERN.fullmatch(row.pattern):
        errors["pattern"] = [_("A numbering holds its digits in braces, such as TD-{year}-{0000}.")]
    for name in ("labels", "plurals"):
        if not is_wording(getattr(row, name)):
            errors[name] = [_("Names in other languages are written as {\"zh-Hans\": \"…\"}.")]
    made = registry.own_types().get(row.key)
    known = schema.fields(made) if made else {}
    if not isinstance(row.columns, list) or not all(isinstance(n, str) and n in known for n in row.columns):
        errors["columns"] = [_("Name fields of this object.")]
    if row.board and (row.board not in known or known[row.board].kind != "choice"):
        errors["board"] = [_("A board has its columns from a choice field of this object.")]
    if errors:
        raise RuleError(errors)
    if row._state.adding:
        limits.demand("custom_objects", CustomObject.objects.filter(archived_at=None).count() + 1, _("objects of your own"))


def is_wording(value: Any) -> bool:
    """Whether this says a thing's name in further languages."""
    return isinstance(value, dict) and all(isinstance(k, str) and 2 <= len(k) <= 10 and isinstance(v, str) and len(v) <= 500 for k, v in value.items())


def changed(actor: Actor, row: CustomObject, changes: dict) -> None:
    """The types of the company are read anew."""
    schema.forget()
