"""The paper room: records as documents that leave the company. What stands on one, its type says (``core.showing.Paper``)."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from core import access, context
from core.access import Actor
from core.errors import Denied, Missing
from core.models.record import Record
from core.paper.press import pdf, pictures
from core.paper.wording import amount, commercial, day, figure, money
from core.registry import ObjectType, get

LANGUAGES = {"en": "en", "zh-Hans": "zh-hans"}  # a paper's language -> the catalogue it is worded by


def language_of(object_type: ObjectType, record: Record, wanted: str = "") -> str:
    """The language wanted, else that of whoever gets the paper, else the company's."""
    own = object_type.paper.language(record) if object_type.paper else ""
    return next((tag for tag in (wanted, own, context.company().language) if tag in LANGUAGES), "en")


def contents(object_type: ObjectType, record: Record, language: str) -> dict[str, Any]:
    """What stands on the paper, as plain data. What was kept when it was sent stays as it was. Errors: Missing where the type has none.

    Cost: that of the type's own ``write``.
    """
    if object_type.paper is None:
        raise Missing
    kept = (object_type.paper.kept(record) or {}).get(language)
    if kept is None:
        kept = _written(object_type, record, language)
    with translation.override(LANGUAGES[language]):
        return {**kept, "mark": str(object_type.paper.mark(record) or "")}


def keep(object_type: ObjectType, record: Record) -> dict[str, dict[str, Any]]:
    """What the paper says now in every language, to be stored with the record that is sent. Cost: that of ``write``, twice."""
    return {language: _written(object_type, record, language) for language in LANGUAGES}


def _written(object_type: ObjectType, record: Record, language: str) -> dict[str, Any]:
    with translation.override(LANGUAGES[language]):
        made = asdict(object_type.paper.write(record))
        pages = _("Page %(page)s of %(pages)s") % {"page": "{page}", "pages": "{pages}"}
        made |= {"company": context.company().name, "language": language, "pages": pages}
        return json.loads(json.dumps(made, default=str))


def digest(told: dict[str, Any]) -> str:
    """What tells two contents apart: SHA-256 of them in one spelling."""
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def demand_readable(actor: Actor, object_type: ObjectType, record: Record) -> None:
    """Raise Denied unless the reader sees all that stands on this paper. Cost: one query for each record referred to, none of types he sees all of."""
    asked: set[tuple[str, Any]] = set()
    refused = Denied(_("This paper shows more than you may see of this record."))
    for name in object_type.paper.reveals:
        head, _dot, part = name.partition(".")
        if head in access.hidden_names(actor, object_type):
            raise refused
        f = object_type.fields.get(head)
        target = get(f.target) if f is not None and f.is_reference else None
        if target is None or f.value(record) is None:
            continue
        if not access.allows(actor, target, "view") or (part and part in access.hidden_names(actor, target)):
            raise refused
        if not access.is_unlimited(actor, target, "view"):
            asked.add((target.slug, f.value(record)))
    if not all(access.rows(actor, get(slug)).filter(pk=ident).exists() for slug, ident in asked):
        raise refused


__all__ = [
    "LANGUAGES", "amount", "commercial", "contents", "day", "demand_readable", "digest", "figure", "keep", "language_of", "money", "pdf", "pictures",
]  # fmt: skip
