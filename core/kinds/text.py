"""Kinds whose value is text: one line, many, addresses of mail, telephone and web, and passwords. How text is found: core.collation."""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _

from core import context
from core.kinds.digits import Both, automaton, matches, together
from core.kinds.kind import Kind

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
WORD = "[A-Za-z0-9]{1,30}"
PLAIN = re.compile(rf"{WORD}(?:[._+-]{WORD}){{0,4}}@{WORD}(?:-{WORD})?(?:\.{WORD}){{0,3}}\.[A-Za-z]{{2,20}}")  # the e-mail address of most people
INTERNATIONAL = re.compile(r"\+[1-9][\d (). -]{6,24}", re.ASCII)
SORTS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")
NO_DIGIT = str.maketrans("", "", "+ ().-")  # what stands between the digits of such a number


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
        if PLAIN.fullmatch(text):
            return text
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
    """E.164 of a number that begins with its country's code and no prefix follows, "" of any other: the short way to read what most files hold.

    Where there is no such number, the text as it is, since the long way then finds none either.
    """
    digits = text.translate(NO_DIGIT) if INTERNATIONAL.fullmatch(text) else ""
    length, plan = _begun(digits[:3])
    rest = digits[length:]
    if plan is None or not rest or rest[0] == "0" or plan.prefix.match(rest):
        return ""
    return f"+{digits}" if plan.holds(rest) else text


class _Region:
    """How the numbers of one region are made: what all of them look like, each sort of them, and where others share its code what they begin with."""

    def __init__(self, metadata: phonenumbers.PhoneMetadata):
        self.leading = re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None
        sorts = [getattr(metadata, name) for name in SORTS if name != "mobile" or not metadata.same_mobile_and_fixed_line_pattern]
        self.described = ([metadata.general_desc], [sort for sort in sorts if sort is not None])
        self.forms: dict[int, Both] = {}

    def holds(self, rest: str) -> bool:
        """Whether there may be such a number, as the library judges it."""
        forms = self.forms.get(len(rest))
        if forms is None:
            forms = self.forms[len(rest)] = together(*(automaton(_patterns(described, len(rest))) for described in self.described))
        return matches(forms, rest)


def _patterns(described: list[phonenumbers.PhoneNumberDesc], length: int) -> list[str]:
    fitting = (one for one in described if not one.possible_length or length in one.possible_length)
    return [one.national_number_pattern for one in fitting if one.national_number_pattern]


@dataclass(frozen=True)
class _Plan:
    """The numbers of one country's code: what may stand before them, and the regions that have it."""

    prefix: re.Pattern[str]
    regions: tuple[_Region, ...]

    def holds(self, rest: str) -> bool:
        """Whether there may be such a number in the first region whose it would be."""
        if len(self.regions) == 1:
            return self.regions[0].holds(rest)
        for region in self.regions:
            if region.leading is not None and region.leading.match(rest):
                return region.holds(rest)
            if region.leading is None and region.holds(rest):
                return True
        return False


@cache
def _plan(code: int) -> _Plan | None:
    """None where no country has the code."""
    found = [phonenumbers.PhoneMetadata.metadata_for_region(region, None) for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())]
    if not found or found[0] is None:
        return None
    return _Plan(re.compile(found[0].national_prefix_for_parsing or "(?!)"), tuple(_Region(metadata) for metadata in found if metadata is not None))


@cache
def _begun(digits: str) -> tuple[int, _Plan | None]:
    """How many of these digits, the first three of a number, are a country's code, and its plan."""
    found = ((length, _plan(int(digits[:length]))) for length in range(1, len(digits) + 1))
    return next(((length, plan) for length, plan in found if plan is not None), (0, None))


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
