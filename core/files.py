"""Files that people bring and records hold. A file is seen by who brought it and by whoever sees a field of a record that holds it.

The bytes stand in the company's own schema; what they are is read off them, never believed. How they are sent: core.api.files.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db.models import lookups
from django.utils.translation import gettext as _

from core import access, clock, registry
from core.access import Actor
from core.errors import Missing, RuleError
from core.models import StoredFile
from core.models.record import permit
from core.registry import Field, ObjectType

SLUG = "files"
KINDS = ("file", "image")
PICTURES = "pictures"
LARGEST = 25 * 1024 * 1024  # bytes
SIGNATURES = (  # what a picture that browsers show begins with; drawings that hold programs are none
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"),
)  # fmt: skip
PLAIN = "application/octet-stream"


def store(actor: Actor, name: str, content: bytes) -> StoredFile:
    """Keep a file. Errors: RuleError where it is empty or too large. Cost: one statement."""
    if not content:
        raise RuleError({"file": [_("This file is empty.")]})
    if len(content) > LARGEST:
        raise RuleError({"file": [_("A file may have at most %(n)d MB.") % {"n": LARGEST // 1024 // 1024}]})
    media_type = picture_type(content)
    width, height = measure(media_type, content)
    made = StoredFile(
        name=_tidy(name), media_type=media_type or PLAIN, size=len(content), digest=hashlib.sha256(content).hexdigest(), content=content,
        width=width, height=height, brought_by=actor.id, brought_at=clock.now(),
    )  # fmt: skip
    with permit():
        made.save(force_insert=True)
    return made


@contextmanager
def said_at(field: str) -> Iterator[None]:
    """Say what is wrong with a file at the field it was brought for."""
    try:
        yield
    except RuleError as error:
        raise RuleError({field: error.errors["file"]}) from None


def _tidy(name: str) -> str:
    """The last part of a name, without what no file system or header takes."""
    plain = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).strip(". ")
    return plain[-255:] or "file"


def picture_type(content: bytes) -> str:
    """The media type of a picture by its first bytes; nothing where it is none."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in SIGNATURES if content.startswith(start)), "")


def measure(media_type: str, content: bytes) -> tuple[int | None, int | None]:
    """Width and height of a picture in pixels, as its head says them."""
    try:
        if media_type == "image/png":
            return struct.unpack(">II", content[16:24])
        if media_type == "image/gif":
            return struct.unpack("<HH", content[6:10])
        if media_type == "image/jpeg":
            return _measure_jpeg(content)
        if media_type == "image/webp" and content[12:16] == b"VP8X":
            return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    except (struct.error, IndexError):
        return None, None
    return None, None


def _measure_jpeg(content: bytes) -> tuple[int | None, int | None]:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        mark, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None, None


def names(ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of files that a reader's records hold. Cost: one query."""
    ids = list(ids)
    return dict(StoredFile.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def usable(actor: Actor, ids: set[UUID], pictures: bool = False) -> set[UUID]:
    """Which of these files the actor may put into a record: those he sees. Cost: one query, and those of ``is_held`` for what others brought."""
    there = StoredFile.objects.filter(pk__in=ids, **({"media_type__startswith": "image/"} if pictures else {}))
    brought = dict(there.values_list("pk", "brought_by"))
    return {pk for pk, by in brought.items() if actor.system or (by is not None and by == actor.id) or is_held(actor, pk)}


def open_file(actor: Actor, ident: UUID) -> StoredFile:
    """The file with its bytes. Errors: Missing where there is none, or the actor does not see it."""
    if ident not in usable(actor, {ident}):
        raise Missing
    return StoredFile.objects.get(pk=ident)


def is_held(actor: Actor, ident: UUID) -> bool:
    """Whether a record the actor sees holds the file in a field he sees. Cost: a query for each type with such fields, until one does."""
    for object_type, fields in _holders(actor):
        for f in fields:
            if access.rows(actor, object_type).filter(lookups.Exact(f.rules.expr(f), str(ident))).exists():
                return True
    return False


def _holders(actor: Actor) -> list[tuple[ObjectType, list[Field]]]:
    found = []
    for object_type in registry.every():
        if object_type.rows is None and access.allows(actor, object_type, "view"):
            fields = [f for f in access.fields(actor, object_type).values() if f.custom and f.kind in KINDS]
            if fields:
                found.append((object_type, fields))
    return found

