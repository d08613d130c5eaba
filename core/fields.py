"""A field as it is declared: in code by the column that holds it, or by a company as a row of its set-up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db import models

from core.codes import CODES
from core.kinds import KINDS, Kind

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

    @cached_property
    def rules(self) -> Kind:
        return KINDS[self.kind]

    @cached_property
    def is_told_as_is(self) -> bool:
        """Whether JSON holds its value as Python does."""
        return type(self.rules).to_json is Kind.to_json

    @cached_property
    def is_never_blank(self) -> bool:
        """Whether each record has a text in its column."""
        return self.model is not None and self.path == self.name and not self.model._meta.get_field(self.path).blank

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
    def is_plain(self) -> bool:
        """Whether its value is an attribute of a record and nothing more."""
        return bool(self.held) and self.kind != "secret"

    @cached_property
    def attname(self) -> str:
        return self.model._meta.get_field(self.path).attname if self.model else self.path

    def put(self, record: Any, value: Any) -> None:
        """Set the cleaned value on the record; nothing is stored yet. Several references wait in ``_several`` for the row."""
        if self.is_plain:
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


def fields_of(model: type[models.Model], declared: Iterable) -> tuple[Field, ...]:
    """What a type or its lines declare: fields as they are, columns by name."""
    made = []
    for item in declared:
        if isinstance(item, Field):  # computed, or over several columns: no single column declares it
            made.append(replace(item, path=item.path or item.name))
        else:
            made.append(derive(model, item.name, **item.given) if isinstance(item, Named) else derive(model, item))
    return tuple(made)
