"""A stored file as an answer to a browser: what it is and nothing that runs. Pages and the API both send it so."""

from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from core import files
from core.access import Actor
from core.errors import Missing
from core.models import StoredFile

# A picture may stand in a page; whatever else a browser takes a file for, it runs nothing and reaches nothing of this site.
SAFE = {
    "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600",
    "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer",
}  # fmt: skip


def find(actor: Actor, ident: str) -> StoredFile:
    """The file of this id. Errors: Missing where there is none, or the actor does not see it."""
    try:
        return files.open_file(actor, UUID(ident))
    except ValueError:
        raise Missing from None


def answer(found: StoredFile) -> HttpResponse:
    """A file as it may stand in a browser. What a picture claims to be is read off its bytes once more before it is shown in a page."""
    content = bytes(found.content)
    picture = files.picture_type(content)
    response = HttpResponse(content, content_type=picture or files.PLAIN, headers=SAFE)
    response.headers["Content-Disposition"] = content_disposition_header(not picture, found.name) or f"attachment; filename*=utf-8''{quote(found.name)}"
    return response
