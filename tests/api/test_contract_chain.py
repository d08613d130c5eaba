"""Words of the contract about the chain that are easily read past: what nothing means where one of two things must be."""

import pytest

from tests import factories


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_given_for_a_direction_or_a_kind_is_what_it_starts_with(api, nothing):
    payment = factories.make("payments", api, direction=nothing, amount="50")
    product = factories.make("products", api, kind=nothing)
    assert payment["direction"] == "in" and product["kind"] == "good"
    posted = api.post(f"{payment['url']}post/").json()
    assert api.get(f'kpis/cash-received/value/?period=all&filter=["account","eq","{posted["account"]["id"]}"]').json()["value"] == "50.00"

    out, service = factories.make("payments", api, direction="out"), factories.make("products", api, kind="service")
    assert api.patch(out["url"], {"direction": nothing}, out["version"]).json()["direction"] == "in"
    assert api.patch(service["url"], {"kind": nothing}, service["version"]).json()["kind"] == "good"
    assert "kind" in api.post("activities/", {"subject": "Call", "kind": nothing}).json()["errors"], "what must be said is still asked for"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_given_for_the_width_of_a_grant_is_the_narrowest(api, nothing):
    grant = {"type": "accounts", "actions": ["view"], "scope": nothing}
    made = api.post("roles/", {"name": f"Narrow {nothing}", "grants": [grant]})
    assert made.status_code == 201 and [one["scope"] for one in made.json()["grants"]] == ["own"]
    kept = {"id": made.json()["grants"][0]["id"], "scope": nothing}
    changed = api.patch(made.json()["url"], {"grants": [kept, grant | {"scope": "all"}]}, 1).json()
    assert [one["scope"] for one in changed["grants"]] == ["own", "all"]
