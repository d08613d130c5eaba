"""Kinds whose value is text: one line, many, addresses of mail, telephone and web, and passwords. How text is found: core.collation."""

import re
from functools import cache

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _

from core import context
from core.kinds.kind import Kind

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
INTERNATIONAL = re.compile(r"\+[1-9][\d (). -]{6,24}", re.ASCII)
NO_DIGIT = re.compile(r"\D+", re.ASCII)


class Text(Kind):
    """Text; where a field names ``options`` it holds one of the system's own keys, which people read and choose as labels."""

    name = "text"

    def text(self, field, value, currency=""):
        return str(field.choices().get(value, value)) if value and field.options else super().text(field, value, currency)


class LongText(Kind):
    name = "longtext"
    indexed = False
    widget = "textarea"


class FormulaText(LongText):
    """A formula as people write it. What it may say, its type's check asks ``core.formulas``."""

    name = "formulatext"
    widget = "formula"


class Email(Text):
    name = "email"
    widget = "email"
    schema = {"type": "string", "format": "email"}

    def clean(self, field, value):
        text = super().clean(field, value)
        try:
            validate_email(text)
        except ValidationError:
            raise ValueError(_("Enter an e-mail address, such as name@example.com.")) from None
        return text


class Phone(Text):
    """E.164 where it parses in the company's country; otherwise as typed."""

    name = "phone"
    widget = "tel"

    def clean(self, field, value):
        text = super().clean(field, value)
        plain = _international(text)
        if plain:
            return plain
        try:
            number = phonenumbers.parse(re.sub("转|分机", "x", text), context.company().country)
            if phonenumbers.is_valid_number(number):
                extension = f";ext={number.extension}" if number.extension else ""
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) + extension
        except phonenumbers.NumberParseException:
            return text
        return text


def _international(text: str) -> str:
    """E.164 of a number that begins with its country's code and no prefix follows, "" of any other: the short way to read what most files hold."""
    found = INTERNATIONAL.fullmatch(text)
    digits = NO_DIGIT.sub("", text) if found else ""
    for length in (1, 2, 3):
        code, rest = digits[:length], digits[length:]
        region = phonenumbers.region_code_for_country_code(int(code)) if code else phonenumbers.UNKNOWN_REGION
        if region == phonenumbers.UNKNOWN_REGION or not rest or rest.startswith("0"):
            continue
        prefix = _prefix(region)
        number = phonenumbers.PhoneNumber(country_code=int(code), national_number=int(rest))
        return f"+{digits}" if prefix and not prefix.match(rest) and phonenumbers.is_valid_number(number) else ""
    return ""


@cache
def _prefix(region: str) -> re.Pattern[str] | None:
    """What may stand before a national number of a region; None where that is not known."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    return re.compile(metadata.national_prefix_for_parsing or "(?!)") if metadata else None


class Url(Text):
    name = "url"
    widget = "url"
    schema = {"type": "string", "format": "uri"}

    def clean(self, field, value):
        text = super().clean(field, value)
        text = text if re.match(r"[a-z][a-z0-9+.-]*:", text, re.I) and not re.match(r"[^:]+:\d", text) else f"https://{text}"
        try:
            URLValidator(schemes=["http", "https"])(text)
        except ValidationError:
            raise ValueError(_("Enter a web address, such as https://example.com.")) from None
        return super().clean(field, text)  # the scheme made it longer


class Barcode(Text):
    """What a scanner reads off a label: printable, without a judgement of its check digit, since not every label has one."""

    name = "barcode"

    def clean(self, field, value):
        text = super().clean(field, str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
        if not text.isprintable():
            raise ValueError(_("Enter a code of printable characters."))
        return text


class AutoNumber(Text):
    """A number the record was given when it was made. Nobody writes it."""

    name = "autonumber"


class Computed(Kind):
    """A formula or a roll-up that is set up: what its values are of, the field says when it is read (core.derived)."""

    ops, sorts, indexed = (), False, False


class Formula(Computed):
    name = "formula"


class Rollup(Computed):
    name = "rollup"


class Secret(Kind):
    """Written, never read: a password. ``core.write`` hashes it through the record's ``set_password``."""

    name = "secret"
    ops, sorts, widget = (), False, "password"

    def clean(self, field, value):
        if not isinstance(value, str) or not 1 <= len(value) <= 128 or UNSTORABLE.search(value):
            raise ValueError(_("Enter a password of at most 128 characters."))
        return value

    def to_json(self, field, value):
        return None

    def to_form(self, field, value):
        return ""
