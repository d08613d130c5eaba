"""The formula editor: what it says while somebody types, what it proposes, what it never tells; and that its form works without a script."""

import pytest

from core import access, conditions, formulas, registry, write
from core.models import Rule
from tests import people


@pytest.fixture(scope="module")
def scope(company, alice):
    actor = access.actor_for(alice)
    options = [{"key": "open", "label": "Still open"}, {"key": "done", "label": "Done"}]
    people.writing(
        lambda: write.create(actor, registry.get("custom-fields"), {"type": "accounts", "key": "stage", "kind": "choice", "label": "Stage", "options": options})
    )
    people.writing(lambda: write.create(actor, registry.get("accounts"), {"name": "Acme", "payment_days": 30}))
    return formulas.scope(registry.get("accounts"), conditions.EVERYTHING)


def proposed(scope, text):
    return [c.insert for c in formulas.complete(text, len(text), scope)]


def test_fields_functions_and_words_are_proposed_for_what_is_typed(scope):
    assert proposed(scope, "1 + paym") == ["payment_days"]
    assert "ROUND(" in proposed(scope, "rou")
    assert proposed(scope, "TODA") == ["TODAY()"]
    assert "parent.payment_days" in proposed(scope, "parent.paym")
    assert proposed(scope, "parent.parent.parent.parent.na") == []
    assert proposed(scope, "nothing_such.na") == []
    assert "AND " in proposed(scope, "name = 'x' an")
    assert proposed(scope, "name = 'paym") == []
    assert {f.name for f in scope.names()} >= set(proposed(scope, ""))


def test_the_options_of_a_choice_are_proposed_inside_its_text(scope):
    assert proposed(scope, "stage = '") == ["open'", "done'"]
    assert proposed(scope, "parent.stage <> “st") == ["open”"]
    found = formulas.complete("1 + stage = 'do", 15, scope)
    assert [(c.insert, c.start) for c in found] == [("done'", 13)]


def test_what_is_proposed_can_be_read(scope):
    """Each field by itself, and each function with what its signature shows, is no unknown name."""
    for f in scope.names():
        try:
            formulas.made(f.name if f.kind not in ("ref", "user", "choices", "words") else f"ISEMPTY({f.name})", scope)
        except formulas.FormulaError as error:
            assert f.name in ("in", "and"), (f.name, error.sentence)
    said = [each for group in formulas.describe() for each in group["functions"]]
    assert {each["name"] for each in said} >= {"IF", "ROUND", "TODAY", "CONTAINS"}
    assert all(each["help"].endswith(".") for each in said)


def check(client, text, of="rules", slug="accounts", name="condition"):
    return client.post(f"/formulas/check/?name={name}&of={of}", {"type": slug, name: text}).content.decode()


def test_the_editor_says_what_a_formula_gives_and_what_is_wrong_with_it(scope, alice, client_for):
    client = client_for(alice)
    page = check(client, "payment_days > 7")
    assert "This gives yes or no." in page
    assert "Acme" in page
    assert "<dd>Yes</dd>" in page
    page = check(client, "payment_dais > 7")
    assert "Did you mean “payment_days”?" in page
    assert "<mark>payment_dais</mark>" in page
    assert "true or false" in check(client, "payment_days + 1")
    assert "This gives a number." in check(client, "payment_days + 1", of="custom-fields")
    assert "Choose a type first." in check(client, "1", slug="")
    assert "<script>" not in check(client, "'<script>' + 1")
    assert check(client, "9" * 3000).count("at most") == 1


def test_the_editor_tells_nobody_of_fields_he_does_not_see(scope, company, alice, client_for):
    role = people.writing(
        lambda: write.create(
            access.actor_for(alice), registry.get("roles"),
            {"name": "Some", "grants": [{"type": "accounts", "actions": ["view"], "scope": "own", "hidden": ["payment_days"]}]},
        )
    )  # fmt: skip
    user = people.new_user("Narrow", roles=[str(role.pk)])
    client = client_for(user)
    page = check(client, "payment_days > 7")
    assert "There is no field" in page
    assert "Acme" not in check(client, "name = 'x'")
    assert "payment_days" not in client.post("/formulas/fields/", {"type": "accounts"}).content.decode()
    found = client.get("/formulas/complete/", {"type": "accounts", "text": "paym"}).json()["results"]
    assert found == []
    assert client.get("/formulas/complete/", {"type": "users", "text": "na"}).json()["results"] == []
    assert "Choose a type first." in check(client, "1", slug="users")


def test_a_rule_is_made_and_refused_in_its_form_without_a_script(scope, alice, client_for):
    client = client_for(alice)
    page = client.get("/rules/new/").content.decode()
    assert 'data-formula="/formulas/complete/"' in page
    assert "ADDMONTHS" in page
    sent = {"whole": "1", "type": "accounts", "name": "Short", "message": "Too long.", "field": "payment_days", "active": "true", "messages": ""}
    refused = client.post("/rules/new/", sent | {"condition": "payment_dais > 7"})
    assert refused.status_code == 422
    assert "Did you mean “payment_days”? (character 1)" in refused.content.decode()
    assert "payment_dais &gt; 7" in refused.content.decode()
    made = client.post("/rules/new/", sent | {"condition": "payment_days > 700"})
    assert made.status_code == 302, made.content.decode()
    rule = Rule.objects.get(name="Short")
    assert rule.condition == "payment_days > 700"
    assert f'data-type="{rule.type}"' in client.get(f"/rules/{rule.pk}/edit/").content.decode()
    late = client.post("/accounts/new/", {"whole": "1", "name": "Late", "payment_days": "701"})
    assert late.status_code == 422
    assert "Too long." in late.content.decode()
