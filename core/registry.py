"""The one place that knows every object type, measure, dimension and shipped KPI. Apps declare at start; everything else asks.

A declared field and a company's own are the same ``Field`` from here on. Nothing is registered after ``freeze``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.codes import CODES
from core.kinds import KINDS, Kind
from core.measuring import Dimension, Measure, Part, Sheet, ShippedDashboard, ShippedKpi, undeclared
from core.reporting import Report
from core.showing import Excerpt, Intake, Note, Paper, PublicAct, Reason, Shared

SETTINGS = _("Settings")  # the group of the menu that holds the set-up

# Django's column class, most special first -> kind. Columns with a meaning of their own carry it in their class.
KIND_OF = {
    "MoneyField": "money", "PercentField": "percent", "NumberField": "number", "RateField": "rate", "ChoiceField": "choice", "ChoicesField": "choices",
    "WordsField": "words", "CodeField": "code", "PhoneField": "phone", "SecretField": "secret", "FilterField": "json",
    "EmailField": "email", "URLField": "url", "CharField": "text", "TextField": "longtext", "DateField": "date",
    "DateTimeField": "datetime", "BooleanField": "yesno", "PositiveIntegerField": "integer", "IntegerField": "integer",
    "BigAutoField": "integer", "DecimalField": "number", "JSONField": "json", "UUIDField": "ref", "ForeignKey": "ref", "ManyToManyField": "refs",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of an object type, declared in code or added by a company: nobody downstream can tell.

    ``path`` is its column; ``sort_path`` the column a list sorts by; ``target`` the slug a reference points to. ``readonly``
    fields are never written by anyone but rules; ``compute`` gives a value that is no column (then it cannot be filtered).
    """

    name: str
    kind: str = "text"
    label: Any = ""
    required: bool = False
    unique: bool = False
    options: tuple | Callable = ()
    target: str = ""
    default: Any = None
    help: Any = ""
    custom: bool = False
    readonly: bool = False
    once: bool = False  # settable when the record is made, never after
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    path: str = ""
    sort_path: str = ""
    model: type | None = field(default=None, compare=False)
    compute: Callable | None = None
    expression: Any = field(default=None, compare=False)  # looked up rather than stored: can be filtered by, is not shown
    in_base: bool = False  # an amount in the company's currency, whatever its record's; those named base_ are without saying so
    wide: bool = False  # takes a whole row of a form
    source: Any = field(default=None, compare=False)  # of a company's own computed field: the row that says how (core.derived)
    unasked: bool = False  # written by the documents before it and by the API; no form asks for it
    looks: tuple = field(default=(), compare=False)  # of a company's own choice: each option as it was set up (colour, archived, what it goes with)
    depends_on: str = ""  # the choice by whose value this one's options are fewer
    seen_by: frozenset[str] = frozenset()  # ids or keys of the only roles that see it; none: all
    edited_by: frozenset[str] = frozenset()
    personal: bool = False
    pattern: str = ""
    edition: int = 0  # the version of the row that set it up

    @cached_property
    def rules(self) -> Kind:
        return KINDS[self.kind]

    @cached_property
    def is_told_as_is(self) -> bool:
        """Whether JSON holds its value as Python does."""
        return type(self.rules).to_json is Kind.to_json

    @property
    def is_looked_up(self) -> bool:
        """Whether it can be filtered by, but is no value of a record."""
        return self.expression is not None and self.compute is None

    @property
    def is_in_sql(self) -> bool:
        """Whether the database knows its value: then it can be filtered by, sorted and added up."""
        return self.compute is None or self.expression is not None

    @property
    def is_reference(self) -> bool:
        return self.kind in ("ref", "user", "refs")

    @property
    def is_base(self) -> bool:
        return self.in_base or (self.name.startswith("base_") and not self.custom)

    def choices(self) -> dict[str, Any]:
        """Key -> label, in the order declared."""
        options = self.options() if callable(self.options) else self.options
        return dict(options)

    def value(self, record: Any) -> Any:
        """The value in Python; a reference is its id. Cost: none, but one query for ``refs`` that were not prefetched."""
        if self.held:
            return getattr(record, self.held)
        if self.compute:
            return self.compute(record)
        if self.custom:
            stored = record.custom.get(self.name)
            return self.rules.empty if stored is None else self.rules.from_json(self, stored)
        if self.kind == "anyref":
            ident = getattr(record, f"{self.path}_id")
            line = (getattr(record, f"{self.path}_line") or "",) if hasattr(record, f"{self.path}_line") else ()
            return (getattr(record, f"{self.path}_type"), ident, *line) if ident else None
        waiting = record.__dict__.get("_several", {})
        return waiting[self.name] if self.name in waiting else [row.pk for row in getattr(record, self.path).all()]

    @cached_property
    def held(self) -> str:
        """The attribute of a record that is its value; empty where it takes more to know it."""
        if self.compute or self.custom or self.kind in ("anyref", "refs"):
            return ""
        return self.attname if self.kind in ("ref", "user") else self.path

    @cached_property
    def attname(self) -> str:
        return self.model._meta.get_field(self.path).attname if self.model else self.path

    def put(self, record: Any, value: Any) -> None:
        """Set the cleaned value on the record; nothing is stored yet. Several references wait in ``_several`` for the row."""
        if self.held and self.kind != "secret":
            setattr(record, self.held, value)
        elif self.custom:
            if self.rules.is_empty(value):
                record.custom.pop(self.name, None)
            else:
                record.custom[self.name] = self.rules.to_json(self, value)
        elif self.kind == "anyref":
            slug, ident = value or ("", None)  # only ledgers hold lines, and nobody writes those by hand
            setattr(record, f"{self.path}_type", slug)
            setattr(record, f"{self.path}_id", ident)
        elif self.kind == "secret":
            record.set_password(value)
        elif self.kind == "refs":
            record.__dict__.setdefault("_several", {})[self.name] = value
        else:
            setattr(record, self.path, value)


def derive(model: type[models.Model], name: str, **given: Any) -> Field:
    """The field of a type as its column declares it; ``given`` overrides."""
    column = model._meta.get_field(name)
    kind = next(KIND_OF[c.__name__] for c in type(column).__mro__ if c.__name__ in KIND_OF)
    options: Any = tuple(column.choices or ())
    target = ""
    if kind in ("ref", "refs") and column.is_relation:
        related = column.related_model
        target = related if isinstance(related, str) else related._meta.label
        kind = "user" if target == "core.User" and kind == "ref" else kind
    if kind == "code":
        options = CODES[column.standard]
    elif kind == "choices":
        options = tuple(column.options)
    elif options and kind == "text":
        kind = "choice"
    has_default = column.has_default() and not callable(column.default)
    return Field(**{
        "name": name, "path": name, "kind": kind, "label": column.verbose_name, "help": column.help_text, "options": options,
        "required": not (column.blank or column.has_default() or isinstance(column, models.BooleanField)),
        "target": target, "max_length": column.max_length if kind not in ("choices", "words") else None, "model": model,
        "default": column.default if has_default and column.default not in ("", None) else None,
        "sort_path": "sort_key" if name == "name" and any(f.name == "sort_key" for f in model._meta.fields) else "",
        "readonly": not column.editable, "wide": kind in ("longtext", "json"), **given,
    })  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A column by name, with something about it said differently."""

    name: str
    given: dict


def named(name: str, **given: Any) -> Named:
    return Named(name, given)


def _fields(model, declared: Iterable) -> tuple[Field, ...]:
    made = []
    for item in declared:
        if isinstance(item, Field):  # computed, or over several columns: no single column declares it
            made.append(replace(item, path=item.path or item.name))
        else:
            made.append(derive(model, item.name, **item.given) if isinstance(item, Named) else derive(model, item))
    return tuple(made)


@dataclass(frozen=True)
class Lines:
    """Child rows written and read with their record, under ``name``. ``shown`` fields are read only."""

    name: str
    model: type[models.Model]
    parent: str
    declared: tuple
    shown: tuple = ()
    label: Any = ""
    reasons: tuple[Reason, ...] = ()  # why figures of a row are what they are
    apart: bool = False  # shaped on a page of their own, which the form of their record leaves them to

    @cached_property
    def fields(self) -> dict[str, Field]:
        shown = (replace(f, readonly=True) for f in _fields(self.model, self.shown))
        return {f.name: f for f in (*_fields(self.model, self.declared), *shown)}


@dataclass(frozen=True)
class Act:
    """Something that may be done to a record by name: a transition (with ``sources`` and ``target``), or any other deed.

    ``fields`` are its inputs (``lines`` names of child rows it takes as well, ``takes`` rows of its own: ``data[name]`` is then
    a list of dicts, or None where none were given; ``offers(actor, record)`` -> {name: [dict]} fills them in a form),
    ``guard(actor, record)`` raises WrongState or RuleError, ``run(actor, record, data)`` does the work on the locked record;
    ``core.write`` stores, records, states facts.
    ``together(actor, [(record, data)])`` does it on several at once in place of ``run``: a result or a RuleError for each.
    An act that ``makes`` a record of another type (its slug) returns it from ``run``, or what to make it of, as a dict: then
    those of a batch are made at once, on behalf of the actor. That record is then the answer.
    """

    name: str
    label: Any
    sources: tuple[str, ...] = ()
    target: str = ""
    fields: tuple[Field, ...] = ()
    lines: tuple[str, ...] = ()
    takes: tuple["Lines", ...] = ()
    offers: Callable = lambda actor, record: {}
    guard: Callable = lambda actor, record: None
    run: Callable = lambda actor, record, data: None
    together: Callable | None = None
    makes: str = ""
    icon: str = "arrow-right"
    primary: bool = False
    danger: bool = False


@dataclass(frozen=True)
class ObjectType:
    """Everything the platform knows about one kind of record. See the README, "Add a type in five steps"."""

    slug: str
    model: type[models.Model]
    label: Any
    plural: Any
    declared: tuple  # writable fields, in the order of the form
    shown: tuple = ()  # read-only fields
    columns: tuple[str, ...] = ()  # of the list
    title: str = "name"  # the field that names a record
    title_else: str = ""  # the field that does where the first is empty
    among: dict[str, Any] = field(default_factory=dict)  # column -> value that its rows have, where several types share a table
    own: bool = False  # of the company's own making
    rows: Callable | None = None  # (actor) -> queryset: a row rule of its own, for ledgers that follow other records
    referable: bool = False  # although it has such a row rule, its rows may be referred to (the lines of a document)
    as_of: Callable | None = None  # (queryset, token) -> queryset as a reader knew it earlier
    looked_up: Callable = lambda actor: {}  # (actor) -> further fields to filter by, each with an expression
    redact: Callable | None = None  # (actor, read.Shown): take out what this reader may not see inside a value
    search: tuple[str, ...] = ()
    lines: tuple[Lines, ...] = ()
    acts: tuple[Act, ...] = ()
    statuses: tuple = ()  # (key, label, tone)
    check: Callable = lambda actor, record, changed, rows: None  # raises RuleError; sees record and given lines as they will be
    prepare: Callable = lambda actor, records: None  # fills what depends on references, for a whole batch, before checks
    totals: Callable | None = None  # (record, {lines name: rows}) -> sets computed columns
    facts: Callable | None = None  # (records) -> {record id: [core.facts.Statement]}
    moves: Callable = lambda records: {}  # (records) -> {slug: [records]} whose facts hang on these: restated with them
    follows: tuple[str, ...] = ()  # fields that name the record before this one in the chain
    remains: Callable = lambda record: []  # [(label, text)]: what is left to do at this step of the chain
    notes: Callable = lambda actor, record: ()  # Notes beside a record: what this reader should know of it besides its fields
    fills: Callable | None = None  # (actor, records, asked) -> {id: {name: value}}: what a chosen one fills into its row, given the form's head
    personal: Callable | None = None  # (actor, action) -> predicate: whose rows are whose, in place of the scopes of grants; anybody may have his own
    called: dict[str, Any] = field(default_factory=dict)  # what a title that is a key of the product is called, in the reader's language
    untold: tuple[str, ...] = ()  # fields of which the trail tells nobody what they were: what stands in them hangs on who reads it
    paper: Paper | None = None  # how its records are printed
    shared: Shared | None = None  # that its records are shown under links to people outside
    chained: Callable = lambda records: []  # [((slug, id) before, (slug, id) after, text)]: links of the chain that no field names; both ends say them
    conserved: Callable = lambda record: []  # sentences of what of it does not add up, which should be none
    gather: Callable = lambda actor, records: None  # reads at once, for all records shown, what their computed fields look up
    alike: Callable | None = None  # (actor, {name: text}) -> [(slug, id, why)]: records that may be the same thing entered before
    alike_by: tuple[str, ...] = ()  # the fields of its form that ``alike`` looks at
    intake: Intake | None = None  # a public form
    packed: Callable | None = None  # (record) -> whether it is set-up of the company's own, so that a pack may hold it
    waits: tuple[str, ...] = ()  # statuses in which something is still to be done by its owner: shown on his overview
    locked: Callable = lambda record: frozenset()  # names that no longer change by a save
    after: Callable = lambda actor, record, changed: None  # keeps what hangs on the record in step (a tree's links)
    owner: str | None = "owner_id"  # column that scope "own" compares with the actor; None: scopes do not apply
    unit: str | None = "unit_id"
    icon: str = "file"
    group: Any = ""  # of the menu; none: not in the menu
    figures: tuple = ()  # (kpi key, dimension) shown on a record
    related: tuple = ()  # (slug, field) lists shown as tabs on a record
    overview: tuple[Excerpt, ...] = ()  # short lists on the overview of a record
    board: str = ""  # the reference or choice by whose values a board of it has columns
    board_act: str = ""  # the act that moves a card to another column; its input has the name of that field
    board_groups: str = ""  # a field, of this type and of what its columns are alike, by which one set of columns is chosen (a pipeline)
    board_hides: tuple[str, ...] = ()  # statuses that a board leaves out unless it is asked for one
    board_asks: str = ""  # where what its columns are names the fields a record must have to stand there (core.entering)
    card: tuple[str, ...] = ()  # fields on a card besides its title; sums of its money stand above each column
    card_notes: Callable = lambda actor, records: {}  # {record id: [(icon, text, tone)]}: what else a card says; tone late, warn or nothing
    grouped: str = ""  # the field by which a list of its records to choose from is grouped (stages by pipeline)
    timeline: str = ""  # this type's records appear on the timeline of the record in this field
    keys: tuple[str, ...] = ()  # fields by which an import finds an existing record
    writable: bool = True
    deletable: bool = True
    archivable: bool = True
    sort: tuple[str, ...] = ()  # order a page opens a list in; empty, and always in the API: newest first
    filters: tuple[str, ...] = ()  # fields a list offers first
    aside: tuple[str, ...] = ()  # fields a form keeps folded below the lines, since most people leave them as they are

    @cached_property
    def fields(self) -> dict[str, Field]:
        shown = (replace(f, readonly=True) for f in _fields(self.model, self.shown))
        return {f.name: f for f in (*_fields(self.model, self.declared), *shown)}

    @property
    def is_setup(self) -> bool:
        """Whether its records say how the company works rather than being its work."""
        return self.group is SETTINGS

    @cached_property
    def has_status(self) -> bool:
        return bool(self.statuses)

    def all(self) -> models.QuerySet:
        """Every row of the type, whoever asks. Cost: none until used."""
        return self.model.objects.filter(**self.among) if self.among else self.model.objects.all()

    def new(self, **values: Any) -> models.Model:
        """A row of the type that is not stored yet."""
        if values:
            return self.model(**self.among, **values)
        row = self.model.blank()
        for name, value in self.among.items():
            setattr(row, name, value)
        return row

    def act(self, name: str) -> Act | None:
        return next((a for a in self.acts if a.name == name), None)

    def __hash__(self):
        return hash(self.slug)

    def __eq__(self, other):
        return isinstance(other, ObjectType) and other.slug == self.slug


types: dict[str, ObjectType] = {}
measures: dict[str, Measure] = {}
dimensions: dict[str, Dimension] = {}
kpis: dict[str, ShippedKpi] = {}
dashboards: dict[str, ShippedDashboard] = {}
sheets: dict[str, Sheet] = {}
reports: dict[str, Report] = {}
daily: list[Callable] = []  # work(actor) that is done in every company once a day, each in a transaction of its own
packs: list[Any] = []  # files of set-up that come with the product (core.packs), in the order they are offered
seeds: list[Callable] = []  # called with the actor of a new company's owner, in the order of the floors
_frozen = False


def register(*things: ObjectType | Measure | Dimension | ShippedKpi | ShippedDashboard | Sheet | Report) -> None:
    """Make these known; each key once."""
    homes = {
        ObjectType: types, Measure: measures, Dimension: dimensions, ShippedKpi: kpis, ShippedDashboard: dashboards, Sheet: sheets, Report: reports,
    }  # fmt: skip
    for thing in things:
        home = homes[type(thing)]
        key = thing.slug if isinstance(thing, ObjectType) else thing.key
        if _frozen or key in home:
            raise RuntimeError(f"{key} is registered twice, or after the start.")
        home[key] = thing


def extend(slug: str, **more: tuple) -> None:
    """Add to a type of a floor below: ``extend("accounts", figures=(...), acts=(...))`` appends to those tuples."""
    if _frozen:
        raise RuntimeError(f"{slug} is extended after the start.")
    types[slug] = replace(types[slug], **{name: (*getattr(types[slug], name), *items) for name, items in more.items()})


def freeze() -> None:
    """Close the registry, and point references at slugs now that every type is known."""
    global _frozen
    slug_of = {t.model._meta.label: t.slug for t in types.values()}
    for object_type in types.values():
        taken = (entry for act in object_type.acts for entry in act.takes)
        for home in (object_type.fields, *(entry.fields for entry in (*object_type.lines, *taken))):
            for name, f in home.items():
                if f.target in slug_of:
                    f = replace(f, target=slug_of[f.target])
                    home[name] = replace(f, sort_path=_label_path(f, types[f.target]))
    _point_dimensions()
    for who, name in undeclared(types, measures, dimensions, kpis, dashboards, sheets):
        raise RuntimeError(f"{who} names {name}, which nobody has declared.")
    _frozen = True


def _point_dimensions() -> None:
    """Columns of facts are plain ids; which records they belong to, the dimensions say that the floors above declare."""
    home = types["facts"].fields
    for dimension in dimensions.values():
        if dimension.column in home and not dimension.looks:
            home[dimension.column] = replace(home[dimension.column], target=dimension.target, label=dimension.label)


def _label_path(f: Field, target: ObjectType) -> str:
    """The column of the referred record by which a list sorts; none where several are referred to."""
    if f.kind not in ("ref", "user") or f.compute or not f.model or not f.model._meta.get_field(f.path).is_relation:
        return ""
    named_by = target.fields[target.title]
    return f"{f.path}__{named_by.sort_path or named_by.path}"


_own: list[Callable[[], dict[str, ObjectType]]] = []  # the types of the bound company's own making, by slug


def provide_own(find: Callable[[], dict[str, ObjectType]]) -> None:
    """Called once by ``core.objects``: which types the bound company made for itself."""
    _own[:] = [find]


def own_types() -> dict[str, ObjectType]:
    """Cost: one query for each use-case."""
    return _own[0]() if _own else {}


def get(slug: str) -> ObjectType | None:
    """The type of this slug: a shipped one, or one of the bound company's own."""
    return types.get(slug) or own_types().get(slug)


def every() -> list[ObjectType]:
    """All types, the shipped ones in the order declared, then the bound company's own."""
    return [*types.values(), *own_types().values()]


def type_choices() -> dict[str, Any]:
    """Slug -> label of every type that has a name in the menu, for fields that hold a slug."""
    return {t.slug: t.plural for t in every() if t.group and t.rows is None}


def type_of(record: models.Model) -> ObjectType:
    """The type whose rows this record is one of."""
    return next(t for t in every() if t.model is type(record) and all(getattr(record, n) == v for n, v in t.among.items()))


__all__ = [
    "KINDS", "KIND_OF", "SETTINGS", "Act", "Dimension", "Excerpt", "Field", "Intake", "Lines", "Measure", "Named", "Note", "ObjectType", "Paper", "Part",
    "PublicAct", "Reason", "Report", "Shared", "Sheet", "ShippedDashboard", "ShippedKpi", "daily", "dashboards", "derive", "dimensions", "every", "extend",
    "freeze", "get", "kpis", "measures", "named", "own_types", "packs", "provide_own", "register", "reports", "seeds", "sheets", "type_choices", "type_of",
    "types",
]  # fmt: skip
