"""Several figures side by side, a row for each member of a dimension, the company's own in the last: profit and loss and its like (N12)."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import context, dimensions, figures, kpi, periods, registry, structures
from core.access import Actor
from core.errors import Missing, RuleError, Unparsable
from core.registry import Sheet
from core.views import kpis, pages, picks

ROWS = 200  # on one page
SPLIT = "by"


@dataclass(frozen=True)
class Line:
    """One member with its figures in the order of the columns. ``mark``: some of its amounts count without being known."""

    label: str
    url: str
    cells: list[tuple[figures.Number, bool]]


@pages.page
def sheet(request: HttpRequest, actor: Actor, key: str) -> HttpResponse:
    """Cost: some four queries, and for each column one or two."""
    declared = registry.sheets[key]
    known = {d.key: d for d in kpi.every_definition() if kpi.may(actor, d)}
    columns = [known[k] for k in declared.columns if k in known]
    if not columns:
        raise Missing
    splits = [registry.dimensions[d] for d in declared.by if all(d in c.dimensions for c in columns) and dimensions.usable(actor, registry.dimensions[d])]
    chosen = request.GET.get(SPLIT, "")
    by = next((d for d in splits if d.key == chosen), splits[0])
    words = kpis.stated(request.GET)
    values: dict[str, Any] = {"label": declared.label, "columns": columns, "head": by.label}
    try:
        question = kpi.Question(words["period"] or _this_year(), (by.key,), as_of=words["as_of"])
        members = Members(actor, by, _leading(declared, columns), _number(request.GET.get("page", "")))
        answers = kpi.values(actor, [(c, question) for c in columns], compared=False, choose=members.choose)
        values |= _told(answers, members, {SPLIT: by.key, "period": question.period})
        status = 200
    except (RuleError, Unparsable) as error:
        values |= {"errors": error.sentences, "lines": None}
        status = pages.status_of(error)
    values["form"] = _form(splits, by.key, words["period"] or _this_year(), values.get("answer"))
    return pages.render(request, actor, "pages/sheet.html", values, status)


def _this_year() -> str:
    return periods.containing(structures.today(), "year", context.company().fiscal_year_start).key


def _number(text: str) -> int:
    return int(text[:6]) if text.isascii() and text.isdigit() and int(text[:6]) else 1


def _leading(declared: Sheet, columns: list[kpi.Definition]) -> int:
    """By which column the rows are sorted."""
    adding = [i for i, c in enumerate(columns) if not c.is_ratio]
    return next((i for i, c in enumerate(columns) if c.key == declared.sort), adding[-1] if adding else 0)


@dataclass
class Members:
    """The members of all columns, those that add most to the leading one first, "none" last: how many there are, and which are on a page."""

    actor: Actor
    by: registry.Dimension
    leading: int
    page: int
    shown: list[Any] = field(default_factory=list)
    count: int = 0

    def choose(self, counted: list[dict[Any, Decimal]]) -> list[Any]:
        """Those of the page. Names tell those apart that add the same: they are read where the page begins or ends among such. Cost: one query."""
        amounts = counted[self.leading]

        def worth(key: Any) -> tuple[bool, Decimal]:
            return key is None, -amounts.get(key, Decimal(0))

        every = sorted({key for column in counted for key in column}, key=worth)
        first, last = start, end = min((self.page - 1) * ROWS, len(every)), min(self.page * ROWS, len(every))
        while 0 < first < last and worth(every[first - 1]) == worth(every[first]):
            first -= 1
        while first < last < len(every) and worth(every[last - 1]) == worth(every[last]):
            last += 1
        names = kpi.labels(self.actor, self.by, set(every[first:last]))
        near = sorted(every[first:last], key=lambda key: (*worth(key), names.get(key, ""), str(key)))
        self.shown, self.count = near[start - first : end - first], len(every)
        return self.shown


def _told(answers: list[kpi.Answer], members: Members, words: dict[str, str]) -> dict[str, Any]:
    page, shown = members.page, members.shown
    by_key = [{g.keys[0]: g for g in a.groups} for a in answers]
    lines = [_line(answers, [groups.get(key) for groups in by_key]) for key in shown]
    total = [(_number_of(a, a.value, a.counted, a.drill, figures.page_of(a)), a.value is None and not a.definition.is_ratio) for a in answers]
    steps = [(_("Previous"), page - 1)] * (page > 1) + [(_("Next"), page + 1)] * (page * ROWS < members.count)
    return {
        "answer": answers[0], "lines": lines, "total": total, "marked": any(mark for line in lines for _n, mark in line.cells) or any(m for _n, m in total),
        "period": figures.period_label(answers[0].period), "as_of": figures.as_of(answers[0].as_of), "count": members.count,
        "hidden": figures.hidden(max(a.hidden for a in answers)),
        "pages": [{"label": label, "url": "?" + urlencode(words | {"page": at, "as_of": answers[0].as_of.token})} for label, at in steps],
    }  # fmt: skip


def _line(answers: list[kpi.Answer], groups: list[kpi.Group | None]) -> Line:
    cells = []
    for answer, group in zip(answers, groups, strict=True):
        if group is None:
            nothing = answer.definition.nothing
            cells.append((figures.number(answer.definition, nothing, ""), False))
        else:
            number = _number_of(answer, group.value, group.counted, group.drill, figures.group_page(answer, group))
            cells.append((number, group.value is None and not answer.definition.is_ratio))
    at = next(i for i, group in enumerate(groups) if group is not None)
    row = figures.rows(answers[at], [groups[at]])[0]
    return Line(row.label, row.url, cells)


def _number_of(answer: kpi.Answer, value: Decimal | None, counted: Decimal, drill: Any, page: str) -> figures.Number:
    """A sum that has no value since nothing of it is known still counts in the company's: it is shown with a mark."""
    told = counted if value is None and not answer.definition.is_ratio else value
    return figures.number(answer.definition, told, drill, page)


def _form(splits: list[registry.Dimension], by: str, period: str, answer: kpi.Answer | None) -> list[dict[str, Any]]:
    return [
        picks.choice(SPLIT, _("Group by"), picks.options([(d.key, d.label) for d in splits], by), required=True),
        picks.choice("period", _("Period"), kpis.period_options(period, answer), required=True),
        {"name": "from", "kind": "date", "label": _("or from"), "value": ""},
        {"name": "to", "kind": "date", "label": _("to"), "value": ""},
    ]
