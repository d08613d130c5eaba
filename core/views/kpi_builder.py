"""The page on which a figure is built: what of, how, by which date, under which conditions; with its number as it would be, while it is built.

A better form over rows of ``kpis``: what is sent becomes a definition, ``core.write`` stores it, ``core.kpi`` says what is wrong with it.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import access, figures, kpi, read, registry, steering, structures, write
from core.access import Actor
from core.errors import Denied, Missing, OdosError, RuleError, Unparsable
from core.kpi import built
from core.kpi.built import Built
from core.labels import in_language
from core.models import Kpi
from core.views import conditions, pages
from core.views.picks import choice, options
from core.views.tiles import period_choices, twelve_months

SLUG = "kpis"
STEPS = 4  # thresholds the form has room for
LAST = (7, 30, 90, 365)
WINDOWS = (3, 6, 12)
OTHER = "zh-Hans"  # the language besides English that the interface speaks
PER = "per."


def show(request: HttpRequest, actor: Actor, key: str = "", error: OdosError | None = None) -> HttpResponse:
    """The builder: empty, of a copy, or of a figure there is. Cost: see ``preview``."""
    row = _row(actor, key)
    sent = request.POST if error is not None else _stated(row, request.GET)
    return pages.render(request, actor, "pages/kpi_builder.html", _builder(actor, row, sent, error))


def save(request: HttpRequest, actor: Actor, key: str = "") -> HttpResponse:
    """Store what was sent; a button inside it only asks for the form again."""
    row, sent = _row(actor, key), request.POST
    if conditions.is_edited(sent):
        raise pages.Again
    object_type = registry.types[SLUG]
    data = _data(actor, sent, row)
    if key:
        version = int(sent["version"]) if sent.get("version", "").isdigit() else 0
        made = write.change(actor, object_type, row.pk, data, version)
    else:
        made = write.create(actor, object_type, data)
    return pages.done(request, f"/kpis/{made.key}/", _("%(name)s is saved.") % {"name": made.name or made.key})


builder = pages.page(show, save)


def _preview(request: HttpRequest, actor: Actor, error: OdosError | None = None) -> HttpResponse:
    """The builder's parts as they are with what is typed now: ``?part=preview`` the number alone."""
    _demand(actor, "add" if not request.POST.get("key") else "change")
    row = _row(actor, request.POST.get("key", "")[:40])
    if request.GET.get("part") == "preview":
        return pages.render(request, actor, "parts/kpi_preview.html", preview(actor, row, request.POST))
    return pages.render(request, actor, "parts/kpi_builder.html", _builder(actor, row, request.POST, None))


def _ask(request: HttpRequest, actor: Actor) -> HttpResponse:
    raise pages.Again


parts = pages.page(_preview, _ask)


def _demand(actor: Actor, action: str) -> None:
    if not access.allows(actor, registry.types[SLUG], action):
        raise Denied(_("You may not build figures."))


def _row(actor: Actor, key: str) -> Kpi:
    """The row to change, or a new one. Errors: Missing, Denied."""
    _demand(actor, "change" if key else "add")
    if not key:
        return Kpi(key="", definition={})
    found = Kpi.objects.filter(key=key, archived_at=None).first() if "\x00" not in key else None
    if found is None:
        raise Missing
    return found


# What is sent, and what it means ------------------------------------------------------------------------------------


def _stated(row: Kpi, asked: QueryDict) -> dict[str, str]:
    """The words of the form for a row as it stands, or for a copy of the figure ``?copy=``."""
    words: dict[str, str] = {"up_is_good": "true", "of": "", "aggregate": "count", "period": "this-month"}
    source = row
    if not row.key and asked.get("copy"):
        source = Kpi.objects.filter(key=asked["copy"][:40].replace("\x00", "")).first() or Kpi(key=asked["copy"])
        shown = kpi.define(source) if source.key in registry.kpis or not source._state.adding else None
        words["name"] = _("%(name)s (copy)") % {"name": shown.name} if shown else ""
    elif row.key:
        shown = kpi.define(row)
        words |= {"name": row.name, "key": row.key, "version": str(row.version)}
    else:
        return words | {"of": asked.get("of", "")[:80]}
    if shown is None:
        return words
    words |= {
        f"name.{OTHER}": (source.labels or {}).get(OTHER, "") if source is row else "", "about": source.about,
        "format": source.format if shown.given else shown.format,
        "unit_of_measure": source.unit_of_measure, "up_is_good": "true" if shown.up_is_good else "",
    }  # fmt: skip
    for i, step in enumerate(source.thresholds or []):
        words |= {f"step.{i}.from": str(step["from"]), f"step.{i}.tone": step["tone"]}
    return words | _words(definition_of(shown))


def definition_of(shown: kpi.Definition) -> dict[str, Any]:
    """The definition that says what a figure is; of a shipped one, what it would be if somebody had built it."""
    if shown.given:
        return shown.given
    made = {"of": {"measure": list(shown.top.measures)}, "aggregate": "sum", "over": shown.top.over, "filter": shown.filter}
    if shown.is_ratio:
        made["per"] = {"of": {"measure": list(shown.bottom.measures)}, "aggregate": "sum", "over": shown.bottom.over, "filter": shown.filter}
        made["scale"] = shown.scale
    return made


def _words(definition: dict[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {"definition": definition, "scale": str(definition.get("scale") or 1), "then": _then_word(definition.get("then"))}
    for prefix, part in (("", definition), (PER, definition.get("per"))):
        if part:
            of = part["of"]
            words |= {
                f"{prefix}of": f"m:{'+'.join([of['measure']] if isinstance(of['measure'], str) else of['measure'])}" if "measure" in of else f"t:{of['type']}",
                f"{prefix}aggregate": part.get("aggregate", "sum"), f"{prefix}field": part.get("field", ""), f"{prefix}date": part.get("date", ""),
                f"{prefix}over": str(part.get("over") or "period"),
            }  # fmt: skip
    if definition.get("per"):
        words["ratio"] = "true"
    return words


def _then_word(then: Any) -> str:
    return f"average.{then['average']}" if isinstance(then, dict) else then or ""


def _data(actor: Actor, sent: QueryDict, row: Kpi) -> dict[str, Any]:
    """The fields of the row. What of them is no number, the row's own check says."""
    steps = [{"from": sent[f"step.{i}.from"].strip(), "tone": sent.get(f"step.{i}.tone", "")} for i in range(STEPS) if sent.get(f"step.{i}.from", "").strip()]
    labels = {**(row.labels or {}), OTHER: sent.get(f"name.{OTHER}", "").strip()}
    data: dict[str, Any] = {
        "name": sent.get("name", ""), "about": sent.get("about", ""), "thresholds": steps, "labels": {k: v for k, v in labels.items() if v},
    }  # fmt: skip
    if row.key in registry.kpis:
        return data
    data |= {"format": sent.get("format", ""), "unit_of_measure": sent.get("unit_of_measure", ""), "up_is_good": sent.get("up_is_good") == "true"}
    if "of" in sent:
        data["definition"] = _definition(actor, sent)
    return data


def _definition(actor: Actor, sent: Any) -> dict[str, Any]:
    made = _part(actor, sent, "")
    if sent.get("ratio") == "true":
        made |= {"per": _part(actor, sent, PER), "scale": sent.get("scale") or 1}
    then = sent.get("then", "")
    if then.startswith("average."):
        made["then"] = {"average": int(then[8:])} if then[8:].isascii() and then[8:].isdigit() and len(then) < 12 else then
    elif then:
        made["then"] = then
    return made


def _part(actor: Actor, sent: Any, prefix: str) -> dict[str, Any]:
    kind, _colon, name = sent.get(f"{prefix}of", "").partition(":")
    of = {"measure": name.split("+")} if kind == "m" else {"type": name}
    made = {"of": of, **{word: sent.get(f"{prefix}{word}", "") for word in ("aggregate", "field", "date", "over") if sent.get(f"{prefix}{word}")}}
    object_type = _type(sent, prefix)
    there = object_type is not None and conditions.is_sent(sent, f"{prefix}filter")
    if there and (node := conditions.read(actor, object_type, sent, f"{prefix}filter")) is not None:
        made["filter"] = node
    return made


def _type(sent: Any, prefix: str) -> registry.ObjectType | None:
    kind, _colon, name = sent.get(f"{prefix}of", "").partition(":")
    return registry.types["facts"] if kind == "m" else registry.get(name) if kind == "t" else None


# The form -----------------------------------------------------------------------------------------------------------


def _builder(actor: Actor, row: Kpi, sent: Any, error: OdosError | None) -> dict[str, Any]:
    refused = error.errors if isinstance(error, RuleError) else {}
    shipped = row.key in registry.kpis
    told = [] if error is None or isinstance(error, pages.Again) else error.sentences
    values = {
        "row": row, "shipped": shipped, "errors": told, "refused": refused, "version": sent.get("version", row.version if row.key else ""),
        "title": _("Edit: %(name)s") % {"name": _called(actor, row, sent)} if row.key else _("Build a figure"),
        "action": f"/kpis/{row.key}/edit/" if row.key else "/kpis/new/", "about": _about(sent, shipped, refused), "steps": _steps(sent),
        "coloured": bool(sent.get("step.0.from")),
        "copy": f"/kpis/new/?copy={row.key}",
    }  # fmt: skip
    if not shipped:
        definition = sent.get("definition") if isinstance(sent, dict) else None
        values |= {"of": _part_form(actor, sent, "", definition), "ratio": sent.get("ratio") == "true", "then": _then(sent)}
        if values["ratio"]:
            values["per"] = _part_form(actor, sent, PER, definition)
            scales = options([("1", _("once: a share, an amount each")), ("100", "100"), ("1000", "1000")], sent.get("scale") or "1")
            values["scale"] = choice("scale", _("Times"), scales, required=True)
        values |= preview(actor, row, sent)
    return values


def _called(actor: Actor, row: Kpi, sent: Any) -> str:
    return str(in_language(sent.get("name") or read.label(actor, registry.types["kpis"], row), {OTHER: sent.get(f"name.{OTHER}", "")}))


def _about(sent: Any, shipped: bool, refused: dict[str, list[str]]) -> list[dict[str, Any]]:
    def text(name: str, label: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "kind": "text", "label": label, "value": sent.get(name, ""), "errors": refused.get(name, []), **more}

    made = [
        text("name", _("Name"), required=not shipped, help=_("Empty for the name it was shipped with.") if shipped else ""),
        text(f"name.{OTHER}", _("Name in Chinese")), text("about", _("What it says")),
    ]  # fmt: skip
    if shipped:
        return made
    formats = options([(k, v) for k, v in steering.FORMATS.items() if k], sent.get("format", ""))
    return [
        *made, {**choice("format", _("Written as"), formats), "blank": _("As it is")}, text("unit_of_measure", _("Measured in"), placeholder=_("km, pieces…")),
        {"name": "up_is_good", "kind": "yesno", "label": _("More is better"), "value": sent.get("up_is_good") == "true"},
    ]  # fmt: skip


def _steps(sent: Any) -> list[dict[str, Any]]:
    return [
        {
            "from": {"name": f"step.{i}.from", "kind": "number", "label": pgettext("threshold", "From"), "value": sent.get(f"step.{i}.from", "")},
            "tone": choice(f"step.{i}.tone", _("Colour"), options(steering.TONES.items(), sent.get(f"step.{i}.tone", ""))),
        }
        for i in range(STEPS)
    ]  # fmt: skip


def _then(sent: Any) -> dict[str, Any]:
    known = {"running": _("added up from the beginning"), "year-on-year": _("change against a year ago")}
    known |= {f"average.{n}": _("average over %(n)d periods") % {"n": n} for n in WINDOWS}
    chosen = sent.get("then", "")
    if chosen.startswith("average.") and chosen not in known:
        known[chosen] = _("average over %(n)s periods") % {"n": chosen[8:]}
    return {**choice("then", _("Through time"), options(known.items(), chosen)), "blank": _("as it is in each period")}


def _part_form(actor: Actor, sent: Any, prefix: str, definition: dict | None) -> dict[str, Any]:
    """The controls of one part: what of, how, which field, which date, over which days, under which conditions."""
    chosen, aggregate = sent.get(f"{prefix}of", ""), sent.get(f"{prefix}aggregate") or "count"
    object_type = _type(sent, prefix)
    fields = [_named(choice(f"{prefix}of", _("Of what"), _sources(actor, chosen), required=False), grouped=True, blank=_("Choose")), ]
    if object_type is None:
        return {"fields": fields, "condition": None}
    of_facts = object_type.slug == built.FACTS
    known = access.fields(actor, object_type)
    fields.append(choice(f"{prefix}aggregate", _("Take"), options(_aggregates(of_facts), aggregate), required=True))
    if aggregate != "count" and not (of_facts and aggregate != "distinct"):
        fitting = [(n, f.label or n) for n, f in known.items() if built.fits(f, aggregate) and n not in ("id", "version")]
        fields.append(_named(choice(f"{prefix}field", _("Field"), options(fitting, sent.get(f"{prefix}field", "")), required=False), blank=_("Choose")))
    if not of_facts:
        dates = [(n, f.label or n) for n, f in known.items() if f.kind in ("date", "datetime") and built.usable(f)]
        fields.append(choice(f"{prefix}date", _("Counts on"), options(dates, sent.get(f"{prefix}date") or "created_at"), required=True))
    over = sent.get(f"{prefix}over") or "period"
    spans = {"period": _("what happens in the period"), "until": _("balance: all up to its end")} | {str(n): _("the last %(n)d days") % {"n": n} for n in LAST}
    spans.setdefault(over, _("the last %(n)s days") % {"n": over})
    fields.append(choice(f"{prefix}over", _("Over"), options(spans.items(), over), required=True))
    name = f"{prefix}filter"
    if conditions.is_sent(sent, name):
        control = conditions.shown(actor, object_type, conditions.edited(actor, object_type, sent, name), name, [], _("Only where"))
    else:
        part = (definition or {}) if not prefix else (definition or {}).get("per") or {}
        control = conditions.control(actor, object_type, part.get("filter"), name=name, errors=[], label=_("Only where"))
    return {"fields": fields, "condition": control}


def _named(field: dict[str, Any], **more: Any) -> dict[str, Any]:
    return field | more


def _aggregates(of_facts: bool) -> list[tuple[str, Any]]:
    if not of_facts:
        return list(built.AGGREGATES.items())
    return [(k, _("Number of facts") if k == "count" else v) for k, v in sorted(built.AGGREGATES.items(), key=lambda pair: pair[0] != "sum")]


def _sources(actor: Actor, chosen: str) -> list[dict[str, Any]]:
    """Every measure and every object the actor sees. Cost: none."""
    made = [
        {"value": f"t:{t.slug}", "label": t.plural, "group": _("Objects")}
        for t in registry.every() if (t.in_menu or t.rows) and t.slug != built.FACTS and access.allows(actor, t, "view")
    ] + [
        {"value": f"m:{m.key}", "label": m.label, "group": _("Figures of the ledger")}
        for m in registry.measures.values() if any(access.allows(actor, registry.get(s), "view") for s in m.sources)
    ]  # fmt: skip
    if chosen.startswith("m:") and "+" in chosen:
        label = " + ".join(str(registry.measures[k].label) for k in chosen[2:].split("+") if k in registry.measures)
        made.append({"value": chosen, "label": label, "group": _("Figures of the ledger")})
    return [one | {"selected": one["value"] == chosen} for one in made]


# The number while it is built ---------------------------------------------------------------------------------------


def preview(actor: Actor, row: Kpi, sent: Any) -> dict[str, Any]:
    """The figure as it would be, with its months and its list. Cost: two figures; what is wrong is said instead."""
    today = structures.today()
    chosen = sent.get("period") or "this-month"
    values: dict[str, Any] = {"period": choice("period", _("Period"), options(period_choices(today), chosen), required=True), "told": None, "wrong": []}
    if not sent.get("of"):
        return values | {"wrong": [_("Choose what it is of: its number appears here.")]}
    given = sent["definition"] if isinstance(sent, dict) and "definition" in sent else _definition(actor, sent)
    trial = Kpi(key=row.key or "trial", name=sent.get("name") or _("New figure"), definition=given, format=sent.get("format", ""),
                unit_of_measure=sent.get("unit_of_measure", ""), up_is_good=sent.get("up_is_good") == "true")  # fmt: skip
    try:
        made: Built = built.read(given)
        built.demand_sense(made)
        wanted = kpi.define(trial)
        if wanted is None:
            raise Missing
        answer = kpi.value(actor, wanted, kpi.Question(chosen))
        year = kpi.value(actor, wanted, kpi.Question(twelve_months(today), ("month",)), compared=False)
    except (RuleError, Unparsable) as error:
        return values | {"wrong": error.sentences}
    except (Denied, Missing) as error:
        return values | {"wrong": [str(error) or _("This figure cannot be asked.")]}
    return values | {
        "told": answer, "number": figures.shown(answer), "formula": wanted.formula, "date_basis": wanted.date_basis, "rows": answer.rows,
        "comparisons": figures.compare(answer), "hidden": figures.hidden(answer.hidden), "label": figures.period_label(answer.period),
        "chart": figures.month_chart(year, today, _("%(kpi)s by month") % {"kpi": wanted.name}),
        "splits": ", ".join(str(wanted.dimension(d).label) for d in wanted.dimensions if not wanted.dimension(d).period),
        "drills": [(_("What is divided") if i == 0 else _("What it is divided by"), url) for i, url in enumerate(figures.shown(answer).parts)],
    }  # fmt: skip


