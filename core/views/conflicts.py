"""The stale form: what somebody else saved since it was opened, beside what was typed, and a choice for each field.

A field that only they changed comes with theirs chosen, one that both changed with one's own.
"""

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import access, forms, read, registry
from core.access import Actor
from core.forms import Entry, Offer, Sent
from core.models.record import Record
from core.registry import Field, Lines

KEEP = "keep."


def kept(sent: Sent) -> set[str]:
    """Names for which somebody chose what is stored."""
    return {name.removeprefix(KEEP) for name in sent if name.startswith(KEEP) and sent.get(name) == "theirs"}


def keep_theirs(made: Offer, entry: Entry, stored: Entry, sent: Sent) -> None:
    """Put what is stored into the entry, where that was chosen."""
    for name in kept(sent):
        if name in made.fields and name in stored.texts:
            entry.texts[name] = stored.texts[name]
        elif name in stored.rows:
            entry.rows[name] = stored.rows[name]


def of(actor: Actor, made: Offer, record: Record, entry: Entry, stored: Entry, version: int) -> dict[str, Any]:
    """What parts/conflict.html reads. Cost: the trail's entries since that version, and a query for each type named."""
    trail = registry.types["trail"]
    later = list(access.rows(actor, trail).filter(about_type=made.type.slug, about_id=record.pk, version__gt=version).order_by("id"))
    before: dict[str, Any] = {}
    for one in later:
        for name, (old, _new) in one.changes.items():
            before.setdefault(name, old)
    lines = {e.name: e for e in made.lines}
    differing = [n for n in before if n in made.fields and not forms.same(made.fields[n], entry.texts.get(n), stored.texts.get(n))]
    rows = [n for n in before if n in lines and n in entry.rows and not forms.same_rows(lines[n], entry.rows[n], stored.rows[n])]
    labels = _labels(actor, made, entry, stored, differing, rows)
    told = [_field_row(made.fields[n], entry.texts.get(n), stored.texts.get(n), before[n], labels) for n in differing]
    told += [_lines_row(lines[n], entry.rows[n], stored.rows[n], before[n]) for n in rows]
    last = later[-1] if later else None
    who = read.labels(actor, {"users": {last.actor}}).get("users", {}).get(last.actor, "") if last and last.actor else ""
    when = registry.KINDS["datetime"].text(None, last.at if last else record.updated_at)
    return {"who": who or _("Somebody"), "when": when, "rows": told}


def _field_row(f: Field, mine: Any, theirs: Any, before: Any, labels: dict) -> dict[str, Any]:
    try:
        untouched = forms.same(f, mine, forms.text_of(f, f.rules.from_json(f, before)))
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError):  # it was of another kind then
        untouched = False
    return {
        "name": f.name, "label": f.label, "mine": _words(f, mine, labels), "theirs": _words(f, theirs, labels),
        "keep": "theirs" if untouched else "mine",
    }  # fmt: skip


def _lines_row(lines: Lines, mine: list, theirs: list, before: Any) -> dict[str, Any]:
    known = forms.open_fields(lines)
    old = [
        {"id": row["id"], **{n: forms.text_of(f, f.rules.from_json(f, row.get(n))) for n, f in known.items()}} for row in before or []
    ]
    untouched = forms.same_rows(lines, mine, old)
    label = lines.label or lines.name
    return {"name": lines.name, "label": label, "mine": _count(mine), "theirs": _count(theirs), "keep": "theirs" if untouched else "mine"}


def _count(rows: list[dict]) -> str:
    """Rows in a few words: how many, and what sets them apart, as far as it is no id."""
    said = ngettext("%(n)d line", "%(n)d lines", len(rows)) % {"n": len(rows)}
    texts = [" × ".join(str(row[n]) for n in ("description", "name", "quantity", "unit_price", "amount") if row.get(n)) for row in rows]
    return f"{said}: {'; '.join(t for t in texts[:6] if t)}" if any(texts) else said


def _labels(actor: Actor, made: Offer, entry: Entry, stored: Entry, names: list[str], rows: list[str]) -> dict:
    wanted: dict[str, set] = defaultdict(set)
    for name in names:
        f = made.fields[name]
        for text in (entry.texts.get(name), stored.texts.get(name)):
            for slug, ident in forms.chosen_ids(f, text):
                wanted[slug].add(ident)
    return read.labels(actor, wanted)


def _words(f: Field, text: Any, labels: dict) -> str:
    """A control's text as its reader would say it."""
    named = forms.chosen_ids(f, text)
    if named:
        return ", ".join(labels.get(slug, {}).get(ident) or _("(not visible)") for slug, ident in named)
    try:
        value = forms.value_of(f, text or "")
        return "" if value in (None, []) else f.rules.text(f, f.rules.clean(f, value))
    except ValueError:
        return str(text)
