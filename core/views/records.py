"""The page of any record: who it is, what may be done with it, its figures, its lines, what happened, and what hangs on it."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import access, context, derived, figures, kpi, layouts, listings, periods, query, read, registry, shaped, structures
from core.access import Actor
from core.layouts import Item, Plan, Tab
from core.models.record import Record
from core.read import Ref, Shown
from core.registry import Field, ObjectType
from core.views import acts, chains, composed, controls, differences, excerpts, filters, notes, pages, papers, reports, spelled, steps, tables, timelines
from core.views import layouts as drawn
from core.views.behind import Added, Part, added

FEW = 10
HISTORY = "history"


@pages.page
def record(request: HttpRequest, actor: Actor, slug: str, ident: str) -> HttpResponse:
    """One record. Cost: about ten queries and, for all its figures, some seven; the tabs are read when they are opened."""
    object_type = pages.type_or_missing(slug, actor)
    found = pages.record_or_missing(actor, object_type, ident)
    plan = layouts.of(actor, object_type, getattr(found, "custom", {}).get(shaped.RECORD_TYPE, ""))
    return show(request, actor, object_type, found, drawn.seen(actor, object_type, plan))


def show(request: HttpRequest, actor: Actor, object_type: ObjectType, found: Record, plan: Plan, **more: Any) -> HttpResponse:
    """The record drawn by this layout."""
    shown = read.present(actor, object_type, [found])[0]
    read.remember(actor, object_type, [found])  # what hangs on it refers to it
    key = request.GET.get("tab", "")
    history = key == HISTORY and object_type.writable
    tab = None if history else next((t for t in plan.tabs if t.key == key), plan.tabs[0])
    counts = added(actor, found.pk, _counted(actor, object_type, plan))
    cards = drawn.page(plan, tab, Drawing(request, actor, object_type, found, shown, plan, counts))
    values = {
        "type": object_type, "record": found, "title": shown.label, "shown": shown, "status": _status(object_type, found),
        "archived": getattr(found, "archived_at", None), "buttons": acts.buttons(actor, object_type, found), "identity": _identity(object_type, shown),
        "avatar": _avatar(object_type, shown), "tabs": _tabs(request, actor, object_type, plan, tab, counts),
        **_with_stamps(cards, _stamps(shown)), "papers": papers.offered(actor, object_type, found), "reports": reports.offered(actor, object_type, found),
        "path": steps.path(actor, object_type, found),
        "layout": f"/settings/layouts/{object_type.slug}/?record={found.pk}" if access.allows(actor, registry.types["layouts"], "change") else "",
        "new_field": pages.new_field(request, actor, object_type),
    }  # fmt: skip
    if history:
        values["history"] = _happened(request, actor, object_type, found, True)
    return pages.render(request, actor, "object/record.html", {**values, **more})


def _with_stamps(cards: dict[str, list], stamps: list) -> dict[str, Any]:
    """When the record was made and changed stands with its details; these are the first fields beside the tabs that have no other name."""
    details = next((card for card in cards["side"] if card.get("names") and not str(card["heading"])), None)
    if details is None and stamps:
        details = {"heading": "", "pieces": [], "names": []}
        cards["side"].append(details)
    if details is not None:
        details |= {"heading": _("Details"), "stamps": stamps}
    return {"above": cards["top"], "main": cards["main"], "beside": cards["side"]}


@dataclass
class Drawing:
    """What the items of a layout are on the page of one record. Each is read only where the layout has it."""

    request: HttpRequest
    actor: Actor
    type: ObjectType
    found: Record
    shown: Shown
    plan: Plan
    counts: dict[str, Added]

    def facts(self, names: list[str]) -> list[dict[str, Any]]:
        """Filled fields; in the standard layout always in the order of the type."""
        if self.plan.made is None:
            order = {n: i for i, n in enumerate(sorted(self.shown.fields, key=lambda n: n == "unit"))}
            names = sorted(names, key=lambda n: order.get(n, 0))
        silent = {self.type.title} | (set(timelines.IN_BASE) if self.shown.currency == context.company().currency else set())
        told = [_fact(self.shown, n) for n in names if n in self.shown.fields and n not in silent]
        for fact in told:
            if fact["text"]:
                fact |= self._in_words(self.shown.fields[fact["name"]])
        unset = {n for n, f in self.shown.fields.items() if f.readonly and not f.compute and _says_nothing(self.type, f, self.shown.values[n])}
        return [fact for fact in told if (fact["text"] or fact["links"]) and fact["name"] not in unset]  # what nobody sets is told once it is so

    def _in_words(self, f: Field) -> dict[str, Any]:
        """What data of the set-up says; nothing of a field that says it itself."""
        text = composed.told(self.actor, self.type, f, self.found)
        if text is not None:
            return {"text": text}
        spelt = spelled.lines(self.actor, self.type, f, self.found)
        if spelt is None:
            about = composed.about(self.actor, getattr(self.found, "type", ""))
            return {"text": differences.text(self.actor, f, about, f.value(self.found), {}) or ""} if f.kind == "json" else {}
        return {"text": "\n".join(spelt), "prose": True, "full": len(spelt) > 1}

    def figures(self, items: list[Item]) -> list[dict[str, Any]]:
        return _figures(self.actor, self.found, [(i.name, i.dimension) for i in items])

    def related(self, item: Item) -> dict[str, Any] | None:
        found = drawn.list_of(self.actor, item)
        return _rows_of(self.actor, {"type": found[0], "field": found[1], "id": str(self.found.pk)}) if found else None

    def block(self, name: str) -> dict[str, Any] | None:
        """A part of the page that is no field, list or figure; None where there is nothing of it."""
        actor, object_type, found = self.actor, self.type, self.found
        if name == "lines":
            tables_of = _lines(actor, object_type, self.shown)
            return {"tables": tables_of} if tables_of else None
        if name == "timeline":
            return {"told": _happened(self.request, actor, object_type, found, False), "composers": _composers(self.request, actor, object_type, found)}
        if name == "chain":
            chain = chains.card(actor, object_type, found)
            return {"chain": chain} if chain else None
        if name == "notes":
            told = notes.of_record(actor, object_type, found)
            return {"notes": told} if told else None
        lists = self._excerpts["main" if name == "excerpts" else "aside"] if name in ("excerpts", "people") else []
        return {"excerpts": lists} if lists else None

    @cached_property
    def _excerpts(self) -> dict[str, list]:
        return excerpts.of_record(self.actor, self.type, self.found, self.counts)


# The head -----------------------------------------------------------------------------------------------------------


def _avatar(object_type: ObjectType, shown: Shown) -> dict[str, Any] | None:
    """Two letters and a colour for what has a name; a number has none."""
    return {"initials": pages.initials(shown.label), "hue": pages.hue(shown.label)} if object_type.title == "name" else None


def _status(object_type: ObjectType, found: Record) -> dict[str, str] | None:
    if not object_type.has_status:
        return None
    return {"label": tables.status_label(object_type, found.status), "tone": tables.tone(object_type, found.status)}


def _identity(object_type: ObjectType, shown: Shown) -> list[dict[str, str]]:
    """What tells this record from others at a glance: the filled columns of its list, title and status left out."""
    told = []
    for name in object_type.columns:
        f = shown.fields.get(name)
        if f is None or name in (object_type.title, "status") or f.kind in ("yesno", "json", "number", "integer"):
            continue
        text, value = shown.text(name), shown.values[name]
        if text:
            url = pages.address(value.slug, value.id) if isinstance(value, Ref) and value.seen else ""
            told.append({"text": text, "url": url, "label": f.label})
    return told[:5]


def _figures(actor: Actor, found: Record, named: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Figures of this year about this record, beside last year's and all time's, each with the address of its facts."""
    this_year = periods.containing(structures.today(), "year", context.company().fiscal_year_start)
    known = {d.key: d for d in kpi.every_definition()}
    asked = []
    for key, dimension in named:
        definition = known.get(key)
        if definition is not None and dimension in definition.dimensions and kpi.may(actor, definition):
            asked.append((definition, kpi.Question(this_year.key, filter=[dimension, "eq", str(found.pk)])))
    if not asked:
        return []
    ever = [(definition, kpi.Question("all", filter=question.filter)) for definition, question in asked]
    told = kpi.values(actor, [*asked, *ever])  # all time has no time before it
    now, ever = told[: len(asked)], told[len(asked) :]
    return [_figure(answer, whole) for answer, whole in zip(now, ever, strict=True)]


def _figure(answer: kpi.Answer, ever: kpi.Answer) -> dict[str, Any]:
    change = figures.compare(answer)[:1]
    nothing = figures.full(answer.definition, Decimal(0))
    return {
        "label": f"{answer.definition.name} · {figures.period_label(answer.period)}", "number": figures.shown(answer), "all": figures.shown(ever),
        "change": change[0] if change and change[0].change and change[0].number.full not in (nothing, figures.NO_VALUE) else None,
        "goal": figures.goal(answer.definition, answer.value, answer.target),
    }  # fmt: skip


def _counted(actor: Actor, object_type: ObjectType, plan: Plan) -> dict[str, Part]:
    """By the key of its tab each list that is all of one, and the short lists where the layout has any: what is counted of a page."""
    parts = {}
    for tab in plan.tabs[1:]:
        items = [i for s in tab.sections for i in s.items]
        entry = drawn.list_of(actor, items[0]) if len(items) == 1 and items[0].kind == "related" else None
        if entry is not None:
            parts[tab.key] = Part(*entry)
    blocks = {i.name for tab in plan.tabs for i in tab.named("block")}
    return parts | (excerpts.parts(actor, object_type) if blocks & {"excerpts", "people"} else {})


def _tabs(
    request: HttpRequest, actor: Actor, object_type: ObjectType, plan: Plan, tab: Tab | None, counts: dict[str, Added]
) -> list[dict[str, Any]]:  # fmt: skip
    made = [
        {
            "label": drawn.label_of(actor, one, i == 0, plan.tabs), "current": one is tab, "count": counts[one.key].count if one.key in counts else "",
            "url": f"{request.path}?tab={one.key}" if i else request.path,
        }
        for i, one in enumerate(plan.tabs)
    ]  # fmt: skip
    if object_type.writable:
        made.append({"label": _("History"), "url": f"{request.path}?tab={HISTORY}", "current": tab is None, "count": ""})
    return made


# Fields -------------------------------------------------------------------------------------------------------------


def _says_nothing(object_type: ObjectType, f: Field, value: Any) -> bool:
    """Whether what nobody sets by hand is as with every new one: not superseded; of a document none or one, such as its first revision."""
    return not value if f.kind == "yesno" else f.kind == "integer" and object_type.has_status and value in (None, 0, 1)


def _fact(shown: Shown, name: str) -> dict[str, Any]:
    f, value = shown.fields[name], shown.values[name]
    refs = value if isinstance(value, list) and value and isinstance(value[0], Ref) else [value] if isinstance(value, Ref) else []
    links = [{"text": r.label or _("(not visible)"), "url": pages.address(r.slug, r.id) if r.seen else ""} for r in refs]
    text = "" if refs else shown.text(name)
    url = ""
    if text and (behind := derived.drill(f, shown.id)):
        url = behind
    elif text and f.kind in ("email", "phone", "url"):
        url = {"email": f"mailto:{value}", "phone": f"tel:{str(value).replace(';ext=', ',')}", "url": value}[f.kind]
    return {"name": name, "label": f.label, "text": text, "links": links, "url": url, "full": f.wide, "prose": f.kind == "longtext", "image": f.kind == "image"}


def _stamps(shown: Shown) -> list[dict[str, str]]:
    return [{"label": shown.fields[n].label, "text": shown.text(n)} for n in ("created_at", "updated_at") if n in shown.fields and shown.values[n]]


def _lines(actor: Actor, object_type: ObjectType, shown: Shown) -> list[dict[str, Any]]:
    """Each kind of rows as a table, columns that are empty throughout left out; the sums stand under the last one."""
    made = []
    for entry in access.lines(actor, object_type):
        rows = shown.lines.get(entry.name, [])
        names = [n for n in entry.fields if n not in timelines.IN_BASE and any(_says(row, n) for row in rows)]
        names = [n for i, n in enumerate(names) if not any(_repeats(rows, n, before) for before in names[:i])]
        why = notes.reasons(actor, shown.record, entry, rows) if rows and entry.reasons else {}
        if rows:
            made.append({
                "label": entry.label or entry.name, "columns": [{"label": entry.fields[n].label, "num": entry.fields[n].rules.sums} for n in names],
                "rows": [[_line_cell(row, n, shown.currency) | {"why": why.get((row.id, n), []), "id": f"{row.id}-{n}"} for n in names] for row in rows],
                "totals": [],
            })  # fmt: skip
    if made and object_type.totals:
        made[-1]["totals"] = controls.totals(shown.record, object_type, shown.fields, shown.currency)
    return made


def _says(row: Shown, name: str) -> bool:
    """Whether a cell tells its reader something: not nothing, not a sum of zero, not the name of the reference before it again."""
    f, value = row.fields[name], row.values[name]
    if f.rules.is_empty(value) or (value == 0 and (f.readonly or f.kind == "percent")) or (f.readonly and f.kind == "json"):
        return False  # data for programs; what people should know of it, the row's reasons say
    return f.kind != "text" or value not in [v.label for v in row.values.values() if isinstance(v, Ref)]


def _repeats(rows: list[Shown], name: str, before: str) -> bool:
    """Whether a reference reads the same as an earlier one in every row: the quote line of the same product."""
    if not rows[0].fields[name].is_reference or not rows[0].fields[before].is_reference:
        return False
    return all(isinstance(v := row.values[name], Ref) and isinstance(w := row.values[before], Ref) and v.label == w.label for row in rows)


def _line_cell(row: Shown, name: str, currency: str) -> dict[str, Any]:
    f, value = row.fields[name], row.values[name]
    if isinstance(value, Ref):
        return {"label": f.label, "text": value.label, "url": pages.address(value.slug, value.id) if value.seen else "", "num": False}
    text = f.rules.text(f, value, currency) if not isinstance(value, list) or not value or not isinstance(value[0], Ref) else row.text(name)
    return {"label": f.label, "text": text, "url": "", "num": f.rules.sums}


# What happened, what hangs on it ------------------------------------------------------------------------------------


def _happened(request: HttpRequest, actor: Actor, object_type: ObjectType, found: Record, whole: bool) -> dict[str, Any]:
    told = timelines.of(actor, object_type, found, request.GET.get("before", ""), whole)
    if told["next"]:
        told["url"] = filters.address(request, before=told["next"])
    return told


def _composers(request: HttpRequest, actor: Actor, object_type: ObjectType, found: Record) -> list[dict[str, Any]]:
    """A small form for each type whose records stand on the timeline: its title, its kind, its date."""
    made: list[dict[str, Any]] = []
    if not object_type.writable or object_type.is_setup or not object_type.group:
        return made  # nobody calls a tax code, or a dashboard
    for other in registry.every():
        if not other.timeline or other == object_type or not access.allows(actor, other, "add"):
            continue
        fields = access.fields(actor, other)
        kind = next((f for f in other.fields.values() if f.kind == "choice" and not f.readonly and f.name in fields), None)
        made.append({
            "url": f"{pages.address(other)}new/", "label": other.label, "title": other.title, "about": other.timeline,
            "value": f"{object_type.slug}:{found.pk}", "next": request.path, "kind": kind,
            "options": [{"value": k, "label": label} for k, label in kind.choices().items()] if kind else [],
        })  # fmt: skip
    return made


def _rows_of(actor: Actor, entry: dict[str, Any]) -> dict[str, Any]:
    """The first records of a related list, in the order of their own."""
    other = entry["type"]
    wanted = listings.Listing(conditions=([entry["field"], "eq", entry["id"]],), limit=FEW, count=True)
    page = query.page(actor, other, wanted)
    columns = [c for c in tables.columns(actor, other) if c.name != entry["field"]]
    home, preset = pages.address(other), f"?{entry['field']}={entry['id']}"
    makes = other.writable and access.allows(actor, other, "add")
    return {
        "type": other, "columns": [{"label": c.field.label, "num": c.num} for c in columns], "rows": tables.rows(actor, other, page.records, columns),
        "count": page.count, "all": f"{home}{preset}", "new": f"{home}new/{preset}" if makes else "",
    }  # fmt: skip
