"""A query that was put into words for other values finds what the query itself finds."""

from datetime import date
from uuid import UUID, uuid4

from core import access, door, edition, listings, query, registry, structures, worded
from core.models import Fact, OrgUnit, User
from core.prepared import Prepared
from tests import factories


def test_the_words_take_other_values(company, alice, bob):
    actor = access.actor_for(alice)
    units = [factories.make("org-units", actor).pk for _n in range(3)]
    made = []

    def by_unit(ident, name):
        made.append(ident)
        return OrgUnit.objects.filter(pk=ident).exclude(name=name).values_list("pk", "name")

    def found() -> list:
        return [worded.rows(access.actor_for(alice), "by unit", by_unit, ident, "nothing") for ident in units]

    for _time in range(2):
        assert [row[0] for rows in door.reading(found) for row in rows] == units
    assert len(made) == 1 and made[0] not in units
    door.reading(lambda: worded.rows(access.actor_for(bob), "by unit", by_unit, units[0], "nothing"))
    assert len(made) == 2, "another reader has words of his own"
    assert [r.pk for r in door.reading(lambda: worded.records(access.actor_for(alice), "whole", lambda i: User.objects.filter(pk=i), alice.pk))] == [alice.pk]


def test_days_are_told_apart_by_their_order(company, alice):
    early, late, made = date(2026, 1, 1), date(2026, 2, 1), []

    def first(one, other):
        made.append((one, other))
        return Fact.objects.filter(business_date__gte=min(one, other), business_date__lte=max(one, other)).values_list("pk")

    for days in ((early, late), (late, early), (late, date(2026, 3, 1))):
        own = [list(row) for row in first(*days)]
        assert door.reading(lambda days=days: worded.rows(access.actor_for(alice), "first", first, *days)) == own
    assert len(made) == 3 + 2


def test_what_is_bent_on_its_way_or_of_this_moment_is_put_into_words_each_time(company, alice):
    actor, made = access.actor_for(alice), []

    def as_json(text):
        made.append(text)
        return User.objects.filter(custom__contains={"own": [text]}).values_list("pk")

    for text in ("a", "b"):
        assert door.reading(lambda text=text: worded.rows(actor, "as json", as_json, text)) == []
    assert made[-1] == "b" and "a" in made
    ident = uuid4()
    assert door.reading(lambda: worded.rows(actor, None, lambda i: User.objects.filter(pk=i).values_list("pk"), ident)) == []


def test_another_day_begins_anew(company, alice):
    made = []

    def on(day):
        return door.reading(lambda: edition.keep_today("test", day, lambda: made.append(day)))

    today = structures.today()
    for day in (today, today, date(2020, 1, 1), today):
        on(day)
    assert made == [today, date(2020, 1, 1), today]


def test_what_can_never_be_found_is_found_by_nobody(company, alice):
    nothing = Prepared(lambda ident: User.objects.filter(pk=ident, pk__in=[]), UUID(int=0))
    assert nothing.rows(alice.pk) == nothing.records(alice.pk) == []


def test_lists_that_name_other_ids_are_worded_once(company, alice, monkeypatch):
    """Ids of a list come as texts and are read anew on their way into the query."""
    actor, made = access.actor_for(alice), []
    account, other = (factories.make("accounts", actor).pk for _n in range(2))
    mine = [factories.make("contacts", actor, account=str(one)).pk for one in (account, other)]
    matching = query.matching
    monkeypatch.setattr(query, "matching", lambda *given, **more: made.append(given) or matching(*given, **more))

    def listed(ident):
        wanted = listings.listing([("account", str(ident)), ("count", "exact"), ("limit", "1")])
        return [r.pk for r in query.page(access.actor_for(alice), registry.get("contacts"), wanted).records]

    assert [door.reading(lambda one=one: listed(one)) for one in (account, other)] == [[pk] for pk in mine]
    held = len(made)
    assert door.reading(lambda: listed(account)) == mine[:1] and len(made) == held, "nothing is put into words again"


def test_lists_that_search_for_other_words_are_worded_once(company, alice, monkeypatch):
    """Also where a word holds what LIKE takes for a pattern: such a letter is found as itself alone."""
    actor, made = access.actor_for(alice), []
    names = {name: factories.make("accounts", actor, name=name).pk for name in ("Rate 100% pure", "Rate 1000 pure", "snake_case", "snakeXcase", "back\\slash")}
    matching = query.matching
    monkeypatch.setattr(query, "matching", lambda *given, **more: made.append(given) or matching(*given, **more))

    def listed(q):
        page = query.page(access.actor_for(alice), registry.get("accounts"), listings.listing([("q", q), ("count", "exact")]))
        return {r.pk for r in page.records}, page.count

    def found(*of):
        return {names[name] for name in of}, len(of)

    assert door.reading(lambda: listed("snakeXcase")) == found("snakeXcase")
    worded_for = len(made)
    assert door.reading(lambda: listed("snake_case")) == found("snake_case")
    assert door.reading(lambda: listed("100%")) == found("Rate 100% pure")
    assert door.reading(lambda: listed("back\\slash")) == found("back\\slash")
    assert door.reading(lambda: listed("nowhere")) == found()
    assert len(made) == worded_for, "one word was put into words once"
    assert door.reading(lambda: listed("pure rate")) == found("Rate 100% pure", "Rate 1000 pure")
    assert door.reading(lambda: listed("pure pure")) == found("Rate 100% pure", "Rate 1000 pure")
    assert door.reading(lambda: listed("1000 ra")) == found("Rate 1000 pure")
