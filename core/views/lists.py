"""The list of any type: search, filters as chips, sorting, pages, sums, and the file of exactly what is seen.

The words of its address are those of the API (``core.query``). The list of facts that a figure links to is this same page.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase

from core import access, asof, context, export, figures, query, registry, saved_views
from core.access import Actor
from core.errors import Missing, OdosError
from core.listings import Listing
from core.models.shaping import VIEW_KINDS
from core.registry import ObjectType
from core.views import boards, bulk, calendars, filters, intake, maps, pages, pivots, tables, views
from core.views.views import Opened


def show(request: HttpRequest, actor: Actor, slug: str, error: OdosError | None = None) -> HttpResponseBase:
    """A page of records that match. Cost: the page, its count and sums, and a query for each type referred to."""
    object_type = pages.type_or_missing(slug, actor)
    now = views.opened(request, actor, object_type)
    address = filters.added(actor, object_type, request)
    if address:
        return HttpResponseRedirect(address)
    wanted = _wanted(request, now)
    columns = tables.columns(actor, object_type, filters.columns_of(request.GET))
    if request.GET.get("format") == "csv" and now.kind == "pivot":
        return pivots.file(request, actor, object_type, wanted)
    if request.GET.get("format") in export.FORMS:
        return _file(request, actor, object_type, wanted, columns)
    if now.kind != "list":
        return _otherwise(request, actor, object_type, wanted, now, error)
    asked = wanted.count or wanted.sums  # by the address itself: then all are counted and added up, however many
    wanted = replace(wanted, count=True, sums=_sums(actor, object_type, wanted, columns), within=0 if asked else COUNTED)
    found = query.page(actor, object_type, wanted)
    rows = tables.rows(actor, object_type, found.records, columns)  # first: they name most of what the filters name, in one query
    values = {
        **_shared(request, actor, object_type, wanted, now), "columns": _heads(request, object_type, wanted, columns), "page": _page(request, found),
        "rows": rows, "sums": _told_sums(actor, object_type, wanted, found),
        "narrowed": bool(wanted.q or [node for node in wanted.conditions if not _is_given(object_type, node)]),
        "drill": _drill(actor, object_type, wanted, found),
        "column_choice": _column_choice(actor, object_type, columns), "carried_columns": filters.hidden(request, ("columns",)),
        "bulk": None if now.refused else bulk.bar(request, actor, object_type, wanted, found.count),
    }  # fmt: skip
    return pages.render(request, actor, "object/list.html#list" if pages.is_partial(request) else "object/list.html", values)


def _wanted(request: HttpRequest, now: Opened) -> Listing:
    """What the address asks for; nothing at all where its saved view filters by what this reader may not see."""
    wanted = filters.listing(request)
    return replace(wanted, conditions=(*wanted.conditions, {"any": []})) if now.refused else wanted


def _shared(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing, now: Opened) -> dict[str, Any]:
    """What list, board, calendar, map and pivot table have in common: views, search, filters, where their links lead."""
    return {
        "views": views.strip(request, actor, object_type, now), "kinds": _kinds(request, actor, object_type, now),
        "type": object_type, "chips": filters.chips(actor, object_type, request), "filter_fields": filters.offered(actor, object_type, request),
        "filter_form": filters.asked(actor, object_type, request), "carried": filters.hidden(request, ("q",)),
        "carried_filter": filters.hidden(request, ()), "q": wanted.q, "archived": wanted.archived,
        "urls": _addresses(request, actor, object_type, wanted),
    }  # fmt: skip


# Seen another way ---------------------------------------------------------------------------------------------------

SHOWN = {"board": boards.board, "calendar": calendars.calendar, "map": maps.map_of, "pivot": pivots.table}


def _otherwise(
    request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing, now: Opened, error: OdosError | None
) -> HttpResponseBase:  # fmt: skip
    """The same records in another way than a list; where a move was refused, with the sentence why."""
    partial = pages.is_partial(request)
    if now.kind == "board" and partial and request.method == "GET" and boards.COLUMN in request.GET:
        return pages.render(request, actor, "object/board.html#cards", {"column": boards.more(request, actor, object_type, wanted)})
    asks = boards.asks(request, actor, object_type, error) if now.kind == "board" else None
    told = boards.sentence(error) if error is not None and asks is None else ""
    shown = SHOWN[now.kind](request, actor, object_type, wanted)
    values = {**_shared(request, actor, object_type, wanted, now), now.kind: shown, "sentence": told, "asks": asks}
    if now.kind == "pivot":  # it has a file of its own
        values["urls"] |= {f"export_{form}": "" for form in export.FORMS}
    response = pages.render(request, actor, f"object/{now.kind}.html{'#list' if partial else ''}", values)
    return boards.with_toast(response, told, "late") if told and partial else response


MOVES = {"board": boards.move, "calendar": calendars.move}


def save(request: HttpRequest, actor: Actor, slug: str) -> HttpResponseBase:
    """A card moved to another column of a board or day of a calendar: what is seen as it is then."""
    object_type = pages.type_or_missing(slug, actor)
    now = views.opened(request, actor, object_type)
    if now.kind not in MOVES:
        raise Missing
    told = MOVES[now.kind](request, actor, object_type)
    if not pages.is_partial(request):
        return pages.done(request, request.get_full_path(), told)
    return boards.with_toast(_otherwise(request, actor, object_type, _wanted(request, now), now, None), told, "up")


listing = pages.page(show, save)
COUNTED = 10_000  # records that are counted and added up unasked


def _page(request: HttpRequest, found: query.Page) -> dict[str, Any]:
    return {
        "count": found.count, "beyond": registry.KINDS["integer"].text(None, found.beyond) if found.beyond else "",
        "whole": filters.address(request, count="exact"), "next": filters.address(request, cursor=found.next) if found.next else "",
        "previous": filters.address(request, cursor=found.previous) if found.previous else "",
    }  # fmt: skip


def _heads(request: HttpRequest, object_type: ObjectType, wanted: Listing, columns: list[tables.Column]) -> list[dict[str, Any]]:
    """Column heads: the label, how the list is sorted by it, and the address that sorts it the other way."""
    order = wanted.sort or object_type.sort
    found = []
    for column in columns:
        f = column.field
        sorts = f.rules.sorts and f.is_in_sql
        state = "ascending" if order[:1] == (column.name,) else "descending" if order[:1] == (f"-{column.name}",) else ""
        first = f"-{column.name}" if f.rules.sums or f.kind in ("date", "datetime") else column.name  # figures and dates: largest and latest first
        other = {"": first, "ascending": f"-{column.name}", "descending": column.name}[state]
        found.append({"label": f.label, "num": column.num, "state": state, "url": filters.address(request, sort=other) if sorts else ""})
    return found


def _sums(actor: Actor, object_type: ObjectType, wanted: Listing, columns: list[tables.Column]) -> tuple[str, ...]:
    """What is added up under the list: what was asked for, amounts that rules computed (the sum of prices says nothing), and a board's."""
    money = [c for c in columns if c.field.kind == "money" and not c.field.compute]
    computed = [c.name for c in money if c.field.readonly or c.name in object_type.card]
    return tuple(dict.fromkeys((*wanted.sums, *computed)))


def _told_sums(actor: Actor, object_type: ObjectType, wanted: Listing, found: query.Page) -> list[dict[str, str]]:
    known, told, money = access.fields(actor, object_type), [], _in_money(_measures(wanted))
    for name, value in (found.sums or {}).items():
        kind = registry.KINDS["money"] if money else known[name].rules
        told.append({"label": known[name].label, "value": kind.text(known[name], value, found.currency)})
    return told


def _addresses(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing) -> dict[str, str]:
    """Where the list's links lead; empty where the actor may not go or nobody answers."""
    home = pages.address(object_type)
    makes = object_type.writable and access.allows(actor, object_type, "add")
    imports = object_type.writable and access.allows(actor, object_type, "import") and pages.exists(f"{home}import/")
    return {
        "new": f"{home}new/{_given(object_type, wanted)}" if makes else "", "import": f"{home}import/" if imports else "",
        **{f"export_{form}": filters.address(request, format=form) for form in export.forms_of(actor, object_type)},
        "archived": filters.address(request, archived="" if wanted.archived else "true") if object_type.archivable else "",
        "field": pages.new_field(request, actor, object_type), "form": intake.address_of(request, object_type) if makes else "",
        "clear": _cleared(request, home), "here": filters.address(request),
    }  # fmt: skip


def _is_given(object_type: ObjectType, leaf: Any) -> bool:
    """Whether a condition names a sort of records, such as rules about one type, rather than narrowing them."""
    f = object_type.fields.get(leaf[0]) if isinstance(leaf, list) else None
    return f is not None and f.once and leaf[1] == "eq"


def _given(object_type: ObjectType, wanted: Listing) -> str:
    """What a list of one sort alone says of a new record: the fields that are said once, such as the type a rule is about."""
    said = {leaf[0]: leaf[2] for node in wanted.conditions for leaf in filters.leaves(node) if _is_given(object_type, leaf)}
    return f"?{urlencode(said)}" if said else ""


def _cleared(request: HttpRequest, home: str) -> str:
    """The same view without its filters; that of no saved view as it is for everybody."""
    kind = filters.shown_as(request)
    if "view-as" in request.GET:
        return f"{home}?view={request.GET.get('view', '')}&view-as={kind}"
    return f"{home}?view={kind}" if kind in filters.KINDS else home


def _kinds(request: HttpRequest, actor: Actor, object_type: ObjectType, now: Opened) -> list[dict[str, Any]]:
    """The ways to look at these records, where there is more than one."""
    labels = dict(VIEW_KINDS)
    found = [
        {
            "label": labels[kind], "icon": views.ICONS[kind], "current": kind == now.kind,
            "url": filters.as_kind(request, kind, () if kind == "list" else ("sort", "columns")),
        }
        for kind in saved_views.kinds(actor, object_type, request.GET.get("by-field", ""))
    ]  # fmt: skip
    return found if len(found) > 1 else []


def _column_choice(actor: Actor, object_type: ObjectType, columns: list[tables.Column]) -> list[dict[str, Any]]:
    """Every field a list can show: those it shows in their order, then the others."""
    known = {
        n: f
        for n, f in access.fields(actor, object_type).items()
        if f.kind not in ("secret", "json") and f.expression is None and n not in ("id", "version", "archived_at")
    }
    shown = [c.name for c in columns if c.name in known]
    return [{"name": n, "label": known[n].label, "shown": n in shown} for n in (*shown, *(n for n in known if n not in shown))]


# The list behind a figure -------------------------------------------------------------------------------------------


def _measures(wanted: Listing) -> list[registry.Measure]:
    """The measures whose facts a list holds."""
    leaves = [leaf for node in wanted.conditions for leaf in filters.leaves(node)]
    given = next((value for path, op, value in leaves if path == "measure" and op in ("eq", "in")), [])
    keys = given.split(",") if isinstance(given, str) else given
    return [registry.measures[key] for key in keys if key in registry.measures]


def _in_money(measures: list[registry.Measure]) -> bool:
    return bool(measures) and all(m.money for m in measures)


def _drill(actor: Actor, object_type: ObjectType, wanted: Listing, found: query.Page) -> dict[str, Any] | None:
    """What the records of a figure add up to, by which formula, as of when, and how many access hides (N1, N2, N4). Cost: two queries."""
    if object_type.as_of is None or "value" not in (found.sums or {}):
        return None
    measures = _measures(wanted)
    keys = {m.key for m in measures}
    shipped = next(iter(sorted((k for k in registry.kpis.values() if set(k.top.measures) == keys), key=lambda k: k.per is not None)), None)
    f = access.fields(actor, object_type)["value"]
    total = (registry.KINDS["money"] if _in_money(measures) else f.rules).text(f, found.sums["value"], context.company().currency)
    hidden = query.matching(access.system("count"), object_type, replace(wanted, sums=(), q="")).count() - (found.count or 0)
    called = str(shipped.label) if shipped and shipped.per is None and len(measures) > 1 else " + ".join(str(m.label) for m in measures)
    return {
        "hidden": figures.hidden(hidden), "total": total, "measure": called, "formula": shipped.formula if shipped else "",
        "date_basis": shipped.date_basis if shipped else "", "as_of": figures.as_of(asof.parse(wanted.as_of)) if wanted.as_of else "",
    }  # fmt: skip


# The file -----------------------------------------------------------------------------------------------------------


def _file(request: HttpRequest, actor: Actor, object_type: ObjectType, wanted: Listing, columns: list[tables.Column]) -> HttpResponse:
    """All that matches, in the columns and the order seen."""
    export.demand(actor, object_type, wanted)
    form = request.GET["format"]
    made, media = export.FORMS[form]
    pieces = made(request.user, object_type, wanted, [c.name for c in columns], as_read=True)
    name = export.file_name(object_type, form)
    return StreamingHttpResponse(pieces, content_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


