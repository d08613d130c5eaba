"""Told without looking: figures that cross a threshold, and dashboards sent by e-mail; for each reader in his own sight.

Looked at once an hour, and minutes after facts were added. A crossing is told once: what side a figure was on for whom, its watch remembers.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import access, context, door, facts, figures, jobs, kpi, registry, sharing, steering, write
from core.access import Actor
from core.errors import OdosError
from core.labels import in_language
from core.mail import INTERFACE
from core.models import Dashboard, Notice, User, Watch
from core.models.record import permit
from core.registry import ObjectType
from core.tasks import CompanyTask

DUE = {"due_at", "done", "owner"}  # fields by which a type's records fall due, see the overview
ROWS = 10  # of a table in a mail
BEYOND, WITHIN = "beyond", "within"
SOON = 300  # seconds


@shared_task(base=CompanyTask, name="odos.hourly", ignore_result=True)
def hourly(company_id: str) -> None:
    """What every company does once an hour: look at its watches, promise the mails of its dashboards."""
    door.writing(look)
    door.writing(promise_mails)


# Watches ------------------------------------------------------------------------------------------------------------


@shared_task(base=CompanyTask, name="odos.look", ignore_result=True)
def look_soon(company_id: str) -> None:
    """Look at the company's watches, since its figures moved. Lost, it is done within the hour."""
    door.writing(look)


_awaited: dict[UUID, float] = {}  # company -> when its watches are looked at next, as far as this process knows


def figures_moved(company_id: UUID) -> None:
    """Let the watches be looked at in some minutes, once however often figures move until then. Cost: none, after the first time."""
    now = time.time()
    if _awaited.get(company_id, now) > now:
        return
    at = now + SOON
    if cache.add("watches-soon", at, SOON):
        look_soon.apply_async([str(company_id)], countdown=SOON, expires=2 * SOON, retry=False)
    else:
        at = cache.get("watches-soon", now)
    _awaited[company_id] = at


facts.when_moved(figures_moved)


def look() -> int:
    """Look at every watch for each of its readers; returns how many were told. Cost: some five queries a reader of a watch."""
    told = 0
    for watch in Watch.objects.filter(active=True, archived_at=None).order_by("pk").select_for_update():
        states = dict(watch.states)
        for user in User.objects.filter(pk__in=watch.users, archived_at=None).order_by("pk"):
            side, answer = _side(watch, access.actor_for(user))
            if side and side != states.get(str(user.pk)):
                states[str(user.pk)] = side
                if side == BEYOND:
                    _tell(watch, user, answer)
                    told += 1
        with permit():
            Watch.objects.filter(pk=watch.pk).update(states={k: v for k, v in states.items() if k in watch.users}, looked_at=timezone.now())
    return told


def _side(watch: Watch, actor: Actor) -> tuple[str, kpi.Answer | None]:
    """On which side of its threshold the figure is for this reader; nothing where it cannot be told."""
    try:
        wanted = kpi.definition(watch.kpi)
        if not kpi.may(actor, wanted):
            return "", None
        answer = kpi.value(actor, wanted, kpi.Question(steering.period_of(watch.period), filter=watch.filter), compared=False)
    except OdosError:
        return "", None
    if answer.value is None:
        return "", None
    crossed = answer.value < watch.value if watch.op == "lt" else answer.value > watch.value
    return (BEYOND if crossed else WITHIN), answer


def _tell(watch: Watch, user: User, answer: kpi.Answer) -> None:
    with speaking(user):
        below, above = _("%(watch)s: %(figure)s is %(value)s, below %(threshold)s."), _("%(watch)s: %(figure)s is %(value)s, above %(threshold)s.")
        definition, sentence = answer.definition, below if watch.op == "lt" else above
        text = sentence % {
            "watch": watch.name, "figure": definition.name, "value": figures.full(definition, answer.value), "threshold": figures.full(definition, watch.value),
        }  # fmt: skip
        url = figures.page_of(answer)
        if watch.makes != "task" or not _make_task(user, text):
            notify(user, text, url)


def notify(user: User, text: str, url: str = "") -> None:
    """Tell one person something. Cost: one statement."""
    with permit():
        Notice.objects.bulk_create([Notice(user=user, text=text[:500], url=url if len(url) <= 500 else "", at=timezone.now())])


def _make_task(user: User, text: str) -> bool:
    """A record that falls due today, of the first type whose records do; whether there is such a type. The floors above declare it."""
    object_type = next((t for t in registry.every() if t.fields.keys() >= DUE and t.writable), None)
    if object_type is None:
        return False
    due = datetime.now(context.company().zone).replace(hour=17, minute=0, second=0, microsecond=0)
    data = {object_type.title: text[:300], "owner": str(user.pk), "due_at": due.isoformat(), **_choices(object_type)}
    write.create(access.system("watch"), object_type, data)
    return True


def _choices(object_type: ObjectType) -> dict[str, str]:
    """What a task of this type needs besides: of each required choice "task" where there is one, else the first."""
    found = {}
    for f in object_type.fields.values():
        if f.kind == "choice" and f.required and not f.readonly:
            keys = list(f.choices())
            found[f.name] = "task" if "task" in keys else keys[0]
    return found


def speaking(user: User) -> Any:
    """The language of this person, while something is written for him."""
    return translation.override(INTERFACE.get(user.language) or INTERFACE.get(context.company().language, "en"))


# Dashboards by e-mail ---------------------------------------------------------------------------------------------------


def promise_mails() -> int:
    """Promise the mails of the dashboards that are due now; returns how many. Nothing leaves a company whose address nobody has verified."""
    if not context.company().verified:
        return 0
    now, promised = datetime.now(context.company().zone), 0
    rows = Dashboard.objects.filter(archived_at=None).exclude(schedule=None).order_by("pk").select_for_update()
    for row in rows:
        if row.sent_on == now.date() or not is_due(row.schedule, now):
            continue
        with permit():
            Dashboard.objects.filter(pk=row.pk).update(sent_on=now.date())
        for ident in row.schedule["to"]:
            jobs.promise("mail-dashboard", {"dashboard": str(row.pk), "user": ident, "origin": sharing.origin()}, access.system("dashboard"))
            promised += 1
    return promised


def is_due(schedule: dict[str, Any], now: datetime) -> bool:
    """Whether a dashboard is to be sent on this day, and its hour has come."""
    days = {"day": True, "week": now.weekday() == 0, "month": now.day == 1}
    return days.get(schedule["every"], False) and now.hour >= schedule["hour"]


@jobs.does("mail-dashboard")
def mail_dashboard(actor: Actor, payload: dict[str, Any], progress) -> None:
    """Send one reader the dashboard in his own sight; nothing where he sees none of it any more, or it is gone."""
    row = Dashboard.objects.filter(pk=payload["dashboard"], archived_at=None).first()
    user = User.objects.filter(pk=payload["user"], archived_at=None).first()
    if row is None or user is None:
        return
    reader = access.actor_for(user)
    if not access.rows(reader, registry.types["dashboards"]).filter(pk=row.pk).exists():
        return
    with speaking(user):
        told = contents(reader, row, payload["origin"])
        if not told["tiles"]:
            return
        shipped = registry.dashboards.get(row.key)
        name = str(in_language(row.name, row.labels)) or (str(shipped.label) if shipped else _("Dashboard"))
        subject = _("%(name)s of %(company)s, %(day)s") % {"name": name, "company": context.company().name, "day": told["day"]}
        values = told | {"name": name, "company": context.company().name, "url": f"{payload['origin']}/?board={row.pk}", "reader": user.name}
        mail = EmailMultiAlternatives(" ".join(subject.split()), render_to_string("mail/dashboard.txt", values), to=[user.email])
        mail.attach_alternative(render_to_string("mail/dashboard.html", values), "text/html")
    mail.send()


def contents(reader: Actor, row: Dashboard, origin: str) -> dict[str, Any]:
    """The tiles of a dashboard as a mail tells them: each number with its address, and the largest groups of what is split."""
    known = {d.key: d for d in kpi.every_definition() if kpi.may(reader, d)}
    tiles = []
    for words in row.tiles:
        wanted = known.get(words.get("kpi"))
        if wanted is None:
            continue
        try:
            by = [k for k in (words.get("group_by") or "").split(",") if k][:1]
            answer = kpi.value(reader, wanted, kpi.Question(steering.period_of(words.get("period") or "this-month"), tuple(by), most=ROWS))
        except OdosError:
            continue
        number = figures.shown(answer)
        tiles.append({
            "title": words.get("title") or wanted.name, "period": figures.period_label(answer.period), "value": number.full,
            "url": f"{origin}{figures.page_of(answer)}", "tone": number.tone,
            "then": [(one.label, one.number.full, one.change) for one in figures.compare(answer)],
            "rows": [(r.label, r.number.full, origin + r.number.url if r.number.url else "") for r in figures.rows(answer, _of_interest(wanted, answer, by))],
            "hidden": figures.hidden(answer.hidden),
        })  # fmt: skip
    return {"tiles": tiles, "day": figures.day(datetime.now(context.company().zone).date())}


def _of_interest(wanted: kpi.Definition, answer: Any, by: list[str]) -> list[Any]:
    """The groups a mail has room for: of months and the like the newest, of all else the largest, which come first."""
    dimension = wanted.dimension(by[0]) if by else None
    return answer.groups[-ROWS:] if dimension is not None and dimension.period else answer.groups[:ROWS]


def forget_old(actor: Actor) -> int:
    """Throw away what people were told more than half a year ago."""
    with permit():
        return Notice.objects.filter(at__lt=timezone.now() - timedelta(days=183)).delete()[0]


registry.daily.append(forget_old)
