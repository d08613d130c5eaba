"""From the bytes of a request to values: strict JSON in UTF-8, versions from If-Match, ids from addresses."""

import json
import math
import re
from typing import Any
from uuid import UUID

from django.db.models import BigAutoField
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from core.errors import Missing, Unparsable
from core.registry import ObjectType

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
VERSION = re.compile(r'(?:W/)?"?(\d{1,18})"?', re.ASCII)
ANY = "*"
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}", re.ASCII)
LARGEST = 2**63 - 1


class Negotiation(BaseContentNegotiation):
    """Every answer is JSON and every body must be: what Accept or ``format`` say chooses no renderer."""

    def select_parser(self, request, parsers):
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return parsers[0] if kind in ("", "application/json") or kind.endswith("+json") else None

    def select_renderer(self, request, renderers, format_suffix=None):
        return JSONRenderer(), "application/json"


class Json(BaseParser):
    """Strict JSON in UTF-8; anything else is Unparsable. An empty body is no value."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        return parse(parser_context["request"]._request.body)


def parse(raw: bytes) -> Any:
    """The value; Unparsable where it is no JSON, or holds what no database can: lone surrogates, infinities."""
    if not raw.strip():
        return None
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        if SURROGATE.search(raw):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Unparsable(_("The body is not valid JSON in UTF-8.")) from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def versions(header: str | None) -> str | frozenset[int] | None:
    """The versions an If-Match names: None without one, ANY for ``*``; what is no version matches none."""
    if header is None or not header.strip():
        return None
    if header.strip() == ANY:
        return ANY
    found = (VERSION.fullmatch(part.strip()) for part in header.split(","))
    return frozenset(int(match[1]) for match in found if match)


def record_id(object_type: ObjectType, text: str) -> UUID | int:
    """The id an address names. Errors: Missing where it cannot be one."""
    if isinstance(object_type.model._meta.pk, BigAutoField):
        if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST:
            return int(text)
    elif ID.fullmatch(text):
        return UUID(text)
    raise Missing
