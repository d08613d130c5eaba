"""The control of the filter language says what its filter says: whatever is shown in it reads back as it was."""

import html
import re

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from core import access, door, registry, write
from core.views import conditions

NODES = [
    ["name", "contains", "Ltd"],
    ["country", "in", ["DE", "US"]],
    ["roles", "eq", "customer"],
    ["payment_days", "gte", 30],
    ["created_at", "empty", False],
    {"all": [["name", "eq", "A, B"], ["country", "eq", "DE"]]},
    {"any": [["name", "starts", "x"], {"all": [["phone", "empty", True], ["parent.country", "ne", "DE"]]}]},
]


def sent_of(text):
    """What a browser sends of the controls in this markup."""
    sent = QueryDict(mutable=True)
    for match in re.finditer(r"<(input|select)\b([^>]*)>(.*?)(?=<input|<select|<button|$)", text, re.S):
        tag, attributes, rest = match.groups()
        name = re.search(r'name="([^"]*)"', attributes)[1]
        if tag == "input":
            value = re.search(r'value="([^"]*)"', attributes)
            sent.appendlist(name, html.unescape(value[1] if value else ""))
            continue
        options = re.findall(r'<option value="([^"]*)"( selected)?', rest)
        chosen = [value for value, mark in options if mark] or ([] if "multiple" in attributes else [options[0][0]])
        for value in chosen:
            sent.appendlist(name, html.unescape(value))
    return sent


@pytest.fixture
def shown(company, alice, client_for):
    """Markup of the control after a button of it was pressed."""
    client = client_for(alice)

    def ask(sent, slug="accounts"):
        answer = client.post(f"/conditions/{slug}/?name=when", sent)
        assert answer.status_code == 200
        return answer.content.decode()

    return ask


def markup(node, user):
    def work():
        actor = access.actor_for(user)
        made = conditions.control(actor, registry.get("accounts"), node, "when")
        return render_to_string("parts/condition.html", {"condition": made})

    return door.reading(work)


@pytest.mark.parametrize("node", NODES, ids=str)
def test_what_is_shown_reads_back_as_it_was(company, alice, node):
    sent = sent_of(markup(node, alice))
    assert door.reading(lambda: conditions.read(access.actor_for(alice), registry.get("accounts"), sent, "when")) == node


def test_buttons_add_and_remove(shown):
    text = shown({"when.join": "all", "when.do": "add:"})
    assert 'name="when.0.field"' in text
    text = shown({"when.join": "all", "when.0.field": "country", "when.do": "group:"})
    assert 'name="when.0.value"' in text, "the field that was chosen has its operator and the control of its kind"
    assert 'name="when.1.0.field"' in text
    text = shown({"when.join": "all", "when.0.field": "country", "when.1.join": "any", "when.1.0.field": "name", "when.do": "remove:1.0"})
    assert 'name="when.1.join"' in text
    assert 'name="when.1.0.field"' not in text
    text = shown({"when.join": "any", "when.0.field": "country", "when.1.field": "name", "when.do": "remove:0"})
    assert 'name="when.1.field"' not in text


def test_only_what_is_seen_is_offered(company, alice, bob, client_for):
    assert client_for(bob).post("/conditions/custom-fields/?name=when", {"when.do": "add:"}).status_code == 404
    assert client_for(alice).post("/conditions/nothing/?name=when", {}).status_code == 404


def test_a_reference_is_chosen_by_name(company, alice, shown):
    made = door.writing(lambda: write.create(access.actor_for(alice), registry.get("accounts"), {"name": "Parent Ltd"}))
    text = shown({"when.join": "all", "when.0.field": "parent"})
    assert "Parent Ltd" in text
    sent = QueryDict(f"when.join=all&when.0.field=parent&when.0.op=eq&when.0.value={made.pk}")
    assert door.reading(lambda: conditions.read(access.actor_for(alice), registry.get("accounts"), sent, "when")) == ["parent", "eq", str(made.pk)]
