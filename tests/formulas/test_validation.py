"""A company's own rules: what they refuse, at which field, through every door; and what a rule itself is refused for."""

import pytest

from core import access, conditions, door, listings, query, registry, write
from core.errors import RuleError
from tests import people


@pytest.fixture(scope="module")
def actor(company, alice):
    return access.actor_for(alice)


def make(actor, slug, **data):
    return people.writing(lambda: write.create(actor, registry.get(slug), data))


def change(actor, slug, record, **data):
    return people.writing(lambda: write.change(actor, registry.get(slug), record.pk, data, record.version))


def refused(work, *args, **data):
    with pytest.raises(RuleError) as caught:
        work(*args, **data)
    return caught.value.errors


@pytest.fixture(scope="module")
def rule(actor):
    old = make(actor, "accounts", name="Before the rule", payment_days=300)
    made = make(
        actor, "rules", type="accounts", name="Payment is soon", condition="payment_days > 90", message="At most 90 days.", field="payment_days",
        messages={"zh-Hans": "最多 90 天。"},
    )  # fmt: skip
    return made, old


def test_a_record_that_breaks_a_rule_is_refused_at_the_field(actor, rule):
    assert refused(make, actor, "accounts", name="Late", payment_days=91) == {"payment_days": ["At most 90 days."]}
    kept = make(actor, "accounts", name="Soon", payment_days=90)
    assert refused(change, actor, "accounts", kept, payment_days=120) == {"payment_days": ["At most 90 days."]}
    assert change(actor, "accounts", kept, payment_days=60).payment_days == 60


def test_a_batch_names_the_record_that_breaks_it(actor, rule):
    many = [{"name": f"Batch {i}", "payment_days": days} for i, days in enumerate((1, 400, 2))]
    with pytest.raises(RuleError) as caught:
        people.writing(lambda: write.create_many(actor, registry.get("accounts"), many))
    assert caught.value.errors == {"1.payment_days": ["At most 90 days."]}
    assert door.reading(lambda: query.matching(actor, registry.get("accounts"), listings.Listing(conditions=(["name", "starts", "Batch"],))).count()) == 0


def test_what_was_stored_before_stays_until_it_is_changed(actor, rule):
    _made, old = rule
    old.refresh_from_db()
    assert old.payment_days == 300
    assert "payment_days" in refused(change, actor, "accounts", old, name="Renamed")
    put_away = people.writing(lambda: write.act(actor, registry.get("accounts"), old.pk, "archive"))
    assert put_away.archived_at is not None
    with pytest.raises(RuleError):
        people.writing(lambda: write.act(actor, registry.get("accounts"), old.pk, "restore"))


def test_the_message_is_in_the_readers_language_and_the_api_answers_422(company, actor, alice, rule, api_for):
    api = api_for(alice)
    answer = api.post("accounts/", {"name": "Late", "payment_days": 91}, accept_language="zh-Hans")
    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"]["payment_days"] in (["最多 90 天。"], ["At most 90 days."])


def test_a_rule_follows_references_and_calls_an_inactive_one_nothing(actor):
    parent = make(actor, "accounts", name="Parent", payment_days=10)
    made = make(
        actor, "rules", type="accounts", name="Not later than the parent", condition="payment_days > parent.payment_days AND NOT ISEMPTY(parent)",
        message="Not later than the parent.",
    )  # fmt: skip
    data = {"name": "Child", "parent": str(parent.pk), "payment_days": 11}
    assert refused(make, actor, "accounts", **data) == {"_": ["Not later than the parent."]}
    made = change(actor, "rules", made, active=False)
    assert make(actor, "accounts", **data).payment_days == 11
    change(actor, "rules", made, active=True)
    assert refused(make, actor, "accounts", **data) == {"_": ["Not later than the parent."]}


def test_a_rule_sees_the_value_that_is_being_given_in_an_own_field(actor):
    make(actor, "custom-fields", type="accounts", key="guests", kind="integer", label="Guests")
    make(actor, "rules", type="accounts", name="Guests", condition="guests < 0 OR ISEMPTY(guests) AND LEN(name) > 20", message="Say how many.", field="guests")
    assert refused(make, actor, "accounts", name="Fair", guests=-1) == {"guests": ["Say how many."]}
    assert refused(make, actor, "accounts", name="F" * 21) == {"guests": ["Say how many."]}
    assert make(actor, "accounts", name="Fair", guests=0).custom == {"guests": 0}


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"condition": "amout > 1"}, "condition", "There is no field “amout”"),
        ({"condition": "payment_days + 1"}, "condition", "true or false"),
        ({"condition": "payment_days >"}, "condition", "not finished"),
        ({"condition": "TRUE", "field": "nothing_such"}, "field", "nothing_such"),
        ({"condition": "TRUE", "type": "rules"}, "type", "takes rules"),
        ({"condition": "TRUE", "type": "nothing-such"}, "type", "takes rules"),
        ({"condition": "TRUE", "messages": ["x"]}, "messages", "other languages"),
        ({"condition": ""}, "condition", "required"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_in_a_sentence(actor, data, field, said):
    given = {"type": "accounts", "name": f"R {data}"[:100], "message": "No.", **data}
    errors = refused(make, actor, "rules", **given)
    assert said in errors[field][0], errors


def test_a_rule_does_not_name_what_its_author_does_not_see(company, actor):
    narrow = make(
        actor, "roles", name="Narrow", grants=[
            {"type": "accounts", "actions": ["view"], "scope": "all", "hidden": ["payment_days"]}, {"type": "rules", "actions": ["*"], "scope": "all"},
        ],
    )  # fmt: skip
    user = people.writing(
        lambda: write.create(
            access.system("tests"), registry.get("users"),
            {"name": "N", "email": "narrow@example.com", "password": people.PASSWORD, "roles": [str(narrow.pk)]},
        )
    )  # fmt: skip
    errors = refused(make, access.actor_for(user), "rules", type="accounts", name="Sly", condition="payment_days > 5", message="Yes.")
    assert "no field “payment_days”" in errors["condition"][0]


def test_a_rule_reads_a_formula_field_of_what_is_being_saved_and_a_roll_up_of_what_is_stored(actor):
    make(actor, "custom-fields", type="accounts", key="double", kind="formula", label="Double", formula="guests * 2")
    below = {"type": "accounts", "field": "parent", "aggregate": "count"}
    make(actor, "custom-fields", type="accounts", key="below", kind="rollup", label="Below", rollup=below)
    make(actor, "rules", type="accounts", name="Few", condition="double > 20 OR below > 1 AND guests = 5", message="Too many.", field="guests")
    assert refused(make, actor, "accounts", name="Fair", guests=11) == {"guests": ["Too many."]}
    kept = make(actor, "accounts", name="Fair", guests=10)
    assert refused(change, actor, "accounts", kept, guests=12) == {"guests": ["Too many."]}
    for i in range(2):
        make(actor, "accounts", name=f"Branch {i}", parent=str(kept.pk), guests=0)
    assert refused(change, actor, "accounts", kept, guests=5) == {"guests": ["Too many."]}
    assert change(actor, "accounts", kept, guests=4).custom["guests"] == 4
    accounts = registry.get("accounts")
    fresh = accounts.new()
    fresh.custom = {"guests": 8}
    assert door.reading(lambda: conditions.holds(accounts, ["double", "eq", "16"], fresh))
    assert not door.reading(lambda: conditions.holds(accounts, ["double", "gt", "16"], fresh))
