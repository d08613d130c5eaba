"""The closed sets of international standards, labelled in the reader's language: countries, currencies, languages, time zones."""

from collections.abc import Callable
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from django.utils.translation import get_language

LANGUAGES = {"en": "English", "zh-Hans": "简体中文"}


def _locale() -> str:
    return "zh_Hans_CN" if (get_language() or "").lower().startswith("zh") else "en"


@cache
def _countries(locale: str) -> dict[str, str]:
    """ISO 3166-1 alpha-2 -> name, sorted by name; without regions and CLDR's own pseudo-territories."""
    names = Locale.parse(locale).territories
    real = get_global("territory_currencies")
    found = {k: v for k, v in names.items() if len(k) == 2 and k.isalpha() and k in real and k not in ("EU", "UN", "EZ", "ZZ", "XK", "QO")}
    return dict(sorted(found.items(), key=lambda item: item[1]))


@cache
def _currencies(locale: str) -> dict[str, str]:
    """ISO 4217 codes that are legal tender somewhere today -> ``EUR · Euro``."""
    tender = {c[0] for territory in get_global("territory_currencies").values() for c in territory if c[2] is None and c[3]}
    names = Locale.parse(locale).currencies
    return {code: f"{code} · {names.get(code, code)}" for code in sorted(tender) if len(code) == 3}


@cache
def time_zones() -> tuple[str, ...]:
    """IANA names people choose from: those of places, and UTC."""
    places = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(z for z in available_timezones() if z.startswith(places)))


def countries() -> dict[str, str]:
    return _countries(_locale())


def currencies() -> dict[str, str]:
    return _currencies(_locale())


def languages() -> dict[str, str]:
    return LANGUAGES


CODES: dict[str, Callable[[], dict[str, str]]] = {"country": countries, "currency": currencies, "language": languages}
