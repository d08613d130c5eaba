"""The fields of a type for the bound company: what every record has, what the type declares, what the company added.

Callers never learn which of the three a field is. Cost: one query for each edition of the company's set-up.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Case, DecimalField, ExpressionWrapper, F, Value, When
from django.utils.translation import gettext_lazy as _

from core import context, edition, prepared, rates, shaped, sql, structures
from core.labels import in_language
from core.models import CustomField, OwnedRecord, Record
from core.registry import KINDS, Field, ObjectType, derive

FIELD_LIMIT = 200
COMPUTED = ("formula", "rollup")
TRUSTED = ("owner", "admin")  # keys of roles
TEXT = 600  # characters of a company's own text: four bytes each still fit an index entry


def _common(object_type: ObjectType) -> dict[str, Field]:
    """Fields of every record: id, owner's unit, version and stamps."""
    model = object_type.model
    found = {"id": Field("id", "ref", _("Id"), target=object_type.slug, readonly=True, path="pk", model=None)}
    if issubclass(model, OwnedRecord):
        found["unit"] = derive(model, "unit", readonly=True, target="org-units", sort_path="unit__sort_key")
    if issubclass(model, Record):
        found |= {name: derive(model, name, readonly=True) for name in ("version", "created_at", "updated_at", "archived_at")}
    return found


def own_fields(object_type: ObjectType) -> tuple[Field, ...]:
    """The company's own fields of a type, in their order; archived ones are left out. Cost: see above."""
    return tuple(every_own_field().get(object_type.slug, ()))


def pointing(slug: str) -> list[tuple[str, Field]]:
    """The company's own fields that refer to records of this type, each with the slug of its own type. Cost: see above."""
    return [(home, f) for home, found in every_own_field().items() for f in found if f.target == slug and f.kind in ("ref", "refs")]


OWN = prepared.Prepared(lambda: CustomField.objects.filter(archived_at=None).order_by("position", "created_at", "id")[: FIELD_LIMIT * 20])


def every_own_field() -> dict[str, list[Field]]:
    """The company's own fields by the slug of their type. Cost: one query for each edition of the set-up; outside of a use-case, each time."""
    return edition.keep("own fields", _read_own)


def _read_own() -> dict[str, list[Field]]:
    grouped: dict[str, list[Field]] = {}
    for row in OWN.records():
        grouped.setdefault(row.type, []).append(as_field(row))
    return grouped


def as_field(row: CustomField) -> Field:
    """A company's own field as every other one: amounts are in the company's currency, whatever its record's (contract).

    A computed one is of the kind of its values; what computes it, and in which currency a formula is, ``core.derived`` knows.
    """
    computed = row.kind in COMPUTED
    return Field(
        name=row.key, kind=row.returns or "number" if computed else row.kind, label=in_language(row.label, row.labels), required=row.required,
        unique=row.unique,
        help=in_language(row.help, row.helps), custom=True, minimum=row.minimum, maximum=row.maximum,
        options=tuple((o["key"], in_language(o["label"], o.get("labels"))) for o in row.options or ()), default=row.default, path=row.key,
        looks=tuple(row.options or ()), depends_on=row.depends_on, seen_by=_seen_by(row), edited_by=frozenset(row.edited_by), personal=row.personal,
        readonly=computed or row.kind == "autonumber", source=row if computed else row.pk, pattern=row.pattern,
        target="users" if row.kind == "user" else row.target, max_length={"text": TEXT, "longtext": 100_000}.get(row.kind, 500),
        wide=row.kind in ("longtext", "address"), in_base=row.kind in ("money", "rollup"),
    )  # fmt: skip


def _seen_by(row: CustomField) -> frozenset[str]:
    """The only roles that see it: of what is sensitive, those who run the company, until others are named."""
    return frozenset(row.seen_by or (TRUSTED if row.sensitive else ()))


def stored_fields(object_type: ObjectType) -> dict[str, Field]:
    """Name -> field, declared ones first, as they are set up. Cost: none after the first type of an edition of the set-up."""
    own = own_fields(object_type) if issubclass(object_type.model, Record) else ()
    if object_type.own or own or shaped.of(object_type).sorts:
        return edition.keep(("fields", object_type.slug), lambda: _with_own(object_type, own))
    held = object_type.__dict__  # as all companies have them that added none of their own
    if "stored fields" not in held:
        held["stored fields"] = _common(object_type) | object_type.fields
    return held["stored fields"]


def _with_own(object_type: ObjectType, own: tuple[Field, ...]) -> dict[str, Field]:
    return _common(object_type) | shaped.record_type_field(object_type) | object_type.fields | {f.name: f for f in own}


_derive: list[Callable[[ObjectType, dict[str, Field]], dict[str, Field]]] = []


def provide_derived(make: Callable[[ObjectType, dict[str, Field]], dict[str, Field]]) -> None:
    """Called once by ``core.derived``: how computed fields get their values."""
    _derive[:] = [make]


def fields(object_type: ObjectType) -> dict[str, Field]:
    """Name -> field, computed ones with what computes them for a reader who sees everything. Cost: as ``stored_fields``."""
    memo = context.memo()
    key = ("fields", object_type.slug)
    if key not in memo:
        stored = stored_fields(object_type)
        memo[key] = _derive[0](object_type, stored) if _derive else stored
    return memo[key]


def is_foreign(known: Mapping[str, Field], f: Field) -> bool:
    """Whether an amount is in its record's currency, and may differ from the company's."""
    return f.kind == "money" and not f.is_base and "currency" in known and not known["currency"].custom


def rate_of(known: Mapping[str, Field]) -> Field:
    """By what amounts of a type with a currency are converted: the rate its records keep, else their currency, at today's rate."""
    return known["rate"] if "rate" in known and not known["rate"].custom else known["currency"]


def twin(known: Mapping[str, Field], f: Field) -> Field | None:
    """The declared field that keeps an amount in the company's currency, where there is one."""
    found = known.get(f"base_{f.name}")
    return found if found is not None and not found.custom else None


def in_base(known: Mapping[str, Field], f: Field) -> Any:
    """What is added up of a field over several records: an amount in the company's currency, all else as it is.

    Nothing where records keep no rate and there is none today. Cost: none; of records that keep no rate one query for each use-case.
    """
    expr = f.rules.expr(f)
    if not is_foreign(known, f):
        return expr
    kept = twin(known, f)
    return kept.rules.expr(kept) if kept else ExpressionWrapper(expr * _rate(known), DecimalField(max_digits=30, decimal_places=10))


def rates_asked(known: Mapping[str, Field], f: Field) -> tuple:
    """Today's rates, where ``in_base`` of a field says them. Cost: as ``in_base``."""
    says = is_foreign(known, f) and twin(known, f) is None and rate_of(known).name != "rate"
    return tuple(rates.on_day(structures.today()).items()) if says else ()


def _rate(known: Mapping[str, Field]) -> Any:
    by = rate_of(known)
    if by.name == "rate":
        return F("rate")
    today = [When(currency=code, then=Value(rate)) for code, rate in rates.on_day(structures.today()).items()]
    return Case(When(currency__in=("", context.company().currency), then=Value(1)), *today, output_field=DecimalField(max_digits=20, decimal_places=10))


def told(known: Mapping[str, Field], f: Field, value: Any) -> str:
    """A value of no one record, such as a filter's, for its reader: an amount that may be in any currency without one. Cost: none."""
    rules = KINDS["number"] if is_foreign(known, f) else f.rules
    return rules.text(f, value, context.company().currency)


def common_names(object_type: ObjectType) -> set[str]:
    """Names of what every record of the type has."""
    return set(_common(object_type))


def lock_of(slug: str) -> str:
    """What a writer of a type's records shares, and who changes what its own fields mean holds alone."""
    return f"fields {slug}"


def hold(object_type: ObjectType) -> None:
    """Let nobody change what a type's own fields mean before this transaction ends, and know them as they are now. For writers.

    Cost: two statements, once for each type and use-case; none where the company has no own fields of the type.
    """
    memo = context.memo()
    held = memo.setdefault("held", set())
    if object_type.slug in held or not own_fields(object_type):
        return
    sql.lock_shared(context.company().id, lock_of(object_type.slug))
    if edition.moved():
        forget()
        held = context.memo().setdefault("held", set())
    held.add(object_type.slug)


def forget() -> None:
    """The set-up changed inside this use-case: read it again."""
    context.memo().clear()
