"""A column of a board goes on where it is read to its end: each card once, in the list's order, whoever moves cards meanwhile."""

import re
from datetime import date, timedelta
from html import unescape
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, door, registry, write
from core.views import boards
from crm.models import Opportunity, Pipeline
from tests import factories

PART = {"HX-Request": "true"}
MANY = 2 * boards.MOST + 5


@pytest.fixture
def stages(company, alice):
    """A pipeline of two stages."""
    rows = [{"name": "Heard of", "probability": "0.1"}, {"name": "Talked", "probability": "0.4"}]
    return list(factories.make("pipelines", access.actor_for(alice), name="Long", stages=rows).stages.order_by("position"))


@pytest.fixture
def deals(alice, stages):
    """As many deals as make two pages and a bit in the first stage, by their ids, in order: many share their day, the last ones have none."""
    actor, made = access.actor_for(alice), []
    for n in range(MANY):
        day = str(date(2026, 3, 1) + timedelta(n // 10)) if n < MANY - 8 else None
        said = {"name": f"Deal {n}", "pipeline": str(stages[0].pipeline_id), "stage": str(stages[0].pk), "close_date": day}
        made.append(factories.make("opportunities", actor, **said))
    return [str(d.pk) for d in sorted(made, key=lambda d: (d.close_date or date.max, d.pk))]


def change(user, ident, **data):
    version = Opportunity.objects.get(pk=ident).version
    door.writing(lambda: write.change(access.actor_for(user), registry.get("opportunities"), UUID(ident), data, version))


def address(stages, more=""):
    return f"/opportunities/?view=board&pipeline={stages[0].pipeline_id}{more}"


def column(page, value):
    return re.search(rf'<ul class="board-cards" data-column="{value}">(.*?)</ul>', page, re.S)[1]


def cards(part):
    return re.findall(r'data-card="([^"]*)"', part)


def rest(part):
    """Where a part says that its column goes on; nothing at its end."""
    found = re.search(r'class="board-more"><a href="[^"]*" hx-get="([^"]*)"', part)
    return unescape(found[1]) if found else ""


def text_of(client, where):
    response = client.get(where, headers=PART)
    assert response.status_code == 200
    return response.content.decode()


def test_a_column_goes_on_to_its_end_in_order(alice, client_for, stages, deals):
    client = client_for(alice)
    page = client.get(address(stages)).content.decode()
    part, found = column(page, stages[0].pk), []
    assert len(cards(part)) == boards.MOST and f'<span class="count">{MANY}</span>' in page
    assert not rest(column(page, stages[1].pk))
    while part:
        found += cards(part)
        part = text_of(client, rest(part)) if rest(part) else ""
        assert "<html" not in part and "data-board" not in part
    assert found == deals


def test_without_a_script_the_end_of_a_column_leads_to_its_list(alice, client_for, stages, deals):
    client = client_for(alice)
    part = column(client.get(address(stages)).content.decode(), stages[0].pk)
    listed = unescape(re.search(r'class="board-more"><a href="([^"]*)"', part)[1])
    assert f"{MANY} records" in re.sub(r"\s+|<[^>]*>", " ", client.get(listed).content.decode()).replace("  ", " ")
    assert listed in unescape(text_of(client, rest(part)))  # and so does that of the next cards
    whole = client.get(rest(part)).content.decode()  # opened by itself, it is the board
    assert "data-board" in whole and len(cards(column(whole, stages[0].pk))) == boards.MOST and rest(column(whole, stages[0].pk)) == rest(part)


def test_no_card_stands_twice_in_a_column_that_changes_while_it_is_read(alice, client_for, stages, deals):
    client = client_for(alice)
    part = column(client.get(address(stages)).content.decode(), stages[0].pk)
    change(alice, deals[3], stage=str(stages[1].pk))  # somebody takes one away above, one below, and puts one on top
    change(alice, deals[boards.MOST + 2], stage=str(stages[1].pk))
    change(alice, deals[boards.MOST + 4], close_date="2026-01-01")
    found = cards(part)
    while rest(part):
        part = text_of(client, rest(part))
        found += cards(part)
    gone = {deals[boards.MOST + 2], deals[boards.MOST + 4]}
    assert found == [ident for ident in deals if ident not in gone]


def test_more_cards_move_as_the_first_do_and_stay_shown(alice, client_for, stages, deals):
    client = client_for(alice)
    part = text_of(client, rest(column(client.get(address(stages)).content.decode(), stages[0].pk)))
    assert part.count("data-moves") == part.count("data-move ") == boards.MOST and boards.COLUMN not in re.sub(r'hx-get="[^"]*"', "", part)
    sent = {"id": deals[boards.MOST + 1], "version": "1", "value": str(stages[1].pk), boards.SHOWN: str(2 * boards.MOST)}
    page = client.post(address(stages), sent, headers=PART).content.decode()
    moved = [ident for ident in deals if ident != sent["id"]]
    assert cards(column(page, stages[1].pk)) == [sent["id"]]
    assert cards(column(page, stages[0].pk)) == moved[: 2 * boards.MOST]
    assert text_of(client, rest(column(page, stages[0].pk))).count("data-card") == len(moved) - 2 * boards.MOST
    for said, shown in ((" 7", boards.MOST), ("-1", boards.MOST), ("99999999", boards.MOST), ("21", 2 * boards.MOST), ("9999", len(moved))):
        again = client.post(address(stages), {**sent, "version": "1", boards.SHOWN: said}, headers=PART).content.decode()
        assert len(cards(column(again, stages[0].pk))) == shown


def test_cards_without_a_value_go_on_too(alice, client_for, stages, deals):
    field = {"type": "opportunities", "key": "tint", "kind": "choice", "label": "Tint", "options": [{"key": "red", "label": "Red"}]}
    factories.make("custom-fields", access.actor_for(alice), **field)
    client = client_for(alice)
    part, found = column(client.get(address(stages, "&by-field=tint")).content.decode(), boards.EMPTY), []
    while part:
        found += cards(part)
        part = text_of(client, rest(part)) if rest(part) else ""
    assert found == deals


WRONG = ["&in-column=x&cursor=x", "&in-column=&cursor=", "&in-column={stage}&cursor=x", "&in-column=none&cursor=W10", "&by-field=x&in-column=x"]


@pytest.mark.parametrize("words", WRONG)
def test_what_no_column_is_called_is_refused(words, alice, client_for, stages):
    response = client_for(alice).get(address(stages, words.format(stage=stages[0].pk)), headers=PART)
    assert response.status_code in (200, 400, 404, 422) and "data-card" not in response.content.decode()


def test_more_of_a_column_holds_what_its_reader_may_see(alice, bob, client_for, stages, deals):
    where = rest(column(client_for(alice).get(address(stages)).content.decode(), stages[0].pk))
    response = client_for(bob).get(where, headers=PART)
    assert "data-card" not in response.content.decode()


def test_columns_are_read_once_until_one_is_renamed(alice, client_for, stages, deals):
    client, pipelines = client_for(alice), registry.get("pipelines")
    client.get(address(stages))
    with CaptureQueriesContext(connection) as asked:
        before = client.get(address(stages)).content.decode()
    assert not [q["sql"] for q in asked if 'FROM "crm_stage"' in q["sql"] or 'FROM "crm_pipeline"' in q["sql"]] and ">Heard of <" in before
    pipeline = Pipeline.objects.get(pk=stages[0].pipeline_id)
    rows = [{"id": str(s.pk), "name": name, "probability": "0.3"} for s, name in zip(stages, ("Knocked", "Opened"), strict=True)]
    door.writing(lambda: write.change(access.actor_for(alice), pipelines, pipeline.pk, {"name": "Doors", "stages": rows}, pipeline.version))
    after = client.get(address(stages)).content.decode()
    assert ">Knocked <" in after and ">Heard of <" not in after and ">Doors</a>" in after and "30" in column_head(after, stages[0].pk)


def column_head(page, value):
    return re.search(rf'<h2 id="column-{value}">(.*?)</h2>', page, re.S)[1]
