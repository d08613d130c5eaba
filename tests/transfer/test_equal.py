"""A file of many rows and the same records made one by one: equal rows, lines, trail, search entries and facts, own fields, defaults and rules included."""

import csv
import io
from datetime import datetime

import pytest

from core import access, registry, write
from core.batches import MANY
from core.models import Fact, SearchEntry, TrailEntry
from tests.people import writing
from tests.transfer.test_loading import counts, load, new

ROWS = MANY + 20  # enough that they go the way of many
NAMES = ("Anna Müller", "王小明", "O'Neil, \"Jo\"", "=1+1", "李 Lei", "  Ωmega\u3000x ", "重庆 AG\\N", "tab\\t")
LEFT_OUT = ("id", "created_at", "updated_at", "xact", "recorded_at", "source_id", "source_line", "at", "about_id", "request_id")
OWN = (
    ("tone", "choice", {"options": [{"key": "warm", "label": "Warm"}, {"key": "cold", "label": "Kühl"}], "default": "cold"}),
    ("size", "number", {"minimum": "0"}), ("tags", "choices", {"options": [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}]}),
    ("since", "date", {}), ("token", "text", {"unique": True}), ("serial", "autonumber", {"pattern": "N-{0000}"}), ("spot", "address", {}),
)  # fmt: skip


@pytest.fixture(scope="module")
def owner(alice):
    actor = access.actor_for(alice)
    for slug in ("contacts", "opportunities"):
        for key, kind, more in OWN:
            new(actor, "custom-fields", type=slug, key=key, kind=kind, label=key.title(), **more)
        new(actor, "rules", type=slug, name="No ghosts", condition='name = "ghost"', message="Ghosts are not kept.", field="name")
    new(actor, "accounts", name="Equal AG", external_id="EQ")
    new(actor, "products", sku="EQ-1", name="Bolt", unit_price="2.5")
    return actor


def own_values(n):
    return {"size": str(n * 1.25) if n % 3 else "", "tone": ("Warm", "")[n % 2], "tags": ("a", "A,b", "")[n % 3], "since": f"2026-03-{n % 28 + 1:02d}",
            "token": f"t{n}" if n % 4 else ""}  # fmt: skip


def contact(n, mark):
    phone = ("+49 30 901820", "030/901820 12", "call me", "+86 138 1234 5678", "")[n % 5]
    return {"name": NAMES[n % len(NAMES)], "external_id": f"X-{n}-way{mark}", "account": "EQ" if n % 2 else "", "email": f"P{n}.q@Example.com" if n % 3 else "",
            "phone": phone, "title": ("Chef", "总经理", "")[n % 3], **own_values(n)}  # fmt: skip


def opportunity(n, mark):
    return {"name": NAMES[n % len(NAMES)], "external_id": f"X-{n}-way{mark}", "account": "EQ", "amount": str(n * 10 + 5),
            "close_date": f"2026-12-{n % 28 + 1:02d}", **own_values(n)}  # fmt: skip


def order(n, mark):
    return {"external_number": f"X-{n}-way{mark}", "account": "EQ", "order_date": f"2026-03-{n % 28 + 1:02d}", "lines.product": "EQ-1",
            "lines.quantity": str(n % 9 + 1), "lines.discount": ("", "0.1")[n % 2]}  # fmt: skip


def as_file(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def one_by_one(actor, slug, rows):
    known = {"account": str(registry.get("accounts").all().get(external_id="EQ").pk), "lines.product": str(registry.get("products").all().get(sku="EQ-1").pk)}
    for row in rows:
        given = {n: known.get(n, v) for n, v in row.items() if v}
        lines = {n.partition(".")[2]: given.pop(n) for n in list(given) if "." in n}
        writing(lambda given=given, lines=lines: write.create(actor, registry.get(slug), given | ({"lines": [lines]} if lines else {})))


def columns(row, mark):
    plain = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname not in LEFT_OUT and not f.attname.endswith("order_id")}
    return _marked({name: value for name, value in plain.items() if not isinstance(value, datetime)}, mark)


def _marked(value, mark):
    """The same whichever of the two ways it came: without the mark of its way, its number and its token, which must differ."""
    if isinstance(value, dict):
        return {name: _marked(one, mark) for name, one in value.items() if name not in ("id", "serial", "token")}
    if isinstance(value, list | tuple):
        return [_marked(one, mark) for one in value]
    return value.replace(f"-{mark}", "-?") if isinstance(value, str) else value


def everything(object_type, number, mark):
    """All that is stored of one record."""
    record = object_type.all().get(**{number: mark})
    end = mark.rpartition("-")[2]
    trail = [columns(entry, end) for entry in TrailEntry.objects.filter(about_id=record.pk)]
    found = [columns(entry, end) for entry in SearchEntry.objects.filter(about_id=record.pk)]
    facts = [columns(fact, end) for fact in Fact.objects.filter(source_id=record.pk).order_by("measure", "business_date", "value")]
    lines = [columns(line, end) for entry in object_type.lines for line in entry.model.objects.filter(**{entry.parent: record}).order_by("position")]
    return columns(record, end), trail, found, facts, lines


@pytest.mark.parametrize(("slug", "made", "number"), [("contacts", contact, "external_id"), ("opportunities", opportunity, "external_id"),
                                                      ("orders", order, "external_number")])  # fmt: skip
def test_a_file_does_what_single_records_do(owner, slug, made, number):
    object_type = registry.get(slug)
    rows = [made(n, "a") for n in range(ROWS)]
    singles = [made(n, "b") | ({"token": f"b{n}"} if n % 4 and slug != "orders" else {}) for n in range(ROWS)][:: 1 if slug == "contacts" else 4]
    report = load(owner, slug, as_file(rows), columns=dict(enumerate(rows[0])), key="")
    assert counts(report) == (ROWS, 0, 0, 0), report.faults[:5]
    one_by_one(owner, slug, singles)
    for single in singles:
        mark = single[number]
        by_file, alone = everything(object_type, number, mark.replace("-wayb", "-waya")), everything(object_type, number, mark)
        assert not [(a, b) for a, b in zip(by_file, alone, strict=True) if a != b]
        assert by_file[1] and by_file[2] and (by_file[3] or slug != "opportunities") and (by_file[4] or slug != "orders")
    numbers = list(object_type.all().filter(**{f"{number}__endswith": "-waya"}).order_by("pk").values_list(number, flat=True))
    assert numbers == [row[number] for row in rows]


def test_what_single_records_are_refused_for_refuses_rows(owner):
    rows = [contact(n, "c") | {"token": f"c{n}"} for n in range(ROWS)]
    rows[3]["name"], rows[5]["size"], rows[7]["token"], rows[9]["since"], rows[11]["name"] = "ghost", "-1", "c6", "soon", ""
    report = load(owner, "contacts", as_file(rows), columns=dict(enumerate(rows[0])), key="")
    assert [(f.row, f.column, f.sentence) for f in report.faults] == [
        (5, "name", "Ghosts are not kept."), (7, "size", "Enter at least 0."), (9, "token", "Another record has this value already."),
        (11, "since", "Enter a date as YYYY-MM-DD."), (13, "name", "This field is required."),
    ]  # fmt: skip
    assert counts(report)[0] == ROWS - 5 and not registry.get("contacts").all().filter(external_id__endswith="-wayc").exists()
