"""Records with lines out of a file: a row for each line, errors at their rows, lines of records there are, options that are new; by page and by API."""

import json
from decimal import Decimal

import pytest

from core import access, context, door, export, jobs, listings, read, registry, write
from core.models import CustomField, Import
from core.read import Ref
from core.transfer import mapping, reading, uploads
from crm.models import Contact
from erp.models import SalesOrder
from tests.people import writing
from tests.transfer.test_imports import loaded, received
from tests.transfer.test_loading import counts, load, new
from tests.transfer.test_pages import page

ORDERS = """Order no,Customer,Date,SKU,Qty,Unit price,Discount,Charges: Name,Charges: Amount
S-1,Grouped AG,2026-03-05,L-1,2,10,0.1,,
S-1,,,L-2,1,,,Freight,7.50
S-1,Grouped AG,2026-03-05,,,,,Insurance,1
S-2,Grouped AG,2026-03-06,L-1,5,9,,,
,,,L-2,3,8,,,
S-3,Grouped AG,2026-03-07,,,,,,
"""


@pytest.fixture(scope="module")
def owner(alice):
    actor = access.actor_for(alice)
    new(actor, "accounts", name="Grouped AG")
    new(actor, "products", sku="L-1", name="Bolt", unit_price="11")
    new(actor, "products", sku="L-2", name="Nut", unit_price="3")
    return actor


@pytest.fixture
def browser(alice, client_for):
    return client_for(alice)


def order(number):
    return SalesOrder.objects.get(external_number=number)


def lines(record):
    return [(row.product.sku, row.quantity, row.unit_price) for row in record.lines.order_by("position")]


def test_rows_of_one_number_are_one_order_with_its_lines_and_charges(owner):
    headers = ORDERS.splitlines()[0].split(",")
    found = door.reading(lambda: mapping.suggest(owner, registry.get("orders"), headers))
    assert [name for _position, name in sorted(found.columns.items())] == [
        "external_number", "account", "order_date", "lines.product", "lines.quantity", "lines.unit_price", "lines.discount", "charges.name", "charges.amount",
    ]  # fmt: skip
    assert found.key == "external_number"
    for keep in (False, True):
        report = load(owner, "orders", ORDERS, keep)
        assert (counts(report), report.rows, report.bad) == ((3, 0, 0, 0), 6, [])
    assert lines(order("S-1")) == [("L-1", 2, 10), ("L-2", 1, 3)]
    assert [(c.name, c.amount) for c in order("S-1").charges.order_by("position")] == [("Freight", Decimal("7.5")), ("Insurance", 1)]
    assert order("S-1").net == Decimal("21") and order("S-1").total == Decimal("29.5")
    assert lines(order("S-2")) == [("L-1", 5, 9), ("L-2", 3, 8)] and lines(order("S-3")) == []


def test_without_a_number_a_head_that_is_empty_or_the_same_goes_on_and_another_begins_anew(owner):
    text = "account,valid_until,lines.product,lines.quantity\nGrouped AG,2099-01-01,L-1,1\nGrouped AG,2099-01-01,L-2,2\n,,L-1,3\nGrouped AG,2099-01-02,L-2,4\n"
    report = load(owner, "quotes", text, key="")
    assert (counts(report), report.rows) == ((2, 0, 0, 0), 4)
    made = registry.get("quotes").all().order_by("valid_until")
    assert [[(row.product.sku, row.quantity) for row in q.lines.order_by("position")] for q in made] == [[("L-1", 1), ("L-2", 2), ("L-1", 3)], [("L-2", 4)]]


def test_the_same_file_again_changes_nothing_and_what_differs_keeps_its_line(owner):
    before = [row.pk for row in order("S-1").lines.order_by("position")]
    assert counts(load(owner, "orders", ORDERS)) == (0, 0, 3, 0)
    text = ORDERS.replace("L-1,2,10,0.1", "L-1,4,10,0.1").replace("S-1,,,L-2,1,,,Freight,7.50", "S-1,,,L-2,1,,,Freight,8\nS-1,,,L-1,1,1,,,")
    assert counts(load(owner, "orders", text)) == (0, 1, 2, 0)
    assert lines(order("S-1")) == [("L-1", 4, 10), ("L-2", 1, 3), ("L-1", 1, 1)]
    after = [row.pk for row in order("S-1").lines.order_by("position")]
    assert after[:2] == before and order("S-1").version == 2
    assert counts(load(owner, "orders", "external_number,account,lines.product\nS-2,Grouped AG,L-2\n")) == (0, 1, 0, 0)
    assert lines(order("S-2")) == [("L-2", 5, 9)]


BAD = """external_number,account,lines.product,lines.quantity,charges.name
B-1,Grouped AG,L-1,1,
B-1,,L-9,1,
B-1,,L-2,many,
B-2,Grouped AG,L-1,2,
B-3,Grouped AG,L-1,0,
B-3,Another,L-2,1,
B-4,Grouped AG,L-1,1,
,,,,Freight
B-2,Grouped AG,L-2,1,
"""


def test_errors_stand_at_the_row_of_their_line_and_all_rows_of_the_order_go_out(owner, browser):
    row = loaded(owner, "orders", BAD, key="")
    report = uploads.report_of(row)
    assert [(f.row, f.column, f.value) for f in report.faults] == [
        (3, "lines.product", "L-9"), (4, "lines.quantity", "many"), (7, "account", "Another"), (9, "Charges: Amount", ""),
    ]  # fmt: skip
    assert report.bad == [2, 3, 4, 6, 7, 8, 9] and (report.new, row.status) == (2, "done")
    file = browser.get(f"/orders/import/{row.pk}/rows.csv").content
    again = [r.cells for r in reading.read(file).rows()]
    assert [cells[0] for cells in again] == ["B-1", "B-1", "B-1", "B-3", "B-3", "B-4", ""]
    assert again[0][-1] == "It belongs to a record that another row refuses."
    assert again[6][-1] == "Charges: Amount: This field is required." and again[4][-1] == "account: Row 6 begins this record and says something else."
    assert [lines(o) for o in SalesOrder.objects.filter(external_number="B-2").order_by("pk")] == [[("L-1", 2, 11)], [("L-2", 1, 3)]]
    corrected = file.decode("utf-8-sig").replace("L-9", "L-1").replace("many", "3").replace("Another", "").replace("Freight", "").replace("L-1,0", "L-1,6")
    row = loaded(owner, "orders", corrected)
    assert (uploads.report_of(row).new, row.report["errors"]) == (3, 0)
    assert lines(order("B-1")) == [("L-1", 1, 11), ("L-1", 1, 11), ("L-2", 3, 3)]


def test_a_rule_of_the_type_is_told_at_the_row_of_the_line(owner):
    text = "external_number,account,lines.product,lines.quantity\nQ-1,Grouped AG,L-1,1\nQ-1,,L-2,0\nQ-2,Grouped AG,L-1,1\nQ-3,Grouped AG,L-2,1\nQ-2,,L-2,1\n"
    report = load(owner, "orders", text)
    assert [(f.row, f.column, f.value) for f in report.faults] == [(3, "lines.quantity", "0"), (6, "external_number", "Q-2")]
    assert "below each other" in report.faults[1].sentence and not SalesOrder.objects.filter(external_number__startswith="Q-").exists()


def test_many_small_orders_and_one_larger_than_a_batch_come_whole(owner):
    rows = "".join(f"M-{n},Grouped AG,L-1,{i + 1}\n" for n in range(120) for i in range(3))
    rows += "".join(f"M-big,Grouped AG,L-2,{i + 1}\n" for i in range(600))
    report = load(owner, "orders", f"external_number,account,lines.product,lines.quantity\n{rows}")
    assert (counts(report), report.rows) == ((121, 0, 0, 0), 960)
    assert order("M-big").lines.count() == 600 and SalesOrder.objects.filter(external_number__startswith="M-").count() == 121
    assert lines(order("M-119")) == [("L-1", 1, 11), ("L-1", 2, 11), ("L-1", 3, 11)]


def test_the_page_says_how_lines_are_written_and_counts_records(owner, browser):
    row = received(owner, "orders", "external_number,account,lines.product,lines.quantity\nP-1,Grouped AG,L-1,1\nP-1,,L-2,2\nP-2,Grouped AG,L-1,x\n")
    address = f"/orders/import/{row.pk}/"
    shown = page(browser, address)
    assert "a row for each" in shown and "Lines: Product" in shown
    browser.post(address, {"do": "check", **{f"column.{i}": n for i, n in enumerate(("external_number", "account", "lines.product", "lines.quantity"))}})
    jobs.run_due()
    assert "Import the 1 good record" in page(browser, address)


def test_new_options_are_refused_or_added_by_who_may_and_taken_back_with_the_import(owner, browser, bob):
    options = [{"key": "red", "label": "Red"}]
    field = new(owner, "custom-fields", type="contacts", key="hue", kind="choice", label="Hue", options=options)
    many = new(owner, "custom-fields", type="contacts", key="hues", kind="choices", label="Hues", options=options)
    text = "name,Hue,Hues\nA,Red,red;Pale blue\nB,深绿,\nC,Pale Blue,Pale blue\nD,深绿,Red\n"
    report = load(owner, "contacts", text)
    assert [(f.row, f.column, f.value) for f in report.faults] == [
        (2, "Hues", "red;Pale blue"), (3, "Hue", "深绿"), (4, "Hue", "Pale Blue"), (4, "Hues", "Pale blue"), (5, "Hue", "深绿"),
    ]  # fmt: skip
    row = received(owner, "contacts", text)
    address = f"/contacts/import/{row.pk}/"
    browser.post(address, {"do": "check", "options": "add", "column.0": "name", "column.1": "hue", "column.2": "hues"})
    jobs.run_due()
    assert "“Hue” would get new options: 深绿, Pale Blue." in page(browser, address)
    assert CustomField.objects.get(pk=field.pk).options == options
    browser.post(address, {"do": "confirm"})
    jobs.run_due()
    assert "New options of “Hues”: Pale blue." in page(browser, address)
    assert [o["label"] for o in CustomField.objects.get(pk=field.pk).options] == ["Red", "深绿", "Pale Blue"]
    made = {c.name: c.custom for c in Contact.objects.filter(name__in="ABCD")}
    assert made["A"]["hues"] == ["red", "pale_blue"] and made["B"]["hue"] == made["D"]["hue"] and made["C"] == {"hue": "pale_blue", "hues": ["pale_blue"]}
    browser.post(address, {"do": "undo"})
    jobs.run_due()
    assert "The import was undone." in page(browser, address)
    assert CustomField.objects.get(pk=field.pk).options == options and CustomField.objects.get(pk=many.pk).options == options
    theirs = received(access.actor_for(bob), "contacts", text)
    with pytest.raises(Exception, match="you cannot add options"):
        chosen = mapping.Mapping({0: "name", 1: "hue"}, options="add")
        writing(lambda: uploads.check(access.actor_for(bob), registry.get("contacts"), Import.objects.get(pk=theirs.pk), chosen))


def sent(api, slug, text, name="file.csv"):
    body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n{text}\r\n--x--\r\n'.encode()
    headers = {"Authorization": f"Bearer {api.key}"}
    return api.client.generic("POST", f"/api/v1/{slug}/import/", body, "multipart/form-data; boundary=x", headers=headers)


def test_a_file_by_api_all_the_way_in_and_out_again(owner, api_for, alice, bob, carol):
    api = api_for(alice)
    answer = sent(api, "orders", "Order no,Customer,SKU,Qty\nW-1,Grouped AG,L-1,1\nW-1,,L-2,2\nW-2,Grouped AG,L-1,x")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert answer["Location"] == made["url"] and (made["state"], made["key"]) == ("uploaded", "external_number")
    assert made["columns"] == ["external_number", "account", "lines.product", "lines.quantity"] and "external_number" in made["keys"]
    described = api.get("schema/").json()["components"]["schemas"]["Import"]
    assert set(described["required"]) == set(made)
    assert api.post(f"{made['url']}confirm/").status_code == 409 and api.post(f"{made['url']}undo/").status_code == 409
    for wrong, where in (({"columns": ["name"]}, "0"), ({"columns": "x"}, "columns"), ({"key": 3}, "key"), ({"mode": "x"}, "_"), ({"sheet": "x"}, "sheet")):
        refused = api.post(f"{made['url']}check/", wrong)
        assert refused.status_code == 422 and where in refused.json()["errors"], refused.content
    assert api.post(f"{made['url']}check/", {"empties": "clear"}).status_code == 202
    jobs.run_due()
    found = api.get(made["url"]).json()
    assert (found["state"], found["new"], found["errors"], found["bad_rows"], found["empties"]) == ("refused", 1, 1, [4], "clear")
    assert found["faults"] == [{"row": 4, "column": "Qty", "value": "x", "sentence": "Enter a number."}]
    assert b"Enter a number." in api.get(f"{made['url']}refused/").content
    assert api.post(f"{made['url']}confirm/", {"partly": "x"}).status_code == 422
    assert api.post(f"{made['url']}confirm/", {"partly": True}).json()["state"] == "writing"
    jobs.run_due()
    assert api.get(made["url"]).json()["state"] == "done" and lines(order("W-1")) == [("L-1", 1, 11), ("L-2", 2, 3)]
    for there in (made["url"], f"{made['url']}refused/"):
        assert api_for(carol).get(there).status_code == 404
    assert api_for(carol).post(f"{made['url']}undo/").status_code == api_for(carol).post(f"{made['url']}check/").status_code == 404
    theirs = api_for(bob).get(made["url"]).json()  # who may delete orders sees what was imported, and nothing of what stood in the file
    assert theirs["state"] == "done" and theirs["faults"] == theirs["columns"] == theirs["bad_rows"] == []
    assert api_for(bob).post(f"{made['url']}check/").status_code == 404 == api_for(bob).get(f"{made['url']}refused/").status_code
    undone = api.post(f"{made['url']}undo/", idempotency_key="undo-once")
    assert undone.status_code == 202 and undone.json()["state"] == "undoing"
    assert api.post(f"{made['url']}undo/", idempotency_key="undo-once").content == undone.content
    jobs.run_due()
    found = api.get(made["url"]).json()
    assert (found["state"], found["conflicts"]) == ("undone", 0) and not SalesOrder.objects.filter(external_number="W-1").exists()
    assert api.post(f"{made['url']}undo/").status_code == 409


def test_a_file_by_api_in_one_go(owner, api_for, alice):
    api = api_for(alice)
    text = "external_number,account,lines.product,lines.quantity\nA-1,Grouped AG,L-1,1\nA-1,,L-2,2\n"
    made = sent(api, "orders", text).json()
    assert api.post(f"{made['url']}check/", {"write": "x"}).status_code == 422
    assert api.post(f"{made['url']}check/", {"write": True}).json()["state"] == "writing"
    jobs.run_due()
    assert api.get(made["url"]).json()["state"] == "done" and lines(order("A-1")) == [("L-1", 1, 11), ("L-2", 2, 3)]
    made = sent(api, "orders", text.replace("A-1", "A-2").replace("L-2,2", "L-2,x")).json()
    api.post(f"{made['url']}check/", {"write": True})
    jobs.run_due()
    found = api.get(made["url"]).json()
    assert (found["state"], found["errors"]) == ("refused", 1) and not SalesOrder.objects.filter(external_number="A-2").exists()


def everything(records):
    """What stands in the records and their lines, but for what a company gives them itself."""
    own = {"id", "created_at", "updated_at", "version", "owner", "unit", "number", "price_trace"}  # which names the product by its id
    return [
        ({n: v for n, v in one.values.items() if n not in own}, {name: [{n: v for n, v in row.values.items() if n not in own} for row in rows]
         for name, rows in one.lines.items()}) for one in records
    ]  # fmt: skip


def named(value):
    return (value.slug, value.label) if isinstance(value, Ref) else [named(one) for one in value] if isinstance(value, list) else value


def told(actor, slug):
    object_type = registry.get(slug)
    with context.remembering():
        shown = read.present(actor, object_type, object_type.all().order_by("pk"))
        return [({n: named(v) for n, v in head.items()}, {name: [{n: named(v) for n, v in row.items()} for row in rows] for name, rows in inner.items()})
                for head, inner in everything(shown)]  # fmt: skip


def test_what_is_exported_with_lines_makes_the_same_records_in_another_company(owner, alice, dave, other_company, client_for, api_for):
    orders = registry.get("orders")
    for number in ("", "", "E-1"):  # two say the same and have no number of their own
        lines_ = [{"product": product(sku), "quantity": n, "discount": "0.1"} for sku, n in (("L-1", 2), ("L-2", "1.5"))]
        new(owner, "orders", account=account(), order_date="2026-03-05", external_number=number, lines=lines_, charges=[{"name": "=Freight", "amount": "7.5"}])
    new(owner, "orders", account=account(), order_date="2026-03-05", external_number="", lines=[])
    mine = orders.all().filter(order_date="2026-03-05", external_number__in=["", "E-1"])
    browser, api = client_for(alice), api_for(alice)
    menu = page(browser, "/orders/")
    assert "format=csv_lines" in menu and "format=xlsx_lines" in menu and "format=csv_lines" not in page(browser, "/contacts/")
    before = [one for one in told(owner, "orders") if one[0]["external_number"] in ("", "E-1") and str(one[0]["order_date"]) == "2026-03-05"]
    wanted = listings.listing([("id__in", ",".join(str(pk) for pk in mine.values_list("pk", flat=True)))])
    files = [b"".join(export.FORMS[form][0](alice, orders, wanted, as_read=as_read)) for form, as_read in (("csv_lines", False), ("xlsx_lines", True))]
    assert api.get("orders/?format=csv_lines").headers["Content-Disposition"].endswith('orders.csv"')
    with context.bind(other_company):
        theirs = access.actor_for(dave)
        new(theirs, "accounts", name="Grouped AG")
        new(theirs, "products", sku="L-1", name="Bolt", unit_price="11")
        new(theirs, "products", sku="L-2", name="Nut", unit_price="3")
        for keep, file in zip((False, True), reversed(files), strict=True):
            report = load(theirs, "orders", file, keep)
            assert (counts(report), report.rows) == ((4, 0, 0, 0), 7), report.faults
        assert told(theirs, "orders") == before and len(before) == 4 and len(before[0][1]["lines"]) == 2
        assert counts(load(theirs, "orders", files[0])) == (0, 0, 4, 0)


def account():
    return str(registry.get("accounts").all().get(name="Grouped AG").pk)


def product(sku):
    return str(registry.get("products").all().get(sku=sku).pk)


def test_what_is_no_file_or_may_not_be_imported_is_refused_by_api(owner, api_for, alice, carol):
    api = api_for(alice)
    assert api.post("orders/import/", {}).status_code == 400
    assert sent(api, "orders", "").status_code == 422 and sent(api, "nonsense", "a\n1").status_code == 404
    assert sent(api, "facts", "a\n1").status_code == 403 and sent(api_for(carol), "accounts", "name\nX").status_code == 403
    assert api.get("imports/0190a000-0000-7000-8000-000000000000/").status_code == 404
    assert json.loads(api.get("orders/import/").content)["errors"]


def test_lines_that_are_locked_or_closed_are_refused_at_their_rows(owner):
    made = order("S-2")
    door.writing(lambda: write.act(owner, registry.get("orders"), made.pk, "confirm", {}))
    assert counts(load(owner, "orders", "external_number,account,lines.product,lines.quantity\nS-2,Grouped AG,L-2,5\n")) == (0, 0, 1, 0)
    report = load(owner, "orders", "external_number,account,lines.product,lines.quantity\nS-2,Grouped AG,L-2,6\n")
    assert [(f.row, f.column) for f in report.faults] == [(2, "Lines")] and lines(order("S-2")) == [("L-2", 5, 9)]
