"""In which encoding the bytes of a text are, told by their mark or by how often which bytes follow each other. Reads nothing else of them."""

import codecs
import re

from django.utils.translation import gettext as _

from core.errors import RuleError

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
KNOWN = {"utf-8": "UTF-8", "gb18030": "GB18030", "big5": "Big5", "utf-16-le": "UTF-16 LE", "utf-16-be": "UTF-16 BE", "windows-1252": "Windows-1252"}
LOOKED_AT = 200_000  # bytes that tell one old encoding from another
PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")


def decode(content: bytes, asked: str = "") -> tuple[str, str]:
    """The text, and the encoding it is in: the one asked for, or the one found. Errors: RuleError with a sentence."""
    for mark, encoding in MARKS:
        if content.startswith(mark) and asked in ("", encoding):
            return _strictly(content[len(mark) :], encoding), encoding
    if asked:
        if asked not in KNOWN:
            raise RuleError(_("Choose one of the encodings."))
        return _strictly(content, asked), asked
    for encoding in _candidates(content):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise RuleError(_("The file is not text in UTF-8, GB 18030, Big5, UTF-16 or Windows-1252. Save it as “CSV UTF-8”."))


def _candidates(content: bytes) -> list[str]:
    """UTF-8 is never met by chance. Of the others almost any fits any bytes, so what speaks for each is weighed."""
    wide = _wide(content)
    old = ["gb18030", "windows-1252", "big5"]
    pairs = PAIR.findall(content[:LOOKED_AT])
    if pairs:
        simplified = sum(0xB0 <= p[0] <= 0xF7 and p[1] >= 0xA1 for p in pairs) / len(pairs)  # where all usual Chinese characters are
        traditional = sum(0xA4 <= p[0] <= 0xC6 and (p[1] <= 0x7E or p[1] >= 0xA1) for p in pairs) / len(pairs)
        if simplified >= 0.7:
            old = ["gb18030", "big5", "windows-1252"]
        elif traditional >= 0.8:
            old = ["big5", "gb18030", "windows-1252"]
        else:
            old = ["windows-1252", "gb18030", "big5"]
    return [wide, "utf-8", *old] if wide else ["utf-8", *old]


def _wide(content: bytes) -> str:
    """UTF-16 without its mark: every second byte of what is partly Latin is zero."""
    start = content[:4000]
    if len(start) < 4 or len(content) % 2 or b"\x00" not in start:
        return ""
    low, high = start[1::2].count(0), start[0::2].count(0)
    return "utf-16-le" if low > len(start) / 8 and low > high else "utf-16-be" if high > len(start) / 8 else ""


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise RuleError(
            _("The file says it is %(encoding)s, but at byte %(place)d it is not.") % {"encoding": KNOWN[encoding], "place": error.start}
        ) from None
