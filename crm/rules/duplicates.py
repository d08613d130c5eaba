"""Whether somebody was entered before: names of companies reduced to what tells them apart, and who shares a name, e-mail or phone."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from core import access, collation, registry
from core.access import Actor
from core.kinds import KINDS
from core.registry import Field, ObjectType

MOST = 8  # records that a warning names of each type
# What follows a company's name and says its legal form; the longest first, since one may end in another.
CHINESE_FORMS = (
    "集团股份有限公司", "股份有限公司", "有限责任公司", "集团有限公司", "控股有限公司", "有限合伙企业", "合伙企业", "有限公司", "集团公司", "总公司",
    "分公司", "股份公司", "株式会社", "公司", "集团", "控股", "有限合伙",
)  # fmt: skip
FORMS = frozenset((
    "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "gbr", "ug", "ev", "se", "ltd", "limited", "inc", "incorporated", "llc", "llp", "lp", "plc", "corp",
    "corporation", "co", "company", "cie", "sa", "sas", "sarl", "srl", "spa", "sl", "bv", "nv", "oy", "oyj", "ab", "as", "asa", "aps", "pty", "pte", "kk",
    "sdn", "bhd", "ooo", "zrt", "kft", "sro", "spzoo", "group", "holding", "holdings",
))  # fmt: skip
PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕")
PLACE = re.compile("^(?:[\u4e00-\u9fff]{2,3}省)?(?:[\u4e00-\u9fff]{2,3}市)?")
JOINERS = frozenset(("&", "+", "and", "und", "et", "y", "e"))


def company_key(name: str) -> str:
    """What a company's name is compared by: without its legal form, places in parentheses, punctuation and white space; "" for none.

    ``Acme GmbH & Co. KG`` is ``acme``, ``（上海）博世软件有限公司`` and ``博世软件(上海)股份有限公司`` are ``博世软件``.
    """
    folded = collation.fold(name)
    text = PARENTHESES.sub(" ", folded).strip() or folded
    key = _without_forms(text) or _plain(text)
    if collation.HAN.match(key):
        bare = PLACE.sub("", key)
        key = bare if len(bare) > 1 else key
    return key[:200]


def _plain(text: str) -> str:
    """Letters and digits alone."""
    return "".join(c for c in text if unicodedata.category(c)[0] in "LNM")


def _without_forms(text: str) -> str:
    words = [w for w in (_plain(w) if w not in JOINERS else w for w in re.split(r"[\s,;/-]+", text.replace(".", ""))) if w]
    while len(words) > 1 and (words[-1] in FORMS or words[-1] in JOINERS):
        words.pop()
    joined = "".join(_plain(w) for w in words)
    found = next((form for form in CHINESE_FORMS if joined.endswith(form) and len(joined) > len(form)), "")
    while found:
        joined = joined.removesuffix(found)
        found = next((form for form in CHINESE_FORMS if joined.endswith(form) and len(joined) > len(form)), "")
    return joined.removeprefix("株式会社") or joined


def key_accounts(actor: Actor, pairs: list) -> None:
    """Part of ``prepare``: by what an account is compared."""
    for account, _made in pairs:
        account.match_key = company_key(account.name)


def key_leads(actor: Actor, pairs: list) -> None:
    """The ``prepare`` of leads: by what a lead's company is compared."""
    for lead, _made in pairs:
        lead.match_key = company_key(lead.company or "")


# Who shares what ----------------------------------------------------------------------------------------------------

SLUGS = ("accounts", "contacts", "leads")


def alike(actor: Actor, stated: Mapping[str, str]) -> list[tuple[str, UUID, str]]:
    """(slug, id, why) of accounts, contacts and leads that may be who ``stated`` (name, company, email, phone, mobile) tells of.

    Only records the actor sees, by fields the actor sees (Z-03). Cost: one query a type.
    """
    companies = {key for name in ("name", "company") if (key := company_key(stated.get(name, "")))}
    person = collation.sort_key(stated.get("name", "")) if collation.fold(stated.get("name", "")) else ""
    emails = {e} if (e := stated.get("email", "").strip().casefold()) else set()
    phones = {p for name in ("phone", "mobile") if (p := _phone(stated.get(name, "")))}
    found = []
    for slug in SLUGS:
        object_type = registry.get(slug)
        if access.allows(actor, object_type, "view"):
            found += _of_type(actor, object_type, {"company": companies, "person": {person} - {""}, "email": emails, "phone": phones})
    return found


def _phone(text: str) -> str:
    try:
        return KINDS["phone"].clean(Field("phone", max_length=60), text) if text.strip() else ""
    except ValueError:
        return ""


def _ways(object_type: ObjectType) -> list[tuple[str, str, str, str]]:
    """(what, column, field that must be seen, why) by which records of a type are compared."""
    company, name, email, phone = _("same company name"), _("same name"), _("same e-mail address"), _("same phone number")
    return {
        "accounts": [("company", "match_key", "name", company), ("email", "email", "email", email), ("phone", "phone", "phone", phone)],
        "contacts": [
            ("person", "sort_key", "name", name), ("email", "email", "email", email), ("phone", "phone", "phone", phone),
            ("phone", "mobile", "mobile", phone),
        ],
        "leads": [
            ("company", "match_key", "company", company), ("person", "sort_key", "name", name), ("email", "email", "email", email),
            ("phone", "phone", "phone", phone),
        ],
    }[object_type.slug]  # fmt: skip


def _of_type(actor: Actor, object_type: ObjectType, wanted: dict[str, set[str]]) -> list[tuple[str, UUID, str]]:
    seen = access.fields(actor, object_type)
    ways = [way for way in _ways(object_type) if way[2] in seen and wanted[way[0]]]
    test = Q(pk__in=[])
    for what, column, _field, _words in ways:
        test |= Q(**{f"{column}__iexact": next(iter(wanted[what]))}) if what == "email" else Q(**{f"{column}__in": wanted[what]})
    if not ways:
        return []
    columns = list(dict.fromkeys(way[1] for way in ways))
    rows = access.rows(actor, object_type).filter(test, archived_at=None).order_by("-pk").values("pk", *columns)[:MOST]
    return [(object_type.slug, row["pk"], _why(row, ways, wanted)) for row in rows]


def _why(row: dict[str, Any], ways: list, wanted: dict[str, set[str]]) -> str:
    told = dict.fromkeys(why for what, column, _field, why in ways if _held(row[column], what) in wanted[what])
    return ", ".join(told)


def _held(value: str, what: str) -> str:
    return value.casefold() if what == "email" else value
