"""What an import remembers, leaves out, gives back and undoes; two at once; a worker killed in the middle."""

import io
import time
from datetime import timedelta

import pytest
import xlsxwriter

from core import access, door, jobs, registry, write
from core.models import Import, Job, TrailEntry
from core.models.record import permit
from core.transfer import mapping, uploads
from core.transfer.mapping import Mapping
from core.transfer.reading import read
from crm.models import Account, Contact, Product
from tests import people
from tests.core.racing import race
from tests.core.test_jobs import kill, workers
from tests.people import writing
from tests.transfer.test_pages import count, page, uploaded

BAD = "sku,name,unit_price\nG-1,Good,1\nG-2,Bad,much\nG-3,Fine,3\nG-4,,-4\n"


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


@pytest.fixture
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture
def browser(alice, client_for):
    return client_for(alice)


def book(*rows):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def received(actor, slug, content, name="file.csv"):
    return writing(lambda: uploads.receive(actor, registry.get(slug), name, content if isinstance(content, bytes) else content.encode()))


def loaded(actor, slug, content, **options):
    """A file all the way in; its row."""
    object_type, row = registry.get(slug), received(actor, slug, content)
    chosen = Mapping.from_json({**row.mapping, **options})
    writing(lambda: uploads.check(actor, object_type, Import.objects.get(pk=row.pk), chosen))
    jobs.run_due()
    partly = Import.objects.get(pk=row.pk).status == "refused"
    writing(lambda: uploads.confirm(actor, object_type, Import.objects.get(pk=row.pk), partly))
    jobs.run_due()
    return Import.objects.get(pk=row.pk)


def counts(row):
    report = uploads.report_of(row)
    return report.new, report.changed, report.unchanged, report.skipped, len(report.bad)


@pytest.mark.parametrize("content", [b"name,external_id\nA\x00B,nul-1\n", book(["name", "external_id"], ["A\x00B", "nul-2"])])
def test_a_cell_with_what_nothing_can_store_is_read_without_it(company, owner, content):
    done = loaded(owner, "accounts", content)
    assert done.status == "done" and done.report["new"] == 1
    assert Account.objects.get(external_id__in=["nul-1", "nul-2"], created_at__gte=done.created_at).name == "AB"


def test_usual_words_are_recognised_and_a_mapping_is_remembered_with_its_choices(owner):
    def suggested(slug, *headers):
        return door.reading(lambda: mapping.suggest(owner, registry.get(slug), headers).columns)

    assert suggested("accounts", "公司名称", "Customer No", "Zip Code", "Mail", "Tel", "Web", "备注") == suggested(
        "accounts", "公司名称", "Kundennummer", "PLZ", "E-mail address", "电话", "网址", "nothing")  # fmt: skip
    usual = {0: "name", 1: "account", 2: "phone", 3: "mobile", 4: "email", 5: "title"}
    assert suggested("contacts", "名称", "公司名称", "电话", "手机号码", "邮箱", "职位") == usual
    assert suggested("accounts", "公司", "手机", "地址", "网址") == dict(enumerate(("name", "phone", "street", "website")))
    assert suggested("leads", "名称", "单位", "手机号") == dict(enumerate(("name", "company", "phone")))
    assert suggested("payments", "公司", "日期", "总额") == dict(enumerate(("account", "date", "amount")))
    assert suggested("invoices", "日期", "客户名称") == {0: "invoice_date", 1: "account"}
    found = suggested("contacts", "Contact", "Mail", "Position", "Tel", "Account (name)")
    assert found == {0: "name", 1: "email", 2: "title", 3: "phone", 4: "account"}
    text = "Nummer,Was,Preis\nM-1,Bolt,1\n"
    first = received(owner, "products", text)
    assert (first.mapping["known"], first.mapping["empties"]) == (False, "leave")
    loaded(owner, "products", text, columns={"0": "sku", "1": "name", "2": "unit_price"}, key="sku", empties="clear")
    again = received(owner, "products", "Nummer,Was,Preis\nM-2,Nut,2\n")
    assert again.mapping["known"] and Mapping.from_json(again.mapping) == Mapping({0: "sku", 1: "name", 2: "unit_price"}, "sku", "both", "clear")
    assert received(owner, "products", "Nummer,Was\nM-2,Nut\n").mapping["known"] is False


def test_only_new_only_known_and_what_empty_cells_do(owner):
    text = "sku,name,barcode\nE-1,One,7\n"
    assert counts(loaded(owner, "products", text, key="sku")) == (1, 0, 0, 0, 0)
    assert counts(loaded(owner, "products", "sku,name,barcode\nE-1,Uno,\nE-2,Two,\n", key="sku", mode="create")) == (1, 0, 0, 1, 0)
    assert counts(loaded(owner, "products", "sku,name,barcode\nE-1,Uno,\nE-3,Three,\n", key="sku", mode="update", empties="leave")) == (0, 1, 0, 1, 0)
    assert Product.objects.get(sku="E-1").name == "Uno"
    assert not Product.objects.filter(sku="E-3").exists()
    text = "sku,name\nE-1,\n"
    assert counts(loaded(owner, "products", text, key="sku", empties="leave")) == (0, 0, 1, 0, 0)


def test_records_are_found_by_several_fields_together(owner):
    text = "currency,date,rate\nGBP,2026-01-01,1.2\nGBP,2026-02-01,1.3\nCHF,2026-01-01,1.1\n"
    assert counts(loaded(owner, "exchange-rates", text, key="currency+date")) == (3, 0, 0, 0, 0)
    assert counts(loaded(owner, "exchange-rates", text.replace("1.3", "1.4"), key="currency+date")) == (0, 1, 2, 0, 0)
    row = loaded(owner, "exchange-rates", "currency,date,rate\nGBP,01/02/2026,1.5\nGBP,31/03/2026,1.5\n", key="currency+date")
    assert row.mapping["days"] == "dmy" and counts(row) == (1, 1, 0, 0, 0)


def test_good_rows_come_in_and_bad_ones_go_out_with_reasons_and_come_back(browser, owner):
    address = uploaded(browser, BAD, "products")
    browser.post(address, {"do": "check", "key": "sku", "column.0": "sku", "column.1": "name", "column.2": "unit_price"})
    jobs.run_due()
    shown = page(browser, address)
    assert [count(shown, c) for c in ("new", "bad", "errors")] == [2, 2, 3] and "Import the 2 good rows" in shown
    assert not Product.objects.filter(sku__startswith="G-").exists()
    before = browser.get(f"{address}rows.csv").content
    browser.post(address, {"do": "partly"})
    jobs.run_due()
    assert set(Product.objects.filter(sku__startswith="G-").values_list("sku", flat=True)) == {"G-1", "G-3"}
    file = browser.get(f"{address}rows.csv").content
    assert file == before
    assert [row.cells for row in read(file).rows()] == [
        ["G-2", "Bad", "much", "unit_price: Enter a number."],
        ["G-4", "", "-4", "unit_price: Enter at least 0.; name: This field is required."],
    ]  # fmt: skip
    workbook = browser.get(f"{address}rows.xlsx").content
    assert read(workbook).headers == ["sku", "name", "unit_price", "Why it was refused"]
    corrected = file.decode("utf-8-sig").replace("much", "2").replace("G-4,,-4", "G-4,Four,4").replace(",\"", ",\"")
    row = loaded(owner, "products", corrected)
    assert row.mapping["known"] and counts(row) == (2, 0, 0, 0, 0)
    assert browser.get(f"{address}rows.pdf").status_code == 404
    assert browser.post(address, {"do": "partly"}).status_code == 409


def test_an_import_is_undone_whole_but_for_what_changed_since(browser, owner):
    kept = writing(lambda: write.create(owner, registry.get("products"), {"sku": "U-0", "name": "Old", "unit_price": "1"}))
    row = loaded(owner, "products", "sku,name,unit_price\nU-0,New,2\nU-1,One,1\nU-2,Two,2\n", key="sku")
    assert counts(row) == (2, 1, 0, 0, 0)
    entries = TrailEntry.objects.filter(batch=row.report["batch"])
    assert {(e.act, e.channel) for e in entries} == {("add", "import"), ("change", "import")} and entries.count() == 3
    touched = Product.objects.get(sku="U-2")
    writing(lambda: write.change(owner, registry.get("products"), touched.pk, {"name": "Touched"}, 1))
    address = f"/products/import/{row.pk}/"
    assert "Undo all of it" in page(browser, address)
    browser.post(address, {"do": "undo"})
    assert "being undone" in page(browser, address)
    jobs.run_due()
    shown = page(browser, address)
    assert "but for 1 record" in shown and "The record was changed since." in shown and "Touched" in shown
    kept.refresh_from_db()
    assert (kept.name, kept.unit_price) == ("Old", 1)
    assert set(Product.objects.filter(sku__startswith="U-").values_list("sku", flat=True)) == {"U-0", "U-2"}
    assert browser.post(address, {"do": "undo"}).status_code == 409


def test_who_may_delete_sees_and_undoes_what_others_imported_and_nobody_else_does(browser, bob, carol, client_for):
    row = loaded(access.actor_for(bob), "accounts", "name\nBob's import\n")
    address = f"/accounts/import/{row.pk}/"
    shown = page(browser, address)
    assert "Undo all of it" in shown and "bob" not in shown.lower().split("<h1>")[1].split("</main>")[0].replace("bob's import", "")
    assert client_for(carol).get(address).status_code == 403
    assert client_for(carol).post(address, {"do": "undo"}).status_code in (403, 404)
    browser.post(address, {"do": "undo"})
    jobs.run_due()
    assert not Account.objects.filter(name="Bob's import").exists()


def test_how_a_file_is_read_can_be_chosen_on_its_page(browser):
    address = uploaded(browser, "naïve;Ville\nÉloïse;Orléans\n".encode("windows-1252"), "accounts")
    assert "Windows-1252" in page(browser, address)
    assert browser.post(address, {"do": "read", "encoding": "big5", "delimiter": "|", "header": "1"}).status_code in (302, 422)
    browser.post(address, {"do": "read", "encoding": "windows-1252", "delimiter": ";", "header": "2"})
    assert "Orléans" in page(browser, address)
    for wrong in ({"header": "99"}, {"header": "x"}, {"encoding": "klingon"}):
        assert browser.post(address, {"do": "read", **wrong}).status_code == 422
    content = book(["Name", "Seit"], ["Xlsx AG", 42])
    address = uploaded(browser, content, "accounts", "kunden.xlsx")
    shown = page(browser, address)
    assert "Sheet1" in shown and "Xlsx AG" in shown
    assert uploaded(browser, content, "accounts", "kunden.csv")  # what it is called decides nothing


def test_the_same_file_twice_is_said(browser, owner):
    text = "name\nSaid twice\n"
    assert "This very file was imported" not in page(browser, uploaded(browser, text, "accounts"))
    loaded(owner, "accounts", text)
    assert "This very file was imported" in page(browser, uploaded(browser, text, "accounts"))


def test_two_people_import_the_same_file_and_each_record_comes_once(owner, company):
    other = access.actor_for(_second(owner))
    text = "sku,name,unit_price\n" + "".join(f"R-{n},Race {n},{n}\n" for n in range(300))
    for actor in (owner, other):
        row = received(actor, "products", text)
        writing(lambda actor=actor, row=row: uploads.check(actor, registry.get("products"), Import.objects.get(pk=row.pk), Mapping.from_json(row.mapping)))
    jobs.run_due()
    waiting = Import.objects.filter(status="checked", mapping__heads=["sku", "name", "unit_price"], content__gt=b"")
    for row in [r for r in waiting if b"R-299" in bytes(r.content)]:
        actor = owner if row.owner_id == owner.id else other
        writing(lambda actor=actor, row=row: uploads.confirm(actor, registry.get("products"), Import.objects.get(pk=row.pk)))
    race(lambda: jobs.run_due(1), lambda: jobs.run_due(1))
    with permit():
        Job.objects.filter(kind="import", state="waiting").update(not_before="2000-01-01T00:00Z")
    jobs.run_due()
    assert Product.objects.filter(sku__startswith="R-").count() == 300
    done = [counts(row) for row in Import.objects.filter(status="done").order_by("-created_at")[:2]]
    assert sorted(done) == [(0, 0, 300, 0, 0), (300, 0, 0, 0, 0)]


def _second(owner):
    roles = [str(pk) for pk in registry.get("roles").model.objects.filter(key="owner").values_list("pk", flat=True)]
    return writing(lambda: write.create(owner, registry.get("users"), {"name": "Second", "email": "second@example.com", "roles": roles}))


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_does_all(owner, company, monkeypatch):
    monkeypatch.setattr(jobs, "_hints", [])
    jobs.run_due()
    object_type = registry.get("products")
    row = received(owner, "products", "sku,name\n" + "".join(f"K-{n},Killed {n}\n" for n in range(4000)))
    writing(lambda: uploads.check(owner, object_type, Import.objects.get(pk=row.pk), Mapping.from_json(row.mapping)))
    jobs.run_due()
    writing(lambda: uploads.confirm(owner, object_type, Import.objects.get(pk=row.pk)))
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.2))
    with workers(company, 0.2, 50) as spawn:
        worker, end = spawn(), time.monotonic() + 60
        while uploads.progress_of(row)[0] < 500:
            assert time.monotonic() < end
            time.sleep(0.02)
        kill(worker)
    assert not Product.objects.filter(sku__startswith="K-").exists() and Import.objects.get(pk=row.pk).status == "writing"
    time.sleep(0.5)
    jobs.run_due()
    row.refresh_from_db()
    assert (row.status, counts(row), Product.objects.filter(sku__startswith="K-").count()) == ("done", (4000, 0, 0, 0, 0), 4000)
    assert TrailEntry.objects.filter(batch=row.report["batch"]).count() == 4000


def test_bombs_and_broken_choices_are_refused_on_the_page(browser):
    file = io.BytesIO(b"PK\x03\x04" + b"\x00" * 500)
    file.name = "bomb.xlsx"
    answer = browser.post("/accounts/import/", {"file": file})
    assert answer.status_code == 422 and "cannot be read" in answer.content.decode()
    address = uploaded(browser, "name\nX\n", "accounts")
    for wrong in ({"mode": "delete"}, {"empties": "x"}, {"days": "ymd?"}, {"mode": "update"}):
        assert browser.post(address, {"do": "check", "column.0": "name", **wrong}).status_code == 422


def test_a_field_archived_between_check_and_confirmation_is_told_by_its_column(owner, api):
    made = api.post("custom-fields/", {"type": "contacts", "key": "hobby", "kind": "text", "label": "Hobby"}).json()
    row = received(owner, "contacts", "name,Hobby\nAnn,chess\n")
    object_type, before = registry.get("contacts"), Contact.objects.count()
    writing(lambda: uploads.check(owner, object_type, Import.objects.get(pk=row.pk), Mapping.from_json(row.mapping)))
    jobs.run_due()
    assert Import.objects.get(pk=row.pk).status == "checked"
    assert api.post(f"{made['url']}archive/", {}, version=made["version"]).status_code == 200
    writing(lambda: uploads.confirm(owner, object_type, Import.objects.get(pk=row.pk), False))
    jobs.run_due()
    found = Import.objects.get(pk=row.pk)
    assert found.status == "refused" and Contact.objects.count() == before
    assert found.report["said"] == ["Column “Hobby”: There is no such field, or you may not write it."]
