"""The form of a new document says nothing of what follows from the rest: the rate of a currency is that of the day."""

import re

import pytest


@pytest.mark.parametrize("slug", ["quotes", "orders", "invoices", "payments"])
def test_no_rate_is_given_before_somebody_gives_one(client_for, alice, slug):
    page = client_for(alice).get(f"/{slug}/new/").content.decode()
    control = re.search(r'<input[^>]* name="rate"[^>]*>', page)[0]
    assert re.search(r'value="([^"]+)"', control) is None
