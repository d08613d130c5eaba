"""What crm verifies in every company, and whom it tells of a night that found something: the owners get a task."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import access, context, doctor, write
from core.checks.ledgers import restated
from core.doctor import Check, Difference, Report, chunks, compare, differs, label_of, register
from core.models import User
from core.money import minor_unit
from core.registry import get
from crm.models import Activity, Opportunity, OpportunityLine, Quote

ZERO = Decimal(0)


def opportunities_are_worth_their_lines() -> Iterator[Difference]:
    """With lines the amount is their net; base amount and weight are worked out from it. Cost: three queries for every 500."""
    base = context.company().currency
    for opportunities in chunks(Opportunity.objects.all()):
        nets: dict[Any, Decimal] = defaultdict(Decimal)
        for row in OpportunityLine.objects.filter(opportunity__in=[o.pk for o in opportunities]).select_related("opportunity"):
            net = (row.quantity * row.unit_price * (1 - row.discount)).quantize(minor_unit(row.opportunity.currency), ROUND_HALF_UP)
            yield from compare(row.opportunity, [(label_of(OpportunityLine, "net"), net, row.net)], row)
            nets[row.opportunity_id] += row.net
        likely = dict(Opportunity.objects.filter(pk__in=[o.pk for o in opportunities], stage__isnull=False).values_list("pk", "stage__probability"))
        for one in opportunities:
            worth = ((one.amount or ZERO) * one.rate).quantize(minor_unit(base), ROUND_HALF_UP)
            if one.pk in nets:
                yield from compare(one, [(label_of(Opportunity, "amount"), nets[one.pk], one.amount)])
            yield from compare(one, [(label_of(Opportunity, "base_amount"), worth, one.base_amount)])
            if one.status == "open":
                probability = likely.get(one.pk, ZERO) if one.probability is None else one.probability
                weighted = (one.base_amount * probability).quantize(minor_unit(base), ROUND_HALF_UP)
                yield from compare(one, [(label_of(Opportunity, "weighted"), weighted, one.weighted)])


def one_version_of_a_quote_counts() -> Iterator[Difference]:
    """Of the versions that were sent, the newest supersedes the others. Cost: one query for every 500 quotes."""
    sent = Quote.objects.exclude(status="draft").filter(is_superseded=False, origin__isnull=False)
    for quotes in chunks(sent):
        older = Quote.objects.filter(origin__in=[q.origin_id for q in quotes], is_superseded=False).exclude(status="draft")
        newest: dict[Any, int] = {q.origin_id: q.revision for q in sorted(quotes, key=lambda q: q.revision)}
        for one in [*older, *Quote.objects.filter(pk__in=[q.origin_id for q in quotes], is_superseded=False)]:
            if one.revision < newest.get(one.origin_id or one.pk, one.revision):
                yield differs(one, label_of(Quote, "is_superseded"), True, False)


def tell_owners(report: Report) -> None:
    """A task for each owner, unless the one of an earlier night is still open. Cost: a query, and a dozen statements an owner."""
    subject = ngettext("Verification found %(n)d difference", "Verification found %(n)d differences", report.differences) % {"n": report.differences}
    body = "\n".join(f"{doctor.checks[r.name].sentence} ({r.differences})" for r in report.results if r.differences or r.error)
    told = set(Activity.objects.filter(about_type="", kind="task", done=False, subject__startswith=_("Verification found")).values_list("owner", flat=True))
    for owner in User.objects.filter(roles__key="owner", archived_at=None).distinct():
        if owner.pk not in told:
            stated = {"kind": "task", "subject": subject, "body": body[:20_000], "owner": str(owner.pk), "due_at": timezone.now().isoformat()}
            write.create(access.system("doctor"), get("activities"), stated)


restated["opportunities"] = frozenset({"weighted"})  # follows what its stage says
doctor.alarms.append(tell_owners)
register(
    Check("opportunities", gettext_lazy("Every opportunity is worth its lines, at its rate and its probability."), opportunities_are_worth_their_lines),
    Check("quote-versions", gettext_lazy("Of the versions of a quote that were sent, the newest alone counts."), one_version_of_a_quote_counts),
)
