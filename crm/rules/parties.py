"""What may happen to accounts, contacts and activities."""

from django.utils import timezone
from django.utils.translation import gettext as _

from core import context, sql
from core.access import Actor
from core.errors import RuleError, WrongState
from core.models.record import Record
from crm.models import Account, Activity
from crm.rules import leads

TALKS = ("call", "meeting", "visit", "email")  # what reaches somebody; tasks and notes do when they are done


def check_account(actor: Actor, account: Account, changed: dict, rows: dict) -> None:
    """No account stands above itself. Cost: one query for each level above, when the parent changes."""
    if "parent" not in changed or account.parent_id is None:
        return
    sql.lock(context.company().id, "account parents")  # two moves at once could close a circle together
    above, seen = account.parent_id, set()
    while above is not None and above not in seen:
        if above == account.pk:
            raise RuleError({"parent": [_("An account cannot stand below itself.")]})
        seen.add(above)
        above = Account.objects.filter(pk=above).values_list("parent_id", flat=True).first()


def mark_done(actor: Actor, activity: Record, data: dict) -> None:
    activity.done = True


def reopen(actor: Actor, activity: Record, data: dict) -> None:
    activity.done = False


def demand_open(actor: Actor, activity: Record) -> None:
    if activity.done:
        raise WrongState(_("This activity is done already."))


def demand_done(actor: Actor, activity: Record) -> None:
    if not activity.done:
        raise WrongState(_("This activity is open."))


def answer_lead(actor: Actor, activity: Activity, changed: dict) -> None:
    """The ``after`` of activities: the first thing done about a lead answers it. What is planned for later does not yet."""
    if activity.about_type != "leads" or activity.about_id is None or actor.id is None:
        return
    planned = activity.due_at is not None and activity.due_at > timezone.now()
    if activity.done or (activity.kind in TALKS and not planned):
        leads.respond(activity.about_id)
