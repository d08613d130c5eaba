"""What a fact's document says is asked of the documents first, in one look, and not of every fact there is."""

import pytest
from django.db import connection

from core import access, dimensions, listings, query, registry
from core.kinds.kind import LookedUp
from crm.models import Stage


@pytest.mark.parametrize("op", ["eq", "in"])
def test_facts_by_a_field_of_their_documents_are_found_by_one_look(company, alice, op):
    actor, stage = access.actor_for(alice), Stage.objects.first()
    assert isinstance(dimensions.looked_up(actor)["stage"].expression, LookedUp)
    value = str(stage.pk) if op == "eq" else [str(stage.pk)]
    rows = query.matching(actor, registry.get("facts"), listings.Listing(conditions=(["stage", op, value],)))
    with connection.cursor() as cursor:
        cursor.execute("SET enable_nestloop = off")
        try:
            plan = rows.order_by().explain()
        finally:
            cursor.execute("RESET enable_nestloop")
    assert "SubPlan" not in plan and "crm_opportunity" in plan, plan


def test_facts_of_none_are_still_those_whose_documents_say_nothing(company, alice):
    actor = access.actor_for(alice)
    for condition in (["stage", "eq", None], ["stage", "in", []], ["stage", "ne", str(Stage.objects.first().pk)]):
        list(query.matching(actor, registry.get("facts"), listings.Listing(conditions=(condition,)))[:1])
