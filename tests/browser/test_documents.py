"""Documents by hand: rows of an act picked and left out, the new record it leads to, and the chain as a drawing and as a list."""

import re

import pytest
from playwright.sync_api import expect

from core import access, door, registry, write
from erp.models import DeliveryLine
from tests import factories


def do(user, slug, record, act, **data):
    return door.writing(lambda: write.act(access.actor_for(user), registry.get(slug), record.pk, act, data))


@pytest.fixture
def order(company, alice):
    """A confirmed order of 6 bolts and 2 nuts."""
    actor = access.actor_for(alice)
    lines = [{"description": name, "product": str(factories.make("products", actor, name=name).pk), "quantity": n} for name, n in (("Bolt", "6"), ("Nut", "2"))]
    made = factories.make("orders", actor, lines=lines, charges=[])
    do(alice, "orders", made, "confirm")
    return made


def delivered(order):
    return {row.order_line.position: row.quantity for row in DeliveryLine.objects.filter(delivery__order=order).select_related("order_line")}


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_part_of_an_order_is_delivered(screen, company, alice, order, width, theme):
    tab = screen(company, alice, width=width, theme=theme)
    page = tab.open(f"/orders/{order.pk}/")
    page.get_by_role("main").get_by_role("link", name="Deliver", exact=True).click()
    page.wait_for_url("**/deliver/")
    quantities = page.locator(".pick input.control.num, .pick .num input.control")
    expect(quantities).to_have_count(2)
    assert [one.input_value() for one in quantities.all()] == ["6", "2"]
    assert tab.problems() == []
    page.get_by_role("button", name="None", exact=True).click()
    assert [one.input_value() for one in quantities.all()] == ["", ""]
    page.get_by_role("button", name="All that is left").click()
    quantities.first.fill("4")
    page.get_by_role("button", name="Leave this row out").nth(1).click()
    page.get_by_role("main").get_by_role("button", name="Deliver", exact=True).click()
    page.wait_for_url(re.compile("/deliveries/"))
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^\s*Delivery made from SO-"))
    assert delivered(order) == {0: 4}
    assert tab.problems() == []


def test_the_chain_leads_from_document_to_document(screen, company, alice, order):
    do(alice, "orders", order, "deliver")
    for width, theme in ((1440, "dark"), (390, "light")):
        tab = screen(company, alice, width=width, theme=theme)
        page = tab.open(f"/orders/{order.pk}/")
        chain = page.get_by_role("region", name="Chain")
        boxes = chain.locator(".chain-box")
        expect(boxes).to_have_count(2)
        first, second = boxes.nth(0).bounding_box(), boxes.nth(1).bounding_box()
        beside, below = second["x"] > first["x"] + first["width"], second["y"] >= first["y"] + first["height"]
        assert (beside, below) == ((True, False) if width > 600 else (False, True))
        expect(chain.locator("path")).to_have_count(1)
        assert tab.problems() == []
        chain.get_by_role("link").click()
        page.wait_for_url(re.compile("/deliveries/"))
        expect(page.get_by_role("region", name="Chain").locator("[aria-current=true]")).to_have_count(1)
        assert tab.problems() == []


def test_lines_of_the_chain_meet_its_boxes(screen, company, alice, order):
    """The drawing is counted on the server, the boxes stand where the style sheet puts them: both must agree."""
    for _n in range(2):
        do(alice, "orders", order, "deliver", lines=[{"order_line": str(order.lines.first().pk), "quantity": "1"}])
    page = screen(company, alice).open(f"/orders/{order.pk}/")
    chain = page.get_by_role("region", name="Chain")
    drawn = chain.locator(".chain-lines").bounding_box()
    boxes = [box.bounding_box() for box in chain.locator(".chain-box").all()]
    ends = [path.get_attribute("d") for path in chain.locator("path").all()]
    assert len(boxes) == 3
    for box, d in zip(boxes[1:], ends, strict=True):
        x, y = float(re.search(r"H(\d+)$", d)[1]), float(re.findall(r"(\d+)H\d+$", d)[0])
        assert abs(drawn["x"] + x - box["x"]) <= 1
        assert box["y"] < drawn["y"] + y < box["y"] + box["height"]


def test_acts_that_do_not_fit_a_phone_stand_in_the_menu(screen, company, alice, order):
    for width in (1440, 390):
        page = screen(company, alice, width=width).open(f"/orders/{order.pk}/")
        head = page.locator(".page-head .btn-list")
        beside = head.locator("> a.btn, > form").filter(visible=True).all_inner_texts()
        page.get_by_role("button", name="More acts").click()
        menu = page.locator("#menu-more .menu-item").filter(visible=True).all_inner_texts()
        assert beside[0] == "Deliver"
        assert ("Make invoice" in beside, "Make invoice" in menu) == ((True, False) if width > 600 else (False, True))
        assert "Cancel order" in menu
