"""What may happen to pipelines and opportunities: stages, amounts and their weight, won and lost; ageing; and the facts they state."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core import access, clock, context, registry, sql, structures
from core.access import Actor
from core.documents import LIMIT, demand_quantities, value_lines
from core.errors import RuleError
from core.facts import Statement
from core.kinds import KINDS
from core.models.record import permit
from core.money import round_money
from core.prepared import Asked, Prepared, columns, in_bulk, listed
from core.rates import rate_for
from crm.models import Account, Activity, Contact, Opportunity, Pipeline, Stage
from crm.rules.lines import fill_lines

ENDED = frozenset({"amount", "currency", "lines", "pipeline", "stage", "probability", "opened_on"})
ZERO = Decimal(0)


def locked(opportunity: Opportunity) -> frozenset[str]:
    """What was won or lost is settled; who knows better reopens it."""
    return frozenset() if opportunity.status == "open" else ENDED


# Pipelines


def number_stages(actor: Actor, pairs: list) -> None:
    """The ``prepare`` of pipelines: a stage that says no order stands where it is listed."""
    for _pipeline, made in pairs:
        for position, row in enumerate(made.lines.get("stages", ())):
            if row.id is None and row.values.get("order") is None:
                row.values["order"] = position + 1


def check_pipeline(actor: Actor, pipeline: Pipeline, changed: dict, rows: dict) -> None:
    """A stage in which an opportunity stands is not removed. Whoever weighs one meanwhile waits. Cost: two queries."""
    if "stages" not in rows or pipeline._state.adding:
        return
    sql.lock(context.company().id, "stages")
    pipeline.__dict__["_restaged"] = True
    kept = {row.pk for row in rows["stages"]}
    removed = Stage.objects.filter(pipeline=pipeline.pk).exclude(pk__in=kept)
    used = removed.filter(pk__in=Opportunity.objects.filter(stage__in=removed).values("stage")).values_list("name", flat=True)
    if used:
        raise RuleError({"stages": [_("Opportunities stand in these stages, so they cannot be removed: %(names)s.") % {"names": ", ".join(used)}]})


def weigh_anew(actor: Actor, pipeline: Pipeline, changed: dict) -> None:
    """The ``after`` of pipelines: open opportunities weigh what their stage says now; ``reweighed`` tells whose facts that moves."""
    if not pipeline.__dict__.pop("_restaged", False):
        return
    # The stages are read apart: a row that changed while it was waited for would fall out of a join.
    rows = list(Opportunity.objects.filter(pipeline=pipeline.pk, status="open", probability=None).order_by("pk").select_for_update(of=("self",)))
    stages = Stage.objects.in_bulk({o.stage_id for o in rows})
    moved = []
    for opportunity in rows:
        before, opportunity.stage = opportunity.weighted, stages.get(opportunity.stage_id)
        weigh(opportunity)
        if opportunity.weighted != before:
            moved.append(opportunity)
    with permit():
        Opportunity.objects.store(moved, ["weighted"])
    pipeline.__dict__["_reweighed"] = moved


def reweighed(pipelines: list[Pipeline]) -> dict[str, list[Opportunity]]:
    """The ``moves`` of pipelines."""
    return {"opportunities": [o for pipeline in pipelines for o in pipeline.__dict__.pop("_reweighed", ())]}


def first_stages(pipelines: set[UUID]) -> dict[UUID, Stage]:
    """Pipeline -> the stage deals start in. Cost: one query, none for no pipelines."""
    rows = STAGES.records(listed(pipelines)) if pipelines else ()
    return {pipeline: next(stages) for pipeline, stages in groupby(rows, key=lambda s: s.pipeline_id)}


STAGES = Prepared(lambda ids: Stage.objects.filter(pipeline__among=ids).order_by("pipeline", "order", "position", "pk"), "pipelines")
START = Prepared(lambda: Stage.objects.filter(pipeline=_pipelines().values("pk")[:1]).order_by("order", "position", "pk")[:1])


def _start() -> tuple[UUID | None, Stage | None]:
    """The pipeline of deals that name none, and its first stage. Cost: one query, two where it has no stage."""
    if found := START.records():
        return found[0].pipeline_id, found[0]
    default = default_pipeline()
    return default and default.pk, None


def _pipelines() -> QuerySet:
    return Pipeline.objects.filter(archived_at=None).order_by("created_at", "pk")


def is_shaped(pipeline: Pipeline) -> bool:
    """The ``packed`` of pipelines: all but the one a new company starts with, as long as nobody changed it. Cost: one query."""
    first = default_pipeline()
    return pipeline.version > 1 or first is None or first.pk != pipeline.pk


def default_pipeline() -> Pipeline | None:
    """The oldest there is. Cost: one query."""
    return _pipelines().first()


# Filling in


def prepare(actor: Actor, pairs: list) -> None:
    """Pipeline, stage, currency and dates where none are given; lines from their products. Cost: five queries a batch."""
    sql.lock_shared(context.company().id, "stages")  # until this is stored nobody changes what a stage is worth
    day = structures.today()
    accounts = columns(Account, {o.account_id for o, _made in pairs if not o.currency}, "currency", "roles")
    for opportunity, made in pairs:
        demand_quantities(made)
        if not opportunity.currency:
            opportunity.currency = accounts.get(opportunity.account_id, ("",))[0] or context.company().currency
        opportunity.opened_on = opportunity.opened_on or day
    _place(pairs)
    fill_lines([(o, day, [row for row in made.lines.get("lines", ()) if row.id is None or o._state.adding]) for o, made in pairs], accounts)


def _place(pairs: list) -> None:
    """Each stands in a stage of its pipeline: the one given, else the first; no pipeline given is that of the stage, else the default."""
    stages = in_bulk(Stage, {o.stage_id for o, _made in pairs})
    default, start = _start() if any(not (o.pipeline_id or o.stage_id) for o, _made in pairs) else (None, None)
    for opportunity, made in pairs:
        stage = stages.get(opportunity.stage_id)
        if opportunity.pipeline_id is None:
            stage = start if opportunity.stage_id is None else stage
            opportunity.pipeline_id = stage.pipeline_id if stage else default
        elif stage is not None and stage.pipeline_id != opportunity.pipeline_id and "stage" not in made.values:
            opportunity.__dict__["_left"], opportunity.stage_id, stage = stage.pk, None, None  # the new pipeline says where to stand
        if stage is not None:
            opportunity.stage = stage
    first = first_stages({o.pipeline_id for o, _made in pairs if o.pipeline_id and not o.stage_id})
    for opportunity, _made in pairs:
        if opportunity.stage_id is None and opportunity.pipeline_id in first:
            opportunity.stage = first[opportunity.pipeline_id]


def check(actor: Actor, opportunity: Opportunity, changed: dict, rows: dict) -> None:
    """The stage is one of the pipeline, the contact one of the account; a rate is taken where an amount is new. Cost: at most two queries."""
    errors: dict[str, list[str]] = {}
    new = opportunity._state.adding
    if "_left" in opportunity.__dict__:
        changed["stage"] = opportunity.__dict__.pop("_left")
    if opportunity.stage is not None and opportunity.stage.pipeline_id != opportunity.pipeline_id:
        errors["stage"] = [_("This stage belongs to another pipeline.")]
    if opportunity.contact_id and {"contact", "account"} & changed.keys():
        account = Contact.objects.filter(pk=opportunity.contact_id).values_list("account_id", flat=True).first()
        if account is not None and account != opportunity.account_id:
            errors["contact"] = [_("This contact belongs to another account.")]
    if opportunity.amount is not None and opportunity.amount < 0:
        errors["amount"] = [_("An amount is not less than zero.")]
    if new or "lines" in rows or {"amount", "currency"} & changed.keys():
        opportunity.rate = rate_for(opportunity.currency, structures.today())
    if new or {"stage", "pipeline"} & changed.keys():
        opportunity.stage_since = clock.now()
    if errors:
        raise RuleError(errors)


def count(opportunity: Opportunity, rows: dict[str, list]) -> None:
    """The ``totals`` hook: with lines the amount is their net; the weight follows. What has ended keeps its amounts."""
    if opportunity.status != "open":
        return
    lines = rows.get("lines")
    if lines:
        value_lines(opportunity, lines)
        opportunity.amount = sum((row.net for row in lines), ZERO)
    if opportunity.amount is not None:
        opportunity.amount = round_money(opportunity.amount, opportunity.currency)
    base = (opportunity.amount or ZERO) * opportunity.rate
    if max(abs(opportunity.amount or ZERO), abs(base)) >= LIMIT:
        raise RuleError({"lines" if lines else "amount": [_("This amount is too large.")]})
    opportunity.base_amount = round_money(base, context.company().currency)
    weigh(opportunity)


def weigh(opportunity: Opportunity) -> None:
    """What is to be expected of it: its amount times its own probability, or that of its stage, rounded once."""
    opportunity.weighted = round_money(opportunity.base_amount * likelihood(opportunity), context.company().currency)


def likelihood(opportunity: Opportunity) -> Decimal:
    """How likely it is won. Cost: one query where its stage was not read."""
    if opportunity.probability is not None:
        return opportunity.probability
    return opportunity.stage.probability if opportunity.stage is not None else ZERO


# Acts


def move(actor: Actor, opportunity: Opportunity, data: dict) -> None:
    """To another stage of its pipeline. To where it stands already: nothing happens."""
    stage = in_bulk(Stage, [data["stage"]]).get(data["stage"])
    if stage is None or stage.pipeline_id != opportunity.pipeline_id:
        raise RuleError({"stage": [_("This stage belongs to another pipeline.")]})
    if stage.pk != opportunity.stage_id:
        opportunity.stage, opportunity.stage_since = stage, clock.now()


def end(actor: Actor, opportunity: Opportunity, data: dict) -> None:
    """Won or lost, on this day."""
    opportunity.ended_on = data.get("date") or structures.today()
    opportunity.reason = data.get("reason") or ""


def reopen(actor: Actor, opportunity: Opportunity, data: dict) -> None:
    """Open again, as if it had not ended. Its facts go back to the pipeline."""
    sql.lock_shared(context.company().id, "stages")
    opportunity.ended_on, opportunity.reason = None, ""


# Ageing, what comes next


def days_open(opportunity: Opportunity) -> int | None:
    """Days from its opening to its end, or to today."""
    return max(0, ((opportunity.ended_on or _today(opportunity)) - opportunity.opened_on).days) if opportunity.opened_on else None


def days_in_stage(opportunity: Opportunity) -> int | None:
    """Days an open opportunity stands where it is."""
    if opportunity.stage_since is None or opportunity.status != "open":
        return None
    return max(0, (_today(opportunity) - opportunity.stage_since.astimezone(context.company().zone).date()).days)


def _today(opportunity: Opportunity) -> date:
    """The day it was when what comes next was looked up, for all of a list; else today."""
    return opportunity.__dict__.get("_day") or structures.today()


def _open_first(activities: QuerySet, ids: list[str] | str) -> QuerySet:
    """Of these activities the earliest open one about each of the opportunities."""
    mine = activities.filter(about_type="opportunities", about_id__among=ids, done=False, archived_at=None, due_at__isnull=False)
    return mine.order_by("about_id", "due_at", "pk").distinct("about_id").values_list("about_id", "pk", "due_at")


OPEN_FIRST = Prepared(lambda ids: _open_first(Activity.objects.all(), ids), "the ids")  # where the reader sees every activity


def looks_ahead(actor: Actor, ids: Iterable[UUID]) -> list[Asked]:
    """The ``gathers`` hook."""
    return [(OPEN_FIRST, (listed(ids),))] if access.sees_all(actor, registry.types["activities"]) else []


def look_ahead(actor: Actor, opportunities: list[Opportunity]) -> None:
    """The ``gather`` hook: the earliest open activity about each that the reader sees. Cost: one query for all."""
    activities = registry.types["activities"]
    found: dict[UUID, tuple[UUID, datetime]] = {}
    if opportunities and access.allows(actor, activities, "view"):
        ids = listed(o.pk for o in opportunities)
        rows = OPEN_FIRST.rows(ids) if access.sees_all(actor, activities) else _open_first(access.rows(actor, activities), ids)
        found = {about: (pk, due) for about, pk, due in rows}
    today = structures.today()
    for opportunity in opportunities:
        opportunity.__dict__["_next"], opportunity.__dict__["_day"] = found.get(opportunity.pk), today


def next_activity(opportunity: Opportunity) -> UUID | None:
    following = opportunity.__dict__.get("_next")
    return following[0] if following else None


def next_due(opportunity: Opportunity) -> Any:
    following = opportunity.__dict__.get("_next")
    return following[1] if following else None


def remains(opportunity: Opportunity) -> list[tuple[str, str]]:
    """What may still come of it."""
    if opportunity.status != "open" or opportunity.amount is None:
        return []
    return [(pgettext("amount", "Open"), KINDS["money"].text(None, opportunity.amount, opportunity.currency))]


# Facts


def facts(opportunities: list[Opportunity]) -> dict[UUID, list[Statement]]:
    """What is open and expected on its close date, what was won or lost on the day it ended. Cost: none."""
    return {o.pk: list(_statements(o)) for o in opportunities}


def _statements(opportunity: Opportunity):
    who = {"person": opportunity.owner_id, "unit": opportunity.unit_id, "account": opportunity.account_id}
    if opportunity.status == "open":
        if opportunity.archived_at is None:  # what nobody pursues is not expected
            expected = opportunity.close_date or _opened(opportunity)
            yield Statement("pipeline", opportunity.base_amount, expected, **who)
            yield Statement("weighted-pipeline", opportunity.weighted, expected, **who)
        return
    on = opportunity.ended_on
    yield Statement(opportunity.status, opportunity.base_amount, on, **who)
    yield Statement(f"{opportunity.status}-count", Decimal(1), on, **who)
    if opportunity.status == "won":
        yield Statement("sales-cycle-days", Decimal(max(0, (on - _opened(opportunity)).days)), on, **who)


def _opened(opportunity: Opportunity) -> date:
    return opportunity.opened_on or opportunity.created_at.astimezone(context.company().zone).date()
