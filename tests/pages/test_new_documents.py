"""The form of a new document says nothing of what follows from the rest: the rate of a currency is that of the day."""

import re

import pytest


@pytest.mark.parametrize("slug", ["quotes", "orders", "invoices", "payments"])
def test_no_rate_is_given_before_somebody_gives_one(client_for, alice, slug):
    page = client_for(alice).get(f"/{slug}/new/").content.decode()
    control = re.search(r'<input[^>]* name="rate"[^>]*>', page)[0]
    assert re.search(r'value="([^"]+)"', control) is None


def test_a_new_user_starts_in_the_unit_of_who_makes_him(client_for, alice):
    """Without one his managers would see nothing of his, and nobody is told why."""
    page = client_for(alice).get("/users/new/").content.decode()
    control = re.search(r'<select[^>]* name="unit".*?</select>', page, re.DOTALL)[0]
    assert f'value="{alice.unit_id}" selected' in control
