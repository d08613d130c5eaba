"""What someone who wants a company states, and the rules for it: the same for the sign-up page and the command. Stores nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from core import codes, passwords
from core.errors import RuleError

SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]\Z")
_NOT_FOR_COMPANIES = """
about account accounts admin administrator api app apps assets auth autoconfig autodiscover billing blog careers cdn company
contact dashboard dev docs download email extensions files ftp help home host hostmaster http https imap info internal jobs legal
live localdomain localhost login mail mailer media metrics monitor mx news noreply ns ns1 ns2 null odos ops partner partners pop
pop3 postmaster press pricing privacy proxy public register root sales search secure security server service shop signin signup
site smtp sql ssh ssl staging static stats status store support sys sysadmin system team terms test testing undefined update
upload usenet vpn webmail webmaster welcome wiki wpad www
"""
RESERVED = frozenset(_NOT_FOR_COMPANIES.split())
LONGEST_PASSWORD = 128  # characters; a longer one would only cost hashing time


@dataclass(frozen=True)
class Application:
    """A checked wish for a company: every value may be stored as it is."""

    subdomain: str
    name: str
    email: str
    user_name: str
    password: str
    country: str
    currency: str
    timezone: str
    language: str


FIELDS = tuple(Application.__dataclass_fields__)


def check(stated: Mapping[str, str]) -> Application:
    """The application these values make; raises RuleError with a sentence for each field that breaks a rule.

    Whether the subdomain is still free is known only when the company is made.
    """
    values, errors = {}, {}
    for field in FIELDS:
        try:
            values[field] = _CLEAN[field](stated.get(field) or "")
        except RuleError as error:
            errors[field] = error.errors["_"]
    if errors:
        raise RuleError(errors)
    return Application(**values)


def guess(accept_language: str) -> dict[str, str]:
    """Country, currency and time zone that fit a browser's first language with a country, such as ``de-CH``: a form's start."""
    for part in accept_language.split(",")[:10]:
        try:
            country = Locale.parse(part.split(";")[0].strip(), sep="-").territory
        except (ValueError, UnknownLocaleError):
            continue
        if country in codes.countries():
            return {"country": country, "currency": _currency_of(country), "timezone": _zone_of(country)}
    return {"country": "US", "currency": "USD", "timezone": "UTC"}


def fits() -> dict[str, list[str]]:
    """Country -> the currency and time zone that fit it: those of a form follow the country until somebody chose others."""
    return {country: [_currency_of(country), _zone_of(country)] for country in codes.countries()}


def _currency_of(country: str) -> str:
    uses = get_global("territory_currencies").get(country, ())
    return next((code for code, _start, end, tender in uses if tender and not end), "USD")


def _zone_of(country: str) -> str:
    """The country's only or its only well-known zone, else UTC: which of several is not for us to guess."""
    zones = [zone for zone in get_global("territory_zones").get(country, ()) if zone in codes.time_zones()]
    known = [zone for zone in zones if zone in get_global("windows_zone_mapping").values()]
    return zones[0] if len(zones) == 1 else known[0] if len(known) == 1 else "UTC"


# One rule per field -------------------------------------------------------------------------------------------------


def _subdomain(text: str) -> str:
    subdomain = text.strip().lower()
    if not subdomain:
        raise RuleError(_("Please choose a subdomain."))
    if not SUBDOMAIN.match(subdomain) or subdomain[2:4] == "--":
        raise RuleError(_("A subdomain has 3 to 40 characters: letters from a to z, digits, and hyphens between them."))
    if subdomain in RESERVED:
        raise RuleError(_("This subdomain is reserved. Please choose another one."))
    return subdomain


def subdomain_is_taken() -> RuleError:
    return RuleError({"subdomain": [_("This subdomain is taken. Please choose another one.")]})


def _line(text: str, empty: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise RuleError(empty)
    if len(line) > 200 or not line.isprintable():
        raise RuleError(_("Please use at most 200 printable characters."))
    return line


def _name(text: str) -> str:
    return _line(text, _("Please enter the company's name."))


def _user_name(text: str) -> str:
    return _line(text, _("Please enter your name."))


def _email(text: str) -> str:
    email = text.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise RuleError(_("Please enter an e-mail address such as name@example.com.")) from error
    return email


def _password(text: str) -> str:
    if not text:
        raise RuleError(_("Please choose a password."))
    if len(text) > LONGEST_PASSWORD or "\x00" in text:
        raise RuleError(_("A password has at most %(most)d characters.") % {"most": LONGEST_PASSWORD})
    faults = passwords.faults(text)
    if faults:
        raise RuleError({"_": faults})
    return text


def _country(text: str) -> str:
    if text not in codes.countries():
        raise RuleError(_("Please choose a country from the list."))
    return text


def _currency(text: str) -> str:
    if text not in codes.currencies():
        raise RuleError(_("Please choose a currency from the list."))
    return text


def _timezone(text: str) -> str:
    if text not in codes.time_zones():
        raise RuleError(_("Please choose a time zone from the list."))
    return text


def _language(text: str) -> str:
    if text not in codes.languages():
        raise RuleError(_("Please choose a language from the list."))
    return text


_CLEAN = {
    "subdomain": _subdomain, "name": _name, "email": _email, "user_name": _user_name, "password": _password,
    "country": _country, "currency": _currency, "timezone": _timezone, "language": _language,
}  # fmt: skip
