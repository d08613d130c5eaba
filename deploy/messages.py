"""Keeps the catalogues of translations in step with the code: ``python -m deploy.messages`` adds new texts and drops gone ones.

Needs no GNU gettext. Finds texts in Python and in templates; translates nothing, and compiling is ``deploy.translations``.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from deploy.home import PROJECT
from deploy.translations import LOCALES

ROOMS = ("core", "tenants", "crm", "erp", "deploy", "templates")
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")}
HEAD = """\
# Odos in {name}.
msgid ""
msgstr ""
"Project-Id-Version: Odos\\n"
"Language: {tag}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals};\\n"

"""
# What a text is filled with: %(name)s, %s, {name}. A percent sign that stands for itself is written %%.
PLACEHOLDER = re.compile(r"%%|%\(\w+\)[#0+-]*\d*(?:\.\d+)?[a-zA-Z]|%[#0+-]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]|\{\w*(?:![rsa])?(?::[^{}]*)?\}")

Key = tuple[str, str]  # context, empty for none, and the text


def texts(room: Path) -> Iterator[Message]:
    """Every text below the folder that people may read in their language, with the place it stands at. Reads files only."""
    for path in sorted(room.rglob("*.py")):
        yield from _found(path, path.read_bytes())
    for path in sorted((*room.rglob("*.html"), *room.rglob("*.txt"))):
        yield from _found(path, _code_of(path.read_text(encoding="utf-8")))


def collect(rooms: Iterable[Path] | None = None) -> dict[Key, Message]:
    """All texts of the product by context and text. One that stands in several places is one text."""
    found: dict[Key, Message] = {}
    for room in rooms or (PROJECT / name for name in ROOMS):
        for message in texts(room):
            known = found.setdefault(key(message), message)
            if message.pluralizable and not known.pluralizable:
                found[key(message)] = message
    return found


def key(message: Message) -> Key:
    return message.context or "", message.id[0] if message.pluralizable else message.id


def read(source: Path) -> Catalog:
    with source.open("rb") as file:
        return read_po(file, abort_invalid=True)


def faults(found: dict[Key, Message], catalogue: Catalog) -> list[str]:
    """What is wrong with a catalogue, each as a sentence: missing, uncertain and gone texts, and placeholders that differ."""
    said: list[str] = []
    translated = {key(message): message for message in catalogue if message.id}
    for where, message in found.items():
        mine = translated.get(where)
        forms = _forms(mine) if mine else ()
        if not mine or not forms or not all(forms) or len(forms) < (catalogue.num_plurals if message.pluralizable else 1):
            said.append(f"Not translated: {_name(where)} ({message.locations[0][0]}:{message.locations[0][1]})")
            continue
        if mine.fuzzy:
            said.append(f"Marked as uncertain: {_name(where)}")
        wanted = [_placeholders(text) for text in (message.id if message.pluralizable else (message.id,))]
        said += [f"Other placeholders: {_name(where)} -> {form!r}" for form in forms if _placeholders(form) not in wanted]
    said += [f"No longer used: {_name(where)}" for where in translated if where not in found]
    return said + [f"Left as a comment: {_name(key(message))}" for message in catalogue.obsolete.values()]


def update(source: Path, found: dict[Key, Message]) -> list[str]:
    """Write the catalogue anew, in order of texts, with the translations it has; returns what is still wrong with it.

    Neither times nor places are written, so a change of the file is a change of words.
    """
    old = read(source)
    translated = {key(message): message for message in old if message.id}
    new = Catalog(locale=old.locale)
    for where, message in found.items():
        mine = translated.get(where)
        new.add(message.id, _kept(message, mine, new.num_plurals), context=message.context, flags={"fuzzy"} if mine and mine.fuzzy else ())
    body = BytesIO()
    write_po(body, new, width=0, no_location=True, omit_header=True, sort_output=True)
    name = old.locale.get_display_name("en") if old.locale else source.parent.parent.name
    head = HEAD.format(name=name, tag=source.parent.parent.name, plurals=new.plural_forms.rstrip(";"))
    source.write_text(head + body.getvalue().decode(), encoding="utf-8")
    return faults(found, new)


def _found(path: Path, code: bytes) -> Iterator[Message]:
    place = str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)
    for line, function, said, _comments in extract_python(BytesIO(code), KEYWORDS, (), {"encoding": "utf-8"}):
        words = said if isinstance(said, tuple) else (said,)
        context = words[0] if "p" in function.split("gettext")[0] else None
        words = words[1:] if context else words
        if not words or not isinstance(words[0], str) or not words[0]:
            continue  # a name handed on, not a text: the text stands where the name was given
        plural = "n" in function.split("gettext")[0]
        if plural and not (len(words) > 1 and isinstance(words[1], str)):
            continue
        yield Message(words[:2] if plural else words[0], locations=[(place, line)], context=context)


def _code_of(template: str) -> bytes:
    """A template as Python calls. Indentation goes: to Python it means something, to a page it does not."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines()).encode()


def _kept(message: Message, mine: Message | None, plurals: int) -> str | tuple[str, ...]:
    forms = _forms(mine) if mine else ()
    if message.pluralizable:
        return tuple((*forms, *[""] * plurals)[:plurals])
    return forms[0] if forms else ""


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string or "",)


def _placeholders(text: str) -> list[str]:
    return sorted(found for found in PLACEHOLDER.findall(text) if found != "%%")


def _name(where: Key) -> str:
    return f"{where[1]!r} as {where[0]}" if where[0] else repr(where[1])


if __name__ == "__main__":
    everything = collect()
    for po in sorted(LOCALES.glob("*/LC_MESSAGES/*.po")):
        left = update(po, everything)
        print(f"{po.relative_to(PROJECT)}: {len(everything)} texts", *left, sep="\n", file=sys.stderr)
