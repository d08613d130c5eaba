"""The page of one figure: its value beside earlier ones, its parts, and how it came about; and the list of all figures.

The words of the address are those of the API (contract, KPIs), so that a page can be sent to somebody and says the same.
"""

from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _

from core import access, conditions, context, figures, kpi, periods, registry, structures
from core.access import Actor
from core.errors import RuleError, Unparsable
from core.kpi.wording import conditions_in_words
from core.models import Kpi
from core.registry import Dimension
from core.views import pages
from core.views.controls import FIND
from core.views.picks import choice, is_id, options, pick, splits, value_in_words
from core.views.tiles import period_choices, twelve_months

SOUGHT = FIND.removesuffix(".")  # the button without a script: which of the filters is looked up
ROWS = 1000  # groups shown at most; all of them are in the API


class Told(NamedTuple):
    """A number of the table, to the minor unit, and the address of what it is made of."""

    full: str
    url: str = ""


class Line(NamedTuple):
    """One row of the table of groups: a label for each dimension, the value, and a node's own part in a roll-up."""

    cells: list[tuple[str, str]]  # label, address of the record
    number: Told
    own: Told | None
    level: int
    goal: figures.Goal | None


@pages.page
def index(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every figure with its value of this month. Cost: some six queries, more where the company's own figures have conditions."""
    answers = kpi.values(actor, [(d, kpi.Question()) for d in kpi.every_definition() if kpi.may(actor, d)])
    shown = [
        {
            "label": a.definition.name, "url": f"/kpis/{a.definition.key}/", "formula": a.definition.formula,
            "number": figures.shown(a), "comparisons": figures.compare(a), "goal": figures.goal(a.definition, a.value, a.target),
        }
        for a in answers
    ]  # fmt: skip
    homes = (("targets", "/targets/sheet/"), ("watches", "/watches/"))
    places = [
        {"label": t.plural, "url": url, "icon": t.icon} for slug, url in homes if access.allows(actor, t := registry.types[slug], "view")
    ]  # fmt: skip
    values: dict[str, Any] = {"figures": shown, "builds": access.allows(actor, registry.types["kpis"], "add"), "places": places}
    if answers:
        values |= {"period": figures.period_label(answers[0].period), "as_of": figures.as_of(answers[0].as_of)}
    return pages.render(request, actor, "pages/kpis.html", values)


@pages.page
def figure(request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
    """One figure as it is asked for. What is wrong with the question is said beside the form. Cost: see ``kpi.value``."""
    if is_id(key) and (row := Kpi.objects.filter(pk=key).first()) is not None:
        return HttpResponseRedirect(f"/kpis/{row.key}/")  # records are named by their ids, figures by their keys
    definition = kpi.definition(key)
    asked = stated(request.GET)
    values: dict[str, Any] = {"definition": definition, "label": definition.name, "acts": _acts(actor, definition)}
    try:
        question = replace(kpi.question({name: text for name, text in asked.items() if text}), most=ROWS)
        answer = kpi.value(actor, definition, question)
        values |= _answered(actor, definition, question, answer)
        status = 200
    except (RuleError, Unparsable) as error:
        values |= {"errors": error.sentences, "answer": None}
        status = pages.status_of(error)
    values["form"] = _form(actor, request, definition, asked, values.get("answer"))
    return pages.render(request, actor, "pages/kpi.html", values, status)


def _acts(actor: Actor, definition: kpi.Definition) -> list[dict[str, str]]:
    """What its reader may do with the figure itself. Cost: none."""
    object_type, found = registry.types["kpis"], []
    if definition.row_id and access.allows(actor, object_type, "change"):
        found.append({"label": _("Change"), "icon": "edit", "url": f"/kpis/{definition.key}/edit/"})
    if access.allows(actor, object_type, "add"):
        found.append({"label": _("Copy"), "icon": "copy", "url": f"/kpis/new/?copy={definition.key}"})
    if access.allows(actor, registry.types["targets"], "view"):
        found.append({"label": _("Targets"), "icon": "target", "url": f"/targets/sheet/?kpi={definition.key}"})
    return [*found, {"label": _("Watch"), "icon": "bell", "url": f"/watches/new/?kpi={definition.key}"}]


def stated(given: QueryDict) -> dict[str, str]:
    """The page's words as those of the API: two selects become ``group_by``, two dates a period, chosen records a filter."""
    words = {name: given.get(name, "") for name in ("period", "group_by", "filter", "as_of", "structure", "rollup")}
    first, last = given.get("from", ""), given.get("to", "")
    if first or last:
        words["period"] = f"{first}..{last}"
    parts = [given[name] for name in ("by.1", "by.2") if given.get(name)]
    if parts or "by.1" in given:
        words["group_by"] = ",".join(dict.fromkeys(parts))
    chosen = [[name.removeprefix("f."), "eq", value] for name, value in given.items() if name.startswith("f.") and value]
    if chosen:
        words["filter"] = conditions.text({"all": chosen})
    return {name: text.replace("\x00", "") for name, text in words.items()}


# The answer ---------------------------------------------------------------------------------------------------------


def _answered(actor: Actor, definition: kpi.Definition, question: kpi.Question, answer: kpi.Answer) -> dict[str, Any]:
    chart = None if question.group_by else _months(actor, definition, question, answer)
    if answer.groups:
        split = answer if len(answer.dimensions) == 1 else kpi.by_first(answer)
        split = split or kpi.value(actor, definition, _asked(question, answer, question.group_by[:1]), compared=False)
        dimension = definition.dimension(split.dimensions[0])
        title = _("%(kpi)s by %(dimension)s") % {"kpi": definition.name, "dimension": str(dimension.label).lower()}
        chart = None if question.rollup else figures.group_chart(split, title)
        if chart is not None and split is answer:
            chart["rows"] = []  # the page's own table says it
    return {
        "answer": answer, "number": figures.shown(answer), "goal": figures.goal(definition, answer.value, answer.target),
        "comparisons": figures.compare(answer),
        "period": figures.period_label(answer.period), "chart": chart,
        "heads": [str(definition.dimension(d).label) for d in answer.dimensions],
        "lines": _lines(actor, definition, question, answer), "goals": any(g.target is not None for g in answer.groups),
        # balances through time and ratios do not add up to the figure above them
        "adds_up": definition.partitions and (definition.is_additive or not any(definition.dimension(d).period for d in answer.dimensions)),
        "left_out": max(0, answer.count - ROWS),
        "lineage": lineage(actor, answer), "hidden": figures.hidden(answer.hidden), "csv": _file(answer),
    }  # fmt: skip


def _months(actor: Actor, definition: kpi.Definition, question: kpi.Question, answer: kpi.Answer) -> dict[str, Any]:
    """The twelve months up to the period asked for, as a chart: a figure that is not split still has a way it came."""
    last = min(answer.period.last or structures.today(), structures.today())
    asked = kpi.Question(twelve_months(last), ("month",), question.filter, answer.as_of.token)
    title = _("%(kpi)s by month") % {"kpi": definition.name}
    return figures.month_chart(kpi.value(actor, definition, asked, compared=False), last, title)


def _asked(question: kpi.Question, answer: kpi.Answer, group_by: tuple[str, ...]) -> kpi.Question:
    """The same question in the same snapshot, split otherwise."""
    return kpi.Question(question.period, group_by, question.filter, answer.as_of.token, question.structure)


def _lines(actor: Actor, definition: kpi.Definition, question: kpi.Question, answer: kpi.Answer) -> list[Line]:
    """Rows of the table. A roll-up's own parts are groups of the same figure without it, so that they have drills too."""
    own = {}
    if question.rollup:
        own = {g.keys[0]: g for g in kpi.value(actor, definition, _asked(question, answer, question.group_by), compared=False).groups}
    made, word = [], figures.Labels(answer)
    for group in answer.groups[:ROWS]:
        url = figures.record_url(answer, group)
        its_own = None
        if question.rollup:
            mine = own.get(group.keys[0])
            its_own = Told(figures.full(definition, mine.value), figures.group_url(answer, mine)) if mine else Told(figures.full(definition, group.own))
        number = Told(figures.full(definition, group.value), figures.group_url(answer, group))
        made.append(Line([(text, url) for text in word.each(group)], number, its_own, group.level or 0, figures.goal(definition, group.value, group.target)))
    return made


def _file(answer: kpi.Answer) -> str:
    """The facts or records as a file; of a ratio those that it divides."""
    drill = answer.drill.numerator if isinstance(answer.drill, kpi.Drills) else answer.drill
    return f"{drill.path}&format=csv"


def lineage(actor: Actor, answer: kpi.Answer) -> list[tuple[str, str]]:
    """How the figure came about (N2): each part with its word."""
    definition, company = answer.definition, context.company()
    parts = [
        (_("Formula"), definition.formula), (_("Counts on"), definition.date_basis), (_("Period"), figures.period_label(answer.period)),
        (_("Only where"), "; ".join(in_words(actor, definition, f) for f in answer.filters) or _("no further condition")),
        (_("Time zone"), company.timezone), (_("Currency"), company.currency if definition.in_money else _("none, it is a number")),
        (_("As of"), figures.as_of(answer.as_of)), (_("Facts"), str(answer.rows)),
        (_("Left out"), figures.hidden(answer.hidden) or _("nothing")),
    ]  # fmt: skip
    return [(str(word), str(text)) for word, text in parts]


def in_words(actor: Actor, definition: kpi.Definition, node: Any) -> str:
    """A filter as a reader understands it."""
    if isinstance(node, dict):
        word, parts = next(iter(node.items()))
        joint = _(" and ") if word == "all" else _(" or ")
        return joint.join(f"({in_words(actor, definition, p)})" if isinstance(p, dict) and len(parts) > 1 else in_words(actor, definition, p) for p in parts)
    if definition.composed:
        return conditions_in_words(definition.built.of.object_type, node)
    name, op, value = node
    head, _dot, rest = name.partition(".")
    if rest or op == "empty":
        return conditions_in_words(registry.types["facts"], node)
    dimension = registry.dimensions.get(head)
    field = registry.types["facts"].fields.get(head)
    label = str(dimension.label) if dimension else str(field.label) if field else head
    values = [value_in_words(actor, dimension, v) for v in (value if isinstance(value, list) else [value])]
    words = {"eq": "=", "ne": "≠", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥"}
    return f"{label} {words.get(op, op)} {', '.join(values)}"


# The form -----------------------------------------------------------------------------------------------------------


def _form(actor: Actor, request: HttpRequest, definition: kpi.Definition, asked: dict[str, str], answer: kpi.Answer | None) -> dict[str, Any]:
    known = [d for d in map(definition.dimension, definition.dimensions) if kpi.may_split(actor, definition, d)]
    chosen = [*asked["group_by"].split(","), "", ""]
    past = answer is None or answer.definition.has_past
    labels = (("by.1", _("Group by")), ("by.2", _("and by")))
    by = [{**choice(name, label, splits(actor, definition, of)), "grouped": True} for (name, label), of in zip(labels, chosen, strict=False)]
    trees = [d for d in known if d.tree is not None] if answer is None or not answer.definition.composed else []
    picks = [_pick(actor, request.GET, d) for d in known if not d.period]
    known_by = asked["as_of"] if len(asked["as_of"]) == 10 else ""
    return {
        "fields": [
            choice("period", _("Period"), period_options(asked["period"], answer), required=True),
            {"name": "from", "kind": "date", "label": _("or from"), "value": ""},
            {"name": "to", "kind": "date", "label": _("to"), "value": ""}, *by,
        ],
        "more": [
            *picks, *_rolling(trees, asked),
            *([{
                "name": "as_of", "kind": "date", "label": _("As known at the end of"), "value": known_by,
                "help": _("Leave it empty for what is known now."),
            }] if past else []),
        ],
        "rolled": bool(answer and asked["rollup"] == "true"),
        "open": any(p["chosen"] or p.get("sought") for p in picks) or asked["rollup"] == "true" or bool(asked["as_of"]) or asked["structure"] == "then",
        "raw": asked["filter"] if asked["filter"] and not any(p["chosen"] for p in picks) else "",
        "without": "?" + urlencode({n: v for n, v in asked.items() if v and n != "filter"}),
    }  # fmt: skip


def _pick(actor: Actor, given: QueryDict, dimension: Dimension) -> dict[str, Any]:
    """A filter; the records to choose from are read when they are asked for, which somebody without a script does by a button."""
    name = f"f.{dimension.key}"
    words = given.get(f"{FIND}{name}", "").replace("\x00", "").strip()
    sought = bool(words) or given.get(SOUGHT) == name
    made = pick(actor, dimension, given.get(name, ""), words if sought else None)
    return made | {"seek": f"{FIND}{name}", "sought": sought} if "lookup" in made else made


def _rolling(trees: list[Dimension], asked: dict[str, str]) -> list[dict[str, Any]]:
    """Controls for figures over a tree, where there is one."""
    if not trees:
        return []
    word = _("Roll up the tree (%(trees)s)") % {"trees": ", ".join(str(d.label) for d in trees)}
    shapes = options([("now", _("as it is now")), ("then", _("as it was then"))], asked["structure"] or "now")
    return [
        {"name": "rollup", "kind": "yesno", "label": word, "value": asked["rollup"] == "true"},
        choice("structure", _("The tree"), shapes, required=True),
    ]


def period_options(chosen: str, answer: kpi.Answer | None) -> list[dict[str, Any]]:
    """The usual periods, those before them, and the one that is asked for."""
    today, fiscal = structures.today(), context.company().fiscal_year_start
    known = dict(period_choices(today))
    for shape in ("month", "quarter", "year"):
        before = periods.previous(periods.containing(today, shape, fiscal), fiscal)
        known.setdefault(before.key, figures.period_label(before))
    chosen = chosen or "this-month"
    if answer is not None:
        known.setdefault(chosen, figures.period_label(answer.period))
    return options(known.items(), chosen)
