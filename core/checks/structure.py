"""Verified of the ground: the schema that is entered and its guards, trees with their closures, and the states of jobs."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import context, jobs, registry, sql
from core.doctor import Check, Difference, differs, register, text
from core.models import Job, Node
from core.structures import END, link_of

LATE = timedelta(hours=1)


def schema_is_own() -> Iterator[Difference]:
    """Cost: two queries."""
    bound, entered = context.company(), sql.entered_schema()
    if entered != bound.schema:
        yield Difference(bound.name, _("Schema"), bound.schema, entered)
    for table, trigger in sql.silent_triggers():
        yield Difference(table, trigger, _("on"), _("off"))


def trees_are_closed() -> Iterator[Difference]:
    """Cost: two queries for each tree. Holds one tree in memory."""
    for object_type in registry.every():
        if issubclass(object_type.model, Node):
            yield from _tree(object_type.model)


def _tree(model: type[Node]) -> Iterator[Difference]:
    nodes = {node.pk: node for node in model.objects.only("pk", "name", "parent_id")}
    links = link_of(model)
    stored: dict[Any, dict[Any, int]] = defaultdict(dict)
    spans: dict[tuple, list] = defaultdict(list)
    for ancestor, descendant, depth, since, until in links.objects.values_list("ancestor", "descendant", "depth", "valid_from", "valid_to"):
        spans[ancestor, descendant].append((since, until))
        if until == END:
            stored[descendant][ancestor] = depth
    for node in nodes.values():
        above, at = {}, node
        while at is not None and at.pk not in above:
            above[at.pk] = len(above)
            at = nodes.get(at.parent_id)
        if at is not None:
            yield differs(node, _("Above it"), _("no circle"), at.name)
        held = stored[node.pk]
        for ancestor in above.keys() | held.keys():
            if above.get(ancestor) != held.get(ancestor):
                yield differs(node, _("Steps below %(name)s") % {"name": nodes[ancestor].name}, above.get(ancestor), held.get(ancestor))
    for (ancestor, descendant), times in spans.items():
        times.sort()
        if any(since >= until for since, until in times) or any(times[i][1] > times[i + 1][0] for i in range(len(times) - 1)):
            told = "; ".join(f"{since}..{until}" for since, until in times)
            yield differs(nodes[descendant], _("Time below %(name)s") % {"name": nodes[ancestor].name}, _("no overlap"), told)


def jobs_go_their_way() -> Iterator[Difference]:
    """Cost: one query."""
    late = timezone.now() - LATE
    wrong = (
        Q(state="running") & (Q(lease_until=None) | Q(lease_until__lt=late)) | Q(state="done", finished_at=None)
        | Q(state__in=("waiting", "running"), finished_at__isnull=False) | Q(attempts__gt=jobs.ATTEMPTS + 1) | Q(done__gt=F("total"), total__gt=0)
        | ~Q(state__in=("waiting", "running", "done", "failed"))
    )  # fmt: skip
    for job in Job.objects.filter(wrong).order_by("pk")[:1000]:
        told = f"{job.state}, {job.attempts}, {text(job.lease_until)}, {text(job.finished_at)}, {job.done}/{job.total}"
        yield Difference(f"{job.kind} {job.pk}", _("State, attempts, lease, end, progress"), _("a state that can be"), told)


register(
    Check("schema", gettext_lazy("The company's own schema is entered, and every guard of its tables is on."), schema_is_own),
    Check("trees", gettext_lazy("Every tree's closure is what its parents say, without circles, and no two spans of one link overlap."), trees_are_closed),
    Check("jobs", gettext_lazy("No job is held by a worker that is gone, tried too often, or both done and not done."), jobs_go_their_way),
)
