"""The one dispatcher of the API: an address and a verb to a door of core, for every type of the registry alike.

Reads run in one snapshot, writes in one transaction; a refusal leaves both before it is answered. KPIs, the schema and
the docs have rooms of their own; errors are worded in ``answers``.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.views import APIView

from core import access, columns, context, deleting, door, edition, export, limits, listings, query, reach, registry, write
from core.access import Actor
from core.api import answers, lists, parsing
from core.api.authentication import Key, Session
from core.api.idempotency import Reply, once
from core.api.throttle import Rate
from core.errors import Missing, RuleError, Stale
from core.models import User
from core.prepared import ask_together
from core.registry import ObjectType

LANGUAGES = {tag.split("-")[0]: tag for tag, _label in settings.LANGUAGES}  # ours are BCP 47, Django's its own


class Endpoint(APIView):
    """What every address of the API shares: who asks, how often, in which language, and how refusals look."""

    authentication_classes = (Key, Session)
    permission_classes = ()
    throttle_classes = (Rate,)
    parser_classes = (parsing.Json,)
    content_negotiation_class = parsing.Negotiation
    only_reads = False  # whatever its method

    def dispatch(self, request, *args, **kwargs) -> HttpResponseBase:
        with ExitStack() as self._around:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs) -> None:
        """Who reads is known in the snapshot he reads, and who writes by the edition he begins with: whose a key is belongs to the set-up."""
        self._around.enter_context(door.snapshot() if self.only_reads or request.method in ("GET", "HEAD") else context.remembering())
        super().initial(request, *args, **kwargs)
        if not isinstance(request.user, User):
            raise NotAuthenticated
        if request.user.language:
            translation.activate(LANGUAGES.get(request.user.language.split("-")[0], "en"))  # undone by the middleware around us

    def handle_exception(self, error: Exception) -> HttpResponse:
        self._around.__exit__(type(error), error, error.__traceback__)
        request = self.request._request
        if isinstance(error, Stale):
            return self._stale(error)
        response = answers.refusal(request, error)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response

    def options(self, request, *args, **kwargs) -> HttpResponse:
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def _stale(self, error: Stale) -> HttpResponse:
        """The present record beside the refusal, as its reader sees it now (C-05)."""
        request, record = self.request._request, error.record
        body = answers.errors_body(request, {"_": [_("The record has changed since you read it.")]})
        object_type = registry.type_of(record)

        def present() -> dict[str, Any] | None:
            actor = access.actor_for(self.request.user)
            found = access.rows(actor, object_type).filter(pk=record.pk).first()
            return lists.shown(actor, object_type, [found], request)[0] if found else None

        try:
            body["current"] = door.reading(present)
        except DatabaseError as failed:
            return answers.refusal(request, failed)
        return answers.answer(body, 412, {"ETag": f'"{body["current"]["version"]}"'} if body["current"] else {})

    def reading(self, work: Callable[[Actor], Any]) -> Any:
        """Do the work in the snapshot in which it was found who asks; for what may write as well, in one of its own."""
        if not edition.is_fixed():
            return door.reading(lambda: work(access.actor_for(self.request.user)))
        found = work(access.actor_for(self.request.user))
        self._around.close()
        return found

    def writing(self, work: Callable[[Actor], Reply]) -> HttpResponse:
        """Do the work in one transaction; a POST that brings an Idempotency-Key does it once."""
        request = self.request._request
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        route = request.path_info.removeprefix(answers.ROOT)

        def do() -> Reply:
            actor = access.actor_for(self.request.user)
            return once(actor, route, key, request.body, lambda: work(actor))

        reply = door.writing(do, edition.begun())
        content_type = "application/json" if reply.body else None
        response = HttpResponse(reply.body, status=reply.status, content_type=content_type, headers=reply.headers)
        if not reply.body:
            response.headers.pop("Content-Type", None)
        return response


def type_at(slug: str) -> ObjectType:
    """The type of an address. Errors: Missing."""
    object_type = registry.get(slug)
    if object_type is None:
        raise Missing
    return object_type


def record(actor: Actor, object_type: ObjectType, ident: UUID | int) -> lists.Answer:
    """One record as the contract writes it. Cost: one query, and the names of what it refers to. Errors: Missing."""
    found = query.one(actor, object_type, ident)
    if found is None:
        raise Missing
    return lists.Answer(object_type, [found], itemgetter(0))


def etag(record: dict[str, Any]) -> dict[str, str]:
    return {"ETag": f'"{record["version"]}"'} if "version" in record else {}


def written(actor: Actor, object_type: ObjectType, records: list, request: HttpRequest) -> list[dict[str, Any]]:
    """Records just written, read again: the same words as a GET. Cost: as of showing them, since what they are is asked along with what hangs on them."""
    ids = [r.pk for r in records]
    ask_together(reach.asked(actor, object_type, ids) + columns.asked(actor, object_type, ids))
    found = reach.records(actor, object_type, ids)
    return lists.shown(actor, object_type, [found.get(r.pk, r) for r in records], request)


@dataclass(frozen=True)
class Target:
    """One record an address names, and the version its reader knows."""

    type: ObjectType
    id: UUID | int
    versions: str | frozenset[int] | None

    def version(self, actor: Actor, action: str) -> int | None:
        """The one version to be checked. What matches several, or any, is settled on the locked row."""
        if self.versions is None or (len(self.versions) == 1 and self.versions != parsing.ANY):
            return None if self.versions is None else next(iter(self.versions))
        present = write.locked_row(actor, self.type, self.id, action).version
        return present if self.versions == parsing.ANY or present in self.versions else 0


class Root(Endpoint):
    """``/api/v1/``: where everything is."""

    def get(self, request) -> HttpResponse:
        def work(actor: Actor) -> dict[str, str]:
            return {t.slug: answers.address(request._request, f"{t.slug}/") for t in registry.every() if access.allows(actor, t, "view")}

        found = self.reading(work)
        more = {name: answers.address(request._request, f"{name}/") for name in ("kpis", "schema", "docs")}
        return answers.answer(found | more)


class Collection(Endpoint):
    """``/<slug>/``: a list, and new records."""

    def get(self, request, slug: str) -> HttpResponseBase:
        object_type, plain = type_at(slug), request._request
        form = plain.GET.get("format", "json")
        if form not in ("json", *export.FORMS):
            raise RuleError({"format": [_("“format” is json, csv or xlsx, or csv_lines or xlsx_lines.")]})
        wanted = lists.wanted(plain.GET)
        if form != "json":
            self.reading(lambda actor: export.demand(actor, object_type, wanted))
            return self._file(object_type, wanted, form)
        return answers.answer(self.reading(lambda actor: lists.body(actor, object_type, wanted, plain)))

    def _file(self, object_type: ObjectType, wanted: listings.Listing, form: str) -> StreamingHttpResponse:
        made, media = export.FORMS[form]
        pieces = made(self.request.user, object_type, wanted)
        return StreamingHttpResponse(pieces, content_type=media, headers=attachment(object_type, form))

    def post(self, request, slug: str) -> HttpResponse:
        object_type, data, plain = type_at(slug), request.data, request._request

        def work(actor: Actor) -> Reply:
            record = write.create(actor, object_type, data)
            made = written(actor, object_type, [record], plain)[0]
            return Reply(201, answers.written(made).decode(), {"Location": made["url"], **etag(made)})

        return self.writing(work)


def attachment(object_type: ObjectType, form: str = "csv") -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{object_type.slug}.{form.removesuffix("_lines")}"'}


class Batch(Endpoint):
    """``/<slug>/batch/``: up to a thousand new records, all or none."""

    def post(self, request, slug: str) -> HttpResponse:
        object_type, items, plain = type_at(slug), request.data, request._request
        if not isinstance(items, list):
            raise RuleError(_("A batch is an array of new records."))
        limits.demand("batch", len(items), _("records"))

        def work(actor: Actor) -> Reply:
            records = write.create_many(actor, object_type, items)
            made = written(actor, object_type, records, plain)
            return Reply(201, answers.written({"results": made}).decode(), {})

        return self.writing(work)


class Single(Endpoint):
    """``/<slug>/<id>/``: one record. An archived one is still read by its id."""

    def target(self, slug: str, ident: str) -> Target:
        object_type = type_at(slug)
        return Target(object_type, parsing.record_id(object_type, ident), parsing.versions(self.request.headers.get("If-Match")))

    def get(self, request, slug: str, ident: str) -> HttpResponse:
        named, plain = self.target(slug, ident), request._request

        [found] = self.reading(lambda actor: lists.bodies(actor, [record(actor, named.type, named.id)], plain))
        return answers.answer(found, headers=etag(found))

    def patch(self, request, slug: str, ident: str) -> HttpResponse:
        named, data, plain = self.target(slug, ident), request.data, request._request

        def work(actor: Actor) -> Reply:
            record = write.change(actor, named.type, named.id, data, named.version(actor, "change"))
            made = written(actor, named.type, [record], plain)[0]
            return Reply(200, answers.written(made).decode(), etag(made))

        return self.writing(work)

    def delete(self, request, slug: str, ident: str) -> HttpResponse:
        named = self.target(slug, ident)

        def work(actor: Actor) -> Reply:
            deleting.delete(actor, named.type, named.id, named.version(actor, "delete"))
            return Reply(204, "", {})

        return self.writing(work)


class Deed(Single):
    """``/<slug>/<id>/<act>/``: something done to a record by name."""

    http_method_names = ("post", "options")

    def post(self, request, slug: str, ident: str, act: str) -> HttpResponse:
        named, data, plain = self.target(slug, ident), request.data, request._request

        def work(actor: Actor) -> Reply:
            record = write.act(actor, named.type, named.id, act, data, named.version(actor, act))
            deed = named.type.act(act)
            if deed is None or not deed.makes:
                made = written(actor, named.type, [record], plain)[0]
                return Reply(200, answers.written(made).decode(), etag(made))
            made = written(actor, registry.get(deed.makes), [record], plain)[0]
            return Reply(201, answers.written(made).decode(), {"Location": made["url"], **etag(made)})

        return self.writing(work)


class Unknown(Endpoint):
    """Every other address below the API's root."""

    def initial(self, request, *args, **kwargs) -> None:
        raise Missing

    def options(self, request, *args, **kwargs) -> HttpResponse:
        raise Missing
