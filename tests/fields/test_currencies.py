"""A company's own amounts on documents in other currencies: they are the company's own money, and what is made of both is converted at the document's rate."""

from decimal import Decimal

import pytest

from core import access, conditions, door, formulas, kpi, listings, pivot, read, registry, write
from core.models import Role
from tests import people
from tests.kpi import drills

FORMULAS = {
    "orders": {
        "left": "net - deposit", "tenth": "net * 10%", "twice": "deposit * 2", "covered": "deposit >= net", "by_hand": "total * rate",
        "abroad": "deposit / rate", "share": "deposit / net", "rest": "left - tenth", "least": "MIN(net, deposit)",
        "base_cut": "net * 5%",
    },
    "opportunities": {"gain": "amount - cost"},
    "products": {"over": "unit_price - floor", "half": "unit_price / 2"},
    "contacts": {"fee": "last_order.net * 10%", "price": "product.unit_price"},
}  # fmt: skip


def make(actor, slug, **values):
    return people.writing(lambda: write.create(actor, registry.get(slug), values))


@pytest.fixture(scope="module")
def owner(company, alice):
    return access.actor_for(alice)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def trade(owner, api):
    """An order in dollars, the company's currency, and one in euro, each with a deposit; a deal, a product and a contact beside them."""
    make(owner, "exchange-rates", currency="EUR", date="2000-01-01", rate="1.1")
    for slug, key, kind, more in (
        ("orders", "deposit", "money", {}), ("opportunities", "cost", "money", {}), ("products", "floor", "money", {}), ("products", "rate", "number", {}),
        ("orders", "base_tax", "money", {}), ("contacts", "last_order", "ref", {"target": "orders"}), ("contacts", "product", "ref", {"target": "products"}),
        *((slug, key, "formula", {"formula": text}) for slug, found in FORMULAS.items() for key, text in found.items()),
        *(("accounts", f"sum_{of}", "rollup", {"rollup": {"type": "orders", "field": "account", "aggregate": "sum", "of": of}})
          for of in ("deposit", "left", "tenth")),
    ):  # fmt: skip
        make(owner, "custom-fields", type=slug, key=key, kind=kind, label=key.replace("_", " ").title(), **more)
    account = make(owner, "accounts", name="Acme", currency="EUR")
    made = {"account": account}
    for code, price, deposit in (("USD", "100", "50"), ("EUR", "200.01", "210")):
        lines = [{"description": "x", "quantity": "1", "unit_price": price}]
        made[code] = make(owner, "orders", account=str(account.pk), currency=code, lines=lines, deposit=deposit, base_tax="7")
    made["deal"] = make(owner, "opportunities", name="Deal", account=str(account.pk), currency="EUR", amount="100.05", cost="10")
    made["open deal"] = make(owner, "opportunities", name="Open deal", account=str(account.pk), currency="EUR", cost="10")
    made["product"] = make(owner, "products", sku="P-1", name="Thing", unit_price="10", currency="EUR", floor="5", rate="3")
    make(owner, "products", sku="P-2", name="Other thing", unit_price="4", currency="USD", rate="3")
    made["contact"] = make(owner, "contacts", name="Ann", account=str(account.pk), last_order=str(made["EUR"].pk), product=str(made["product"].pk))
    return made


def got(api, slug, record):
    return api.get(f"{slug}/{record.pk}/").json()


def test_money_of_both_sorts_is_converted_where_it_meets_and_only_there(api, trade):
    dollars, euros = got(api, "orders", trade["USD"]), got(api, "orders", trade["EUR"])
    assert (dollars["left"], dollars["tenth"], dollars["covered"], dollars["least"]) == ("50.00", "10.00", False, "50.00")
    assert euros["base_net"] == "220.01"
    assert euros["left"] == "10.01", "the net as the document keeps it in dollars"
    assert euros["tenth"] == "20.001" and euros["twice"] == "420.00"
    assert euros["covered"] is False, "210 dollars are less than 200.01 euro"
    assert euros["least"] == "210.00"
    assert euros["by_hand"] == "220.011", "who names the rate converts by hand"
    assert euros["abroad"] == "190.9090909091"
    assert Decimal(euros["share"]) == (Decimal("210") / Decimal("220.01")).quantize(Decimal("1e-10"))
    assert euros["rest"] == "-11.99", "10.01 dollars less 20.001 euro, which are 22.00 dollars"
    deal = got(api, "opportunities", trade["deal"])
    assert (deal["base_amount"], deal["gain"]) == ("110.06", "100.06")
    assert got(api, "opportunities", trade["open deal"])["gain"] is None, "an amount that is not known is no 0"
    assert got(api, "products", trade["product"])["over"] == "6.00", "what has no rate of its own is taken at today's"
    assert (found := got(api, "contacts", trade["contact"]))["fee"] == "22.001" and found["price"] == "11.00"


def test_lists_filter_sort_and_add_up_own_money_as_it_is(api, trade):
    def listed(**words):
        answer = api.get("orders/", words).json()
        return [r["currency"] for r in answer["results"]], answer.get("sums")

    assert listed(deposit__gt="60") == (["EUR"], None)
    assert listed(left__lt="11") == (["EUR"], None)
    assert listed(sort="left") == (["EUR", "USD"], None)
    names = "deposit,left,tenth,base_tax,tax"
    assert listed(sum=names)[1] == {"deposit": "260.00", "left": "60.01", "tenth": "32.0011", "base_tax": "14.00", "tax": "0"}
    assert listed(sum=names, currency="EUR")[1] == {"deposit": "210.00", "left": "10.01", "tenth": "20.001", "base_tax": "7.00", "tax": "0"}
    products = api.get("products/", {"sum": "unit_price,half"}).json()["sums"]
    assert products == {"unit_price": "15.00", "half": "7.50"}, "at today's rate; an own field is no rate"
    text = b"".join(api.get("orders/?format=csv&currency=EUR").streaming_content).decode()
    assert "210.00" in text and "10.01" in text


def test_what_keeps_no_rate_is_added_up_at_todays_in_figures_and_pivots(api, owner, trade, alice, client_for):
    stated = {"of": {"type": "products"}, "aggregate": "sum", "field": "unit_price"}
    assert api.post("kpis/", {"key": "listed", "name": "Listed", "definition": stated}).status_code == 201
    assert door.reading(lambda: kpi.value(owner, kpi.definition("listed"), kpi.Question("all"))).value == 15
    page = client_for(alice).get("/products/?view=pivot&pivot-rows=currency&pivot-value=unit_price").content.decode()
    assert "$15.00" in page and "$11.00" in page and "$14.00" not in page


def test_an_amount_of_no_one_record_names_no_currency(api, trade, alice, client_for):
    client = client_for(alice)
    chips = client.get("/orders/?net__gt=1000&deposit__gt=60&account.name=x").content.decode()
    assert "<b>1,000</b>" in chips and "<b>$60.00</b>" in chips, "an own amount is in the company's currency, whatever the order's"
    through = client.get("/contacts/?last_order.net__gt=1000").content.decode()
    assert "<b>1,000</b>" in through
    form = client.get(f"/opportunities/bulk/?selected={trade['deal'].pk}").content.decode()

    def unit(name):
        control = form[form.index(f'name="{name}"') :]
        return '<span class="unit">USD</span>' in control[: control.index("</div>")]

    assert unit("cost") and not unit("amount")


def test_roll_ups_add_up_children_of_several_currencies(api, trade):
    account = got(api, "accounts", trade["account"])
    assert (account["sum_deposit"], account["sum_left"], account["sum_tenth"]) == ("260.00", "60.01", "32.0011")


def test_pages_say_which_currency_an_amount_is_in(owner, trade, alice, client_for):
    client = client_for(alice)
    shown = door.reading(lambda: read.present(owner, registry.get("orders"), [trade["EUR"]])[0])
    told = {n: shown.text(n) for n in ("net", "base_net", "deposit", "left", "tenth", "twice", "by_hand", "abroad", "base_tax", "base_cut")}
    assert told == {
        "net": "€200.01", "base_net": "$220.01", "deposit": "$210.00", "left": "$10.01", "tenth": "€20.001", "twice": "$420.00", "by_hand": "$220.011",
        "abroad": "€190.9090909091", "base_tax": "$7.00", "base_cut": "€10.0005",
    }  # fmt: skip
    billed_in_euro = door.reading(lambda: read.present(owner, registry.get("accounts"), [trade["account"]])[0])
    assert billed_in_euro.text("sum_deposit") == "$260.00"
    page = client.get(f"/orders/{trade['EUR'].pk}/").content.decode()
    assert "$210.00" in page and "€210.00" not in page, "nor in its history"
    sums = client.get("/orders/?currency=EUR&sum=net,deposit").content.decode()
    assert "€200.01" in sums and "$210.00" in sums and "€210.00" not in sums and "$200.01" not in sums
    both = client.get("/orders/?sum=net,deposit").content.decode()
    assert "$320.01" in both and "$260.00" in both
    form = client.get(f"/orders/{trade['EUR'].pk}/edit/").content.decode()
    control = form[form.index('name="deposit"') :]
    assert '<span class="unit">USD</span>' in control[: control.index("</div>")]


def test_the_editor_says_in_which_currency_a_formula_is(trade, alice, client_for):
    def said(text, slug="orders"):
        return client_for(alice).post("/formulas/check/?name=formula&of=custom-fields", {"type": slug, "formula": text}).content.decode()

    assert "an amount of money in USD" in (page := said("net - deposit")) and "$10.01" in page
    assert "in the currency of its record" in (page := said("net * 2")) and "€400.02" in page
    assert "an amount of money in USD" in said("sum_left", "accounts") and "This gives an amount of money." in said("fee", "contacts")


MEETING = {
    "net + deposit - tax": "430.01", "SUM(net, deposit, total)": "650.02", "MIN(net, deposit)": "210", "MAX(deposit, total)": "220.01",
    "MOD(total, deposit)": "10.01", "IF(net > 210, deposit, net)": "220.01", "COALESCE(IF(net < 0, deposit), net)": "220.01",
    "CASE(deposit < net, net, deposit)": "220.01", "IF(net IN (deposit + 10.01, 100), 1, 2)": "1", "SWITCH(deposit + 10.01, net, 1, 2)": "1",
    "IF(deposit + 10.01 = net, 1, 2)": "1", "net / deposit": "1.0476666667", "net * deposit": "46202.1", "ROUND(-(net - tax), 1) + deposit": "-10",
    "deposit + account.sum_left - left": "260", "rest + twice * 0.5": "198.01", "VALUE(TEXT(net - deposit, 2))": "10.01",
    "total * rate - deposit": "10.011", "deposit / rate + net": "390.9190909091",
}  # fmt: skip


@pytest.mark.parametrize("text", MEETING)
def test_wherever_both_meet_it_is_converted_in_the_database_and_in_python(trade, text):
    orders, sight = registry.get("orders"), conditions.EVERYTHING

    def both():
        formula = formulas.made(text, formulas.scope(orders, sight))
        rows = list(orders.all().annotate(_found=formula.sql(formulas.resolver(orders, sight))).order_by("currency"))
        return [(row._found, formula.value(formulas.held(orders, row, sight))) for row in rows]

    euros, dollars = door.reading(both)
    assert euros == (Decimal(MEETING[text]),) * 2
    assert dollars[0] == dollars[1] is not None


def test_what_a_document_keeps_in_the_company_s_currency_is_taken_from_there(trade):
    def needed(text):
        return {name for _slug, name in formulas.made(text, formulas.scope(registry.get("orders"), conditions.EVERYTHING)).names}

    assert door.reading(lambda: needed("net - deposit")) == {"net", "base_net", "deposit"}
    assert door.reading(lambda: needed("tax - deposit")) == {"tax", "rate", "deposit"}


def test_a_rule_compares_in_one_currency(owner, api, trade):
    make(owner, "rules", type="orders", name="Too much", condition="deposit > net", message="The deposit is more than the order.", active=True)
    version = got(api, "orders", trade["EUR"])["version"]
    assert api.patch(f"orders/{trade['EUR'].pk}/", {"deposit": "220.02"}, version).status_code == 422
    assert api.patch(f"orders/{trade['EUR'].pk}/", {"deposit": "210.00", "base_tax": "7"}, version).status_code == 200
    lines = [{"description": "x", "quantity": "1", "unit_price": "100"}]
    fresh = {"account": str(trade["account"].pk), "currency": "EUR", "lines": lines, "deposit": "110.01"}
    assert api.post("orders/", fresh).status_code == 422, "what is not stored is judged by its own sums"


def test_who_does_not_see_the_rate_does_not_see_through_it(company, owner, trade):
    make(owner, "roles", name="No rates", grants=[{"type": "*", "actions": ["view"], "scope": "all", "hidden": ["rate", "base_net"]}])
    stated = {"name": "Eve", "email": "eve.rates@example.com", "password": people.PASSWORD, "roles": [str(Role.objects.get(name="No rates").pk)]}
    eve = people.api(people.writing(lambda: write.create(access.system("tests"), registry.get("users"), stated)), company)
    order, deal = got(eve, "orders", trade["EUR"]), got(eve, "opportunities", trade["deal"])
    assert order["deposit"] == "210.00" and order["tenth"] == "20.001"
    assert {"left", "covered", "rest", "by_hand"}.isdisjoint(order) and "gain" not in deal
    make(owner, "kpis", key="tenths", name="Tenths", definition={"of": {"type": "orders"}, "aggregate": "sum", "field": "tenth"})
    assert eve.get("kpis/tenths/value/?period=all").status_code == 403, "it is converted at the rate"


@pytest.mark.parametrize(("slug", "field", "told"), [
    ("orders", "deposit", "260"), ("orders", "left", "60.01"), ("orders", "tenth", "32.0011"), ("orders", "tax", "0"), ("opportunities", "gain", "100.06"),
])  # fmt: skip
def test_a_figure_is_what_its_list_says(owner, trade, slug, field, told):
    row = make(owner, "kpis", name=f"All {field}", definition={"of": {"type": slug}, "aggregate": "sum", "field": field}, format="money")
    answer = door.reading(lambda: kpi.value(owner, kpi.definition(row.key), kpi.Question("all")))
    drills.demand_agreement(owner, answer)
    assert answer.value == Decimal(told)


def test_a_pivot_adds_own_money_up_as_it_is(owner, trade):
    def table(value):
        found = pivot.read_dimensions(owner, registry.get("orders"), ["currency"], "rows")
        return pivot.table(owner, registry.get("orders"), listings.Listing(), found, [], value, "sum")

    for value, told in (("deposit", "$210.00"), ("left", "$10.01"), ("base_tax", "$7.00"), ("tax", "$0.00"), ("net", "$220.01")):
        made = door.reading(lambda value=value: table(value))
        assert made.text(made.cells[("EUR",), ()]) == told
