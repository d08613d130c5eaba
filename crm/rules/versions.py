"""Versions of a quote: a new one out of another, which one holds, and what differs between two of them."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from core import access, read, trail, write
from core.access import Actor
from core.errors import WrongState
from core.models.record import Record, permit
from core.read import Ref, Shown
from core.registry import get
from core.showing import Note
from crm.models import QUOTE_STATES, Quote

COMPARED = ("account", "contact", "currency", "valid_until", "terms")
SUMS = ("net", "tax", "total")
TOLD = ("quantity", "unit_price", "discount", "tax_code", "description")


def hold_family(quote: Quote) -> list[Quote]:
    """All versions of the quote, this one among them, held until the transaction ends. Cost: one query."""
    first = quote.origin_id or quote.pk
    return list(Quote.objects.filter(Q(pk=first) | Q(origin=first)).order_by("pk").select_for_update())


def number(quote: Quote, family: list[Quote]) -> str:
    """The number of a later version: the first's with the revision behind it. Empty for a first version."""
    first = next((one for one in family if one.pk == quote.origin_id), None)
    return f"{first.number}-{quote.revision}" if first else ""


def supersede(actor: Actor, quote: Quote) -> list[Quote]:
    """This version is being sent: those sent before it hold no longer. Returns all versions. Cost: one query, and two where there are others.

    Errors: WrongState where a later version was sent already, or one was accepted since this one was made.
    """
    family = hold_family(quote)
    others = [one for one in family if one.pk != quote.pk and one.first_sent_at is not None]
    for other in others:
        if other.revision > quote.revision:
            raise WrongState(_("A later version (%(revision)d) has been sent already.") % {"revision": other.revision})
        if other.status == "accepted" and other.decided_at > quote.created_at:
            raise WrongState(_("Version %(revision)d was accepted after this one was made; make a new version if it should change.") % {
                "revision": other.revision,
            })  # fmt: skip
    over = [one for one in others if not one.is_superseded]
    if over:
        with permit():
            Quote.objects.filter(pk__in=[one.pk for one in over]).update(is_superseded=True)
        quotes = get("quotes")
        trail.note([trail.entry(actor, quotes, one, "change", {"is_superseded": [False, True]}) for one in over])
    return family


def new_version(actor: Actor, quote: Quote, data: dict) -> Record:
    """The act ``new-version``: a draft with the same head and lines, of the next revision. Cost: that of a new quote, and three statements."""
    family = hold_family(quote)
    head: dict[str, Any] = {name: _plain(getattr(quote, f"{name}_id")) for name in ("account", "contact", "opportunity", "owner")}
    head |= {"currency": quote.currency, "terms": quote.terms, "external_number": quote.external_number}
    head["lines"] = [
        {
            "product": _plain(row.product_id), "description": row.description, "quantity": row.quantity, "unit_price": row.unit_price,
            "discount": row.discount, "tax_code": _plain(row.tax_code_id),
        }
        for row in quote.lines.order_by("position", "pk")
    ]  # fmt: skip
    made = write.create(access.on_behalf(actor), get("quotes"), head)
    made.origin_id, made.revision = quote.origin_id or quote.pk, max(one.revision for one in family) + 1
    with permit():
        Quote.objects.filter(pk=made.pk).update(origin=made.origin_id, revision=made.revision)
    return made


def _plain(ident: UUID | None) -> str | None:
    return str(ident) if ident else None


def listed(actor: Actor, quote: Quote) -> Note | None:
    """All versions the reader sees, where there are several. Cost: one query."""
    first = quote.origin_id or quote.pk
    family = list(access.rows(actor, get("quotes")).filter(Q(pk=first) | Q(origin=first)).order_by("-revision"))
    if len(family) < 2:
        return None
    states = {key: str(label) for key, label, _tone in QUOTE_STATES}
    sentences = tuple(
        (_("Version %(revision)d: ") % {"revision": one.revision}, ("quotes", one.pk), f" · {_('Superseded') if one.is_superseded else states[one.status]}")
        for one in family
    )  # fmt: skip
    return Note(_("Versions"), sentences)


# What changed -------------------------------------------------------------------------------------------------------


def difference(actor: Actor, quote: Quote) -> Note | None:
    """What this version changes in the one before, in words, of what the reader sees. Cost: some ten queries where there is one before."""
    if quote.origin_id is None:
        return None
    quotes = get("quotes")
    family = access.rows(actor, quotes).filter(Q(pk=quote.origin_id) | Q(origin=quote.origin_id))
    earlier = family.filter(revision__lt=quote.revision).order_by("-revision").first()
    if earlier is None:
        return None
    old, new = read.present(actor, quotes, [earlier, quote])
    told = [*_heads(old, new, COMPARED), *_lines(old, new), *_heads(old, new, SUMS)]
    heading = _("Changed since version %(revision)d") % {"revision": earlier.revision}
    return Note(heading, tuple((sentence,) for sentence in told or [_("Nothing was changed.")]))


def _heads(old: Shown, new: Shown, names: tuple[str, ...]) -> list[str]:
    changed = [n for n in names if n in new.fields and _value(old, n) != _value(new, n) and not (n == "valid_until" and not new.values[n])]  # set when sent
    return [_from_to(str(new.fields[n].label), old.text(n), new.text(n)) for n in changed]


def _from_to(label: str, before: str, after: str) -> str:
    return _("%(label)s: %(before)s → %(after)s") % {"label": label, "before": before or "–", "after": after or "–"}


def _value(shown: Shown, name: str) -> Any:
    value = shown.values[name]
    return value.id if isinstance(value, Ref) else value


def _lines(old: Shown, new: Shown) -> list[str]:
    """Lines are the same where they are of the same product, or without one of the same description; in their order."""
    left = list(old.lines.get("lines", ()))
    changed, added = [], []
    for line in new.lines.get("lines", ()):
        same = next((one for one in left if _identity(one) == _identity(line)), None)
        if same is None:
            added.append(_("Added: %(line)s") % {"line": _told(line, new.currency)})
            continue
        left.remove(same)
        for name in TOLD:
            if _value(same, name) != _value(line, name):
                label = f"{_name(line)} · {line.fields[name].label}"
                changed.append(_from_to(label, _text(same, name, old.currency), _text(line, name, new.currency)))
    return [*(_("Removed: %(line)s") % {"line": _told(one, old.currency)} for one in left), *added, *changed]


def _identity(line: Shown) -> Any:
    return _value(line, "product") or line.values["description"]


def _name(line: Shown) -> str:
    product = line.values["product"]
    return line.values["description"] or (product.label if isinstance(product, Ref) else "") or "–"


def _text(line: Shown, name: str, currency: str) -> str:
    value = line.values[name]
    return value.label if isinstance(value, Ref) else line.fields[name].rules.text(line.fields[name], value, currency)


def _told(line: Shown, currency: str) -> str:
    return f"{_name(line)}, {_text(line, 'quantity', currency)} × {_text(line, 'unit_price', currency)}"
