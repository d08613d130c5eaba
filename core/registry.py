"""The one place that knows every object type, measure, dimension and shipped KPI. Apps declare at start; everything else asks.

A declared field and a company's own are the same ``Field`` from here on. Nothing is registered after ``freeze``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.fields import Field, derive, fields_of, named
from core.kinds import KINDS
from core.measuring import Dimension, Measure, Part, Sheet, ShippedDashboard, ShippedKpi, undeclared
from core.reporting import Report
from core.showing import Excerpt, Intake, Note, Paper, PublicAct, Reason, Shared

SETTINGS = _("Settings")  # the group of the menu that holds the set-up


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
        shown = (replace(f, readonly=True) for f in fields_of(self.model, self.shown))
        return {f.name: f for f in (*fields_of(self.model, self.declared), *shown)}


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
    looked_up: Callable | None = None  # (actor) -> further fields to filter by, each with an expression
    looks_alike: bool = True  # they are the same for all who have the same rights
    redact: Callable | None = None  # (actor, columns.Table): take out what this reader may not see inside a value
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
    summary: type[models.Model] | None = None  # what most of them come to, kept ready by triggers of their table (core.summaries)
    settled: bool = False  # few rows, seldom changed and named everywhere: a change of one renews the edition (core.edition), by a trigger of its table
    called: dict[str, Any] = field(default_factory=dict)  # what a title that is a key of the product is called, in the reader's language
    untold: tuple[str, ...] = ()  # fields of which the trail tells nobody what they were: what stands in them hangs on who reads it
    paper: Paper | None = None  # how its records are printed
    shared: Shared | None = None  # that its records are shown under links to people outside
    chained: Callable = lambda records: []  # [((slug, id) before, (slug, id) after, text)]: links of the chain that no field names; both ends say them
    conserved: Callable = lambda record: []  # sentences of what of it does not add up, which should be none
    gather: Callable = lambda actor, records: None  # reads at once, for all records shown, what their computed fields look up
    gathers: Callable = lambda actor, ids: ()  # (actor, ids) -> [prepared.Asked]: what ``gather`` asks, so that it is asked together with more
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
        shown = (replace(f, readonly=True) for f in fields_of(self.model, self.shown))
        return {f.name: f for f in (*fields_of(self.model, self.declared), *shown)}

    @property
    def is_setup(self) -> bool:
        """Whether its records say how the company works rather than being its work."""
        return self.group is SETTINGS

    @cached_property
    def in_menu(self) -> bool:
        """Whether it has a place of its own: what the group is called, its reader's language says."""
        return bool(self.group)

    @property
    def is_listed(self) -> bool:
        """Whether it is in the menu with rows of its own, rather than those that follow other records."""
        return self.in_menu and self.rows is None

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
    return {t.slug: t.plural for t in every() if t.is_listed}


def type_of(record: models.Model) -> ObjectType:
    """The type whose rows this record is one of."""
    return next(t for t in every() if t.model is type(record) and all(getattr(record, n) == v for n, v in t.among.items()))


__all__ = [
    "KINDS", "SETTINGS", "Act", "Dimension", "Excerpt", "Field", "Intake", "Lines", "Measure", "Note", "ObjectType", "Paper", "Part",
    "PublicAct", "Reason", "Report", "Shared", "Sheet", "ShippedDashboard", "ShippedKpi", "daily", "dashboards", "derive", "dimensions", "every", "extend",
    "freeze", "get", "kpis", "measures", "named", "own_types", "packs", "provide_own", "register", "reports", "seeds", "sheets", "type_choices", "type_of",
    "types",
]  # fmt: skip
