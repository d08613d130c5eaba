"""KPIs through the API: figures with their lineage, and drills that add up to exactly them, on every surface (N1, N2, N4, C-07)."""

import csv
import io
from decimal import ROUND_HALF_UP, Decimal

import pytest

from core import registry
from tests import factories, people


@pytest.fixture(scope="module")
def units(api, alice):
    """North with its team below it; South."""
    north, south = (factories.make("org-units", api, name=name)["id"] for name in ("North", "South"))
    return {"North": north, "South": south, "Team": factories.make("org-units", api, name="Team", parent=north)["id"]}


@pytest.fixture(scope="module")
def sold(api, units):
    """Orders of three people in three units over two years: (net, date, unit, country)."""
    accounts = {c: factories.make("accounts", api, name=f"In {c or 'nowhere'}", country=c)["id"] for c in ("DE", "FR", "")}
    sellers = {}
    for unit, ident in units.items():
        user = people.new_user(unit, "owner")
        api.patch(f"users/{user.pk}/", {"unit": ident}, If_Match="*")
        sellers[unit] = str(user.pk)
    made = [
        ("10.00", "2026-03-05", "North", "DE"), ("20.50", "2026-03-31", "Team", "FR"), ("0.07", "2026-02-28", "South", "DE"),
        ("40.00", "2025-03-10", "North", "FR"), ("3.33", "2026-04-01", "South", ""), ("7.00", "2026-03-15", "Team", "DE"),
    ]  # fmt: skip
    product = factories.make("products", api)["id"]
    for net, date, unit, country in made:
        lines = [{"product": product, "quantity": "1", "unit_price": net}]
        order = factories.make("orders", api, account=accounts[country], owner=sellers[unit], lines=lines)
        assert api.post(f"{order['url']}confirm/", {"date": date}).status_code == 200
    return made


def value(api, key, query=""):
    response = api.get(f"kpis/{key}/value/?{query}")
    assert response.status_code == 200, response.content
    return response.json()


def total(sold, *months):
    return sum(Decimal(net) for net, date, _unit, _country in sold if date[:7] in months)


def test_a_figure_says_what_it_is_and_how_it_came_about(api, sold, company):
    march = value(api, "order-intake", "period=2026-03")
    assert Decimal(march["value"]) == total(sold, "2026-03") == Decimal("37.50")
    assert march["measured_in"] == company.currency and march["hidden"] == 0 and march["target"] is None and march["groups"] == []
    assert Decimal(march["previous"]["value"]) == Decimal("0.07") and Decimal(march["year_ago"]["value"]) == 40
    lineage = march["lineage"]
    assert lineage["rows"] == 3 and lineage["measures"] == ["ordered"] and lineage["filters"] == [] and lineage["time_zone"] == company.timezone
    assert lineage["currency"] == company.currency and lineage["formula"] and lineage["date_basis"]
    everything = value(api, "orders", "period=all")
    assert everything["value"] == "6" and everything["measured_in"] == "count" and everything["previous"] is None is everything["year_ago"]
    assert value(api, "order-intake", "period=2031")["value"] == "0"


def figures(answer):
    """Every figure of an answer that has a drill."""
    yield answer
    yield from (answer[name] for name in ("previous", "year_ago") if answer[name])
    yield from answer["groups"]


QUESTIONS = [
    "period=2026-03", "period=all", "period=2026", "period=2026-Q1", "period=2026-02-28..2026-03-05", "period=last-30-days", "",
    "period=2026&group_by=month", "period=all&group_by=country", "period=all&group_by=account,month", "period=all&group_by=product_category",
    "period=all&group_by=unit,year", "period=all&group_by=person", "period=all&group_by=unit&rollup=true",
    "period=all&group_by=unit&rollup=true&structure=then", 'period=all&filter=["account.country","eq","DE"]', 'period=all&filter=["month","eq","2026-03"]',
    'period=all&group_by=country&filter={"any":[["country","eq","DE"],["country","empty",true]]}', "period=all&as_of=2020-01-01",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_figure_is_the_sum_of_its_drill(api, sold, question):
    """N1: value, list and file of each figure agree, and its rows are as many as it says."""
    keys = ["order-intake", "discount-given", *(["orders"] if "product" not in question else [])]
    for key in keys:
        answer = value(api, key, question)
        for figure in figures(answer):
            page = api.get(figure["drill"])
            assert page.status_code == 200, page.content
            assert Decimal(page.json()["sums"]["value"]) == Decimal(figure["value"]), (key, figure)
        assert api.get(f"{answer['drill']}&count=exact").json()["count"] == answer["lineage"]["rows"]
        raw = b"".join(api.get(f"{answer['drill']}&format=csv").streaming_content).decode("utf-8-sig")
        assert sum(Decimal(row["value"]) for row in csv.DictReader(io.StringIO(raw))) == Decimal(answer["value"])


def test_groups_are_a_partition(api, sold):
    for question in ("group_by=country", "group_by=month", "group_by=unit,country"):
        answer = value(api, "order-intake", f"period=all&{question}")
        assert sum(Decimal(g["value"]) for g in answer["groups"]) == Decimal(answer["value"]) == sum(Decimal(s[0]) for s in sold)
    countries = {g["keys"][0]: g for g in value(api, "order-intake", "period=all&group_by=country")["groups"]}
    assert countries.keys() == {"DE", "FR", None} and Decimal(countries[None]["value"]) == Decimal("3.33")
    assert {g["keys"][0] for g in value(api, "order-intake", "period=2026&group_by=month")["groups"]} == {"2026-02", "2026-03", "2026-04"}


def test_a_roll_up_has_own_and_all_below(api, sold, units):
    rows = {g["keys"][0]: g for g in value(api, "order-intake", "period=2026-03&group_by=unit&rollup=true")["groups"]}
    north, team = rows[units["North"]], rows[units["Team"]]
    assert (Decimal(north["value"]), Decimal(north["own"]), north["parent"], north["level"]) == (Decimal("37.5"), Decimal(10), None, 0)
    assert (Decimal(team["value"]), Decimal(team["own"]), team["parent"], team["level"]) == (Decimal("27.5"), Decimal("27.5"), units["North"], 1)


def test_an_answer_and_its_drill_agree_while_others_write(api, sold):
    """C-07: the token holds the snapshot; what is confirmed later is in neither."""
    before = value(api, "order-intake", "period=all")
    order = factories.make("orders", api)
    api.post(f"{order['url']}confirm/", {"date": "2024-01-05"})
    assert Decimal(api.get(before["drill"]).json()["sums"]["value"]) == Decimal(before["value"])
    again = value(api, "order-intake", f"period=all&as_of={before['as_of']}")
    assert again["value"] == before["value"] and again["as_of"] == before["as_of"]
    now = value(api, "order-intake", "period=all")
    assert Decimal(now["value"]) == Decimal(before["value"]) + Decimal(order["net"])
    api.post(f"{order['url']}cancel/", {"reason": "Test", "date": "2024-01-06"})


def test_what_access_hides_is_said(api, sold, company):
    """N4: the figure of one who sees less is the sum of what he sees, and says how many rows he does not."""
    zoe = people.api(people.new_user("Zoe", "sales"), company)
    hers, all_of_it = value(zoe, "order-intake", "period=all"), value(api, "order-intake", "period=all")
    assert hers["value"] == "0" and hers["hidden"] == all_of_it["lineage"]["rows"] and hers["lineage"]["rows"] == 0


def test_definitions_show_formula_and_dimensions(api):
    listed = api.get("kpis/").json()["results"]
    assert [k["key"] for k in listed][: len(registry.kpis)] == list(registry.kpis)
    one = api.get("kpis/orders/").json()
    told = next(k for k in listed if k["key"] == "orders")  # the list leaves out dimensions through references
    assert {**one, "dimensions": one["dimensions"][: len(told["dimensions"])]} == told and one["formula"]
    assert "product" not in [d["key"] for d in one["dimensions"]]
    assert api.get(one["value_url"]).status_code == 200


@pytest.mark.parametrize(("path", "status"), [
    ("nothing/", 404), ("nothing/value/", 404), ("orders/value/?group_by=product", 422), ("orders/value/?group_by=account,person,unit", 422),
    ("orders/value/?group_by=account,account", 422), ("orders/value/?period=2026-13", 422), ("orders/value/?period=2026-Q5", 422),
    ("orders/value/?as_of=2999-01-01", 422), ("orders/value/?as_of=nonsense", 422), ("orders/value/?structure=maybe", 422),
    ("orders/value/?rollup=true", 422), ("orders/value/?rollup=true&group_by=account", 422), ("orders/value/?nonsense=1", 422),
    ('orders/value/?filter=["status","eq","draft"]', 422), ("orders/value/?filter={", 400), ('orders/value/?filter=["account.nothing","eq","x"]', 422),
    ('orders/value/?filter=["account","eq","01930000-0000-7000-8000-000000000000"]', 200),
])  # fmt: skip
def test_questions_that_make_no_sense(api, path, status):
    response = api.get(f"kpis/{path}")
    assert response.status_code == status, response.content
    assert status == 200 or response.json()["errors"]


def test_a_token_means_nothing_in_another_company(api, daves):
    token = value(api, "orders")["as_of"]
    assert daves.get(f"kpis/orders/value/?as_of={token}").status_code == 422


# Targets ------------------------------------------------------------------------------------------------------------


def set_target(api, key, period, amount, **member):
    response = api.post("targets/", {"kpi": key, "period": period, "value": amount, **member})
    assert response.status_code == 201, response.content
    return response.json()


def test_a_target_stands_beside_exactly_what_it_is_for(api, sold, alice):
    """Of the company, of one member by id or by name, of groups; a quarter is its months once all have one."""
    france = {"dimension": "country", "subject": "FR"}
    set_target(api, "order-intake", "2026-03", "100.00")
    set_target(api, "order-intake", "2026-03", "20.00", **france)
    by_name = set_target(api, "order-intake", "2026-03", "5", dimension="person", subject="Alice")
    assert by_name["subject"] == str(alice.pk) and by_name["owner"]["id"] == str(alice.pk)
    march = value(api, "order-intake", "period=2026-03&group_by=country")
    assert march["target"] == "100.00"
    assert {g["keys"][0]: g.get("target") for g in march["groups"]} == {"DE": None, "FR": "20.00"}
    assert value(api, "order-intake", 'period=2026-03&filter=["country","eq","FR"]')["target"] == "20.00"
    assert value(api, "order-intake", f'period=2026-03&filter={{"all":[["person","eq","{alice.pk}"]]}}')["target"] == "5.00"
    assert value(api, "order-intake", 'period=2026-03&filter=["country","ne","FR"]')["target"] is None
    for other in ("period=2026-02", "period=2026-03-01..2026-03-31", "period=all", "period=2026-Q1"):
        assert value(api, "order-intake", other)["target"] is None
    months = value(api, "order-intake", "period=2026&group_by=month")["groups"]
    assert {g["keys"][0]: g.get("target") for g in months} == {"2026-02": None, "2026-03": "100.00", "2026-04": None}
    for month, amount in (("2026-01", "1.50"), ("2026-02", "2.50")):
        set_target(api, "order-intake", month, amount)
    assert value(api, "order-intake", "period=2026-Q1")["target"] == "104.00"
    for quarter in ("2026-Q2", "2026-Q3", "2026-Q4"):
        assert value(api, "order-intake", "period=2026")["target"] is None
        set_target(api, "order-intake", quarter, "10")
    assert value(api, "order-intake", "period=2026")["target"] == "134.00"
    set_target(api, "order-intake", "2026-Q1", "99")
    assert value(api, "order-intake", "period=2026-Q1")["target"] == "99.00", "its own counts more than the sum"


@pytest.mark.parametrize(("body", "at"), [
    ({"kpi": "nothing"}, "kpi"), ({"period": "all"}, "period"), ({"period": "2026-13"}, "period"), ({"period": ""}, "period"),
    ({"dimension": "product", "subject": "x", "kpi": "orders"}, "dimension"), ({"dimension": "country", "subject": "Utopia"}, "subject"),
    ({"dimension": "person", "subject": "Nobody"}, "subject"), ({"dimension": "person"}, "subject"), ({"subject": "FR"}, "subject"),
    ({"dimension": "month", "subject": "2026-03"}, "dimension"), ({"value": "x"}, "value"),
])  # fmt: skip
def test_a_target_that_makes_no_sense_is_refused_at_its_field(api, body, at):
    response = api.post("targets/", {"kpi": "order-intake", "period": "2027-03", "value": "1", **body})
    assert response.status_code == 422 and at in response.json()["errors"], response.content


def test_there_is_one_target_for_each_thing(api):
    set_target(api, "orders", "2030-03", "7")
    response = api.post("targets/", {"kpi": "orders", "period": "2030-03", "value": "8"})
    assert response.status_code == 422, response.content


def test_people_see_the_targets_of_those_whose_figures_they_see(api, sold, company):
    yan = people.new_user("Yan", "sales")
    set_target(api, "orders", "2031-03", "50")
    set_target(api, "orders", "2031-03", "3", dimension="person", subject=str(yan.pk))
    hers = people.api(yan, company)
    assert [t["value"] for t in hers.get("targets/").json()["results"]] == ["3"]
    assert value(hers, "orders", "period=2031-03")["target"] is None, "the company's is not hers"
    assert value(hers, "orders", f'period=2031-03&filter=["person","eq","{yan.pk}"]')["target"] == "3"
    assert hers.post("targets/", {"kpi": "orders", "period": "2031-04", "value": "1"}).status_code == 403


# Every KPI there is ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deals(api, sold):
    """Two won, one lost, one open; three leads."""
    account = factories.make("accounts", api, name="Dealer", country="DE")["id"]
    for amount, end, date in (("100", "win", "2026-03-05"), ("50.55", "win", "2026-03-20"), ("30", "lose", "2026-03-25"), ("70", "", "")):
        deal = factories.make("opportunities", api, account=account, name=f"Deal {amount}", amount=amount, currency=None, opened_on="2026-03-01")
        if end:
            body = {"date": date, **({"reason": "Price"} if end == "lose" else {})}
            assert api.post(f"{deal['url']}{end}/", body).status_code == 200
    for name in ("Ann", "Ben", "Cem"):
        factories.make("leads", api, name=name)


def come_to(api, figure, scale=1):
    """What the lists behind a figure come to."""
    lists = figure["drills"] if "drills" in figure else {"numerator": figure["drill"]}
    assert ("drill" in figure) != ("drills" in figure)
    sums = {name: Decimal(api.get(url).json()["sums"]["value"]) for name, url in lists.items()}
    if "denominator" not in sums:
        return sums["numerator"]
    return (sums["numerator"] * scale / sums["denominator"]).quantize(Decimal("0.000001"), ROUND_HALF_UP) if sums["denominator"] else None


@pytest.mark.parametrize("key", list(registry.kpis))
def test_every_kpi_comes_to_its_drills(api, deals, key):
    """In each shape, whole and split by each dimension it names: value, comparisons and groups (N1)."""
    scale = registry.kpis[key].scale
    for split in ("", *registry.kpis[key].dimensions):
        answer = value(api, key, f"period=2026&group_by={split}")
        for figure in (answer, *(answer[name] for name in ("previous", "year_ago")), *answer["groups"][:3]):
            expected = come_to(api, figure, scale)
            if figure["value"] is None:
                assert expected is None or registry.kpis[key].known_by, (split, figure)
            else:
                assert Decimal(figure["value"]) == expected, (split, figure)


def test_a_ratio_has_two_lists_and_no_value_where_there_is_nothing_to_divide_by(api, deals):
    march = value(api, "win-rate", "period=2026-03")
    assert (march["value"], march["measured_in"], march["lineage"]["rows"], march["lineage"]["currency"]) == ("0.666667", "ratio", 3, None)
    assert march["lineage"]["measures"] == ["won-count", "lost-count"] and "drill" not in march
    assert march["previous"]["value"] is None and set(march["previous"]["drills"]) == {"numerator", "denominator"}
    assert value(api, "sales-cycle-days", "period=2026-03")["value"] == "11.5"
    assert value(api, "won", "period=2026-02")["value"] == "0" and value(api, "win-rate", "period=2026-02")["value"] is None
    months = value(api, "win-rate", "period=2026&group_by=month")["groups"]
    assert [(g["keys"], g["value"], set(g["drills"])) for g in months] == [(["2026-03"], "0.666667", {"numerator", "denominator"})]


def test_what_has_no_known_cost_is_counted_in_the_lineage(api, sold):
    assert value(api, "gross-margin", "period=2026")["lineage"]["without_cost"] == 0
    assert "without_cost" not in value(api, "order-intake", "period=2026")["lineage"]
