"""What somebody outside sees under a link: the document, its PDF, and what may be answered to it. Nobody is signed in here.

A look is noted after the page was read, in a transaction of its own: reading changes nothing.
"""

from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils import translation

from core import attempts, door, paper, sharing
from core.attempts import Brake
from core.errors import Missing, OdosError, RuleError, Unparsable, WrongState
from core.models.record import Record
from core.registry import ObjectType, PublicAct
from core.views import pages, papers

FORGED = Brake("shared-link", 40, 60)  # addresses that lead nowhere, from one peer
ANSWERED = Brake("shared-answer", 20, 60)
PRINTED = Brake("shared-pdf", 60, 60)
TAG = {"en": "en", "zh-hans": "zh-Hans"}
HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive"}
STATUS = {RuleError: 422, WrongState: 409, Unparsable: 400}


def document(request: HttpRequest, token: str) -> HttpResponse:
    """``/d/<token>/``: the document, and with POST an answer to it. Cost: three queries."""
    if request.method == "POST":
        return _braked(request, ANSWERED, lambda: _answer(request, token))
    if request.method not in pages.SAFE:
        return HttpResponseNotAllowed([*pages.SAFE, "POST"])
    return _braked(request, None, lambda: _look(request, token))


def printed(request: HttpRequest, token: str) -> HttpResponse:
    """``/d/<token>/pdf/``: the same as a file."""
    if request.method not in pages.SAFE:
        return HttpResponseNotAllowed(pages.SAFE)

    def work() -> HttpResponse:
        object_type, record = sharing.find(token)
        return papers.answer(paper.contents(object_type, record, _language(request, object_type, record, request.GET.get("language", ""))))

    return _braked(request, PRINTED, lambda: door.reading(work))


def _braked(request: HttpRequest, brake: Brake | None, work: Any) -> HttpResponse:
    """Do the work unless this peer guesses, or does too much. A link that leads nowhere is a page like any other that isn't."""
    who = attempts.address(request)
    if not FORGED.free(who) or (brake is not None and not brake.free(who)):
        return HttpResponse(status=429, headers={"Retry-After": "60", **HEADERS})
    if brake is not None:
        brake.count(who)
    try:
        response = work()
    except Missing as error:
        FORGED.count(who)
        response = pages.refusal(request, error)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _look(request: HttpRequest, token: str) -> HttpResponse:
    looked: list[tuple[ObjectType, Record]] = []

    def work() -> HttpResponse:
        object_type, record = sharing.find(token)
        looked[:] = [(object_type, record)]
        return _page(request, object_type, record, token)

    response = door.reading(work)
    object_type, record = looked[0]
    column = object_type.shared.viewed
    if request.method == "GET" and request.user is None and column and getattr(record, column) is None:
        door.writing(lambda: sharing.note_view(object_type, record.pk))
    return response


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    sent = {name: value[:5000] for name, value in request.POST.items()}

    def work() -> None:
        object_type, record = sharing.find(token)
        language = _language(request, object_type, record)
        with translation.override(paper.LANGUAGES[language]):
            sharing.do(object_type, record, sent.get("act", ""), sent, bool(sent.get("agreed")), sent.get("shown", ""), language)

    try:
        try:
            door.writing(work)
        except DataError:
            raise Unparsable from None
    except Missing:
        raise
    except OdosError as error:
        refused = error
    else:
        return HttpResponseRedirect(request.path, status=303)
    return door.reading(lambda: _again(request, token, refused, sent))


def _again(request: HttpRequest, token: str, error: OdosError, sent: dict[str, str]) -> HttpResponse:
    """The page as it stands now, with what was typed and why it was refused; where it is done by now, that is all there is to say."""
    object_type, record = sharing.find(token)
    if any(a.act == sent.get("act") and a.done(record) for a in object_type.shared.acts):
        return HttpResponseRedirect(request.path, status=303)
    response = _page(request, object_type, record, token, error, sent)
    response.status_code = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    return response


def _language(request: HttpRequest, object_type: ObjectType, record: Record, wanted: str = "") -> str:
    """The one wanted, the reader's choice on this browser, the browser's own, the one of whom it was made for."""
    chosen = TAG.get(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""), "")
    asked = TAG.get(translation.get_language_from_request(request), "") if request.headers.get("Accept-Language") else ""
    return paper.language_of(object_type, record, next((tag for tag in (wanted, chosen, asked) if tag in paper.LANGUAGES), ""))


def _page(
    request: HttpRequest, object_type: ObjectType, record: Record, token: str, error: OdosError | None = None, sent: dict[str, str] | None = None
) -> HttpResponse:  # fmt: skip
    language, sent = _language(request, object_type, record), sent or {}
    told = paper.contents(object_type, record, language)
    with translation.override(paper.LANGUAGES[language]):
        errors = error.errors if isinstance(error, RuleError) else {}
        state = object_type.shared.state(record)
        values = {
            "paper": told, "shown": paper.digest(told), "state": {"tone": state[0], "text": state[1]} if state else None,
            "pdf": f"/d/{token}/pdf/?language={language}", "sentences": pages.sentences(error) if error else [], "table": _table(told),
            "answers": [_answer_form(object_type, act, sent, errors) for act in sharing.offered(object_type, record)],
        }  # fmt: skip
        return pages.render(request, None, "public/document.html", values)


def _table(told: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Rows as cells that know their column, for narrow screens."""
    return [
        [
            {"text": cell[0] if isinstance(cell, list) else cell, "below": cell[1] if isinstance(cell, list) else "", "column": column}
            for cell, column in zip(row, told["columns"], strict=True)
        ]
        for row in told["rows"]
    ]


def _answer_form(object_type: ObjectType, public: PublicAct, sent: dict[str, str], errors: dict[str, list[str]]) -> dict[str, Any]:
    """An act as public/document.html reads it; what was typed and refused stands in the form that was sent."""
    deed, mine = object_type.act(public.act), sent.get("act") == public.act
    known = {f.name: f for f in deed.fields}
    fields = [
        {"name": n, "kind": "text", "label": known[n].label, "maxlength": known[n].max_length, "autocomplete": "name" if n == "name" else "off"}
        for n in public.asks
    ]  # fmt: skip
    if public.consent:
        fields.append({"name": "agreed", "kind": "yesno", "label": public.consent})
    for f in fields:
        name = f["name"]
        f |= {"id": f"{public.act}-{name}", "required": True, "value": sent.get(name, "") if mine else "", "errors": errors.get(name, []) if mine else []}
    return {"act": deed.name, "label": deed.label, "icon": deed.icon, "danger": deed.danger, "open": mine or not deed.danger, "fields": fields}
