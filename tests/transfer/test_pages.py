"""The import by web: file, columns, check, confirm; without JavaScript; nothing written until confirmed."""

import re
from io import BytesIO

import pytest

from core import access, door, jobs, write
from core.models import Import, Job, TrailEntry
from core.models.record import permit
from core.registry import get
from crm.models import Account, Contact

GOOD = "external_id,name,Colour of hair,owner\nW-1,Anna,red,\nW-2,Ben,brown,\n"


def uploaded(browser, text, slug="contacts", name="people.csv"):
    """The address of the upload's page."""
    file = BytesIO(text if isinstance(text, bytes) else text.encode())
    file.name = name
    answer = browser.post(f"/{slug}/import/", {"file": file})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return answer.url


def mapped(browser, address, key="external_id", columns=("external_id", "name", "", "owner")):
    words = {f"column.{i}": name for i, name in enumerate(columns)}
    return browser.post(address, {"do": "check", "key": key, **words})


def count(html, which):
    return int(re.search(rf'data-count="{which}">(\d+)<', html)[1])


@pytest.fixture
def browser(alice, client_for):
    return client_for(alice)


def page(browser, address, status=200):
    answer = browser.get(address)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def test_a_file_goes_through_all_steps_and_is_written_only_when_confirmed(browser, alice):
    assert "multipart/form-data" in page(browser, "/contacts/import/")
    address = uploaded(browser, GOOD)
    shown = page(browser, address)
    assert "Colour of hair" in shown and "red · brown" in shown
    assert re.search(r'name="column.1".*?<option value="name" selected>', shown, re.DOTALL)
    assert mapped(browser, address).url == address
    waiting = browser.get(address)
    assert waiting.headers["Refresh"] == "2" and "being checked" in waiting.content.decode()
    assert jobs.run_due() == 1
    checked = page(browser, address)
    assert [count(checked, c) for c in ("new", "changed", "unchanged", "errors")] == [2, 0, 0, 0]
    assert not Contact.objects.exists() and "Import now" in checked
    browser.post(address, {"do": "confirm"})
    assert not Contact.objects.exists()
    assert jobs.run_due() == 1
    done = page(browser, address)
    assert "The file was imported." in done and 'href="/contacts/"' in done
    anna = Contact.objects.get(external_id="W-1")
    assert (anna.name, anna.owner_id) == ("Anna", alice.pk)
    entry = TrailEntry.objects.get(about_id=anna.pk)
    assert (entry.channel, entry.actor, entry.act) == ("import", alice.pk, "add")
    assert Import.objects.get(pk=address.split("/")[-2]).content == b""
    assert "people.csv" in page(browser, "/contacts/import/")
    assert browser.post(address, {"do": "confirm"}).status_code == 409


def test_errors_stand_by_row_and_column_and_nothing_can_be_confirmed(browser):
    address = uploaded(browser, "name,email,note\nEva,eva@example.com,x\nOdd,not an address,=1+1\n")
    mapped(browser, address, "", ("name", "email", ""))
    jobs.run_due()
    shown = page(browser, address)
    assert re.search(r"<td[^>]*>3</td><td>email</td><td>not an address</td><td>Enter an e-mail address", shown)
    assert "Import now" not in shown and not Contact.objects.filter(name="Eva").exists()
    assert browser.post(address, {"do": "confirm"}).status_code == 409
    file = browser.get(f"{address}errors.csv")
    assert file.headers["Content-Type"].startswith("text/csv")
    assert file.content.decode("utf-8-sig").splitlines()[1].startswith("3,email,not an address,")
    browser.post(address, {"do": "map"})
    mapped(browser, address, "", ("name", "", ""))
    jobs.run_due()
    browser.post(address, {"do": "confirm"})
    jobs.run_due()
    assert Contact.objects.filter(name__in=("Eva", "Odd")).count() == 2


def test_what_is_no_csv_and_a_mapping_that_makes_no_sense_are_refused_on_the_page(browser):
    file = BytesIO(b"")
    file.name = "empty.csv"
    answer = browser.post("/contacts/import/", {"file": file})
    assert answer.status_code == 422 and "The file is empty." in answer.content.decode()
    assert browser.post("/contacts/import/", {}).status_code == 422
    address = uploaded(browser, GOOD)
    answer = mapped(browser, address, "email", ("name", "name", "title", ""))
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Another column already fills this field." in said and "must be one of the columns" in said
    assert re.search(r'name="column.2".*?<option value="title" selected>', said, re.DOTALL)
    assert mapped(browser, address, "", ("title", "", "", "")).status_code == 422
    assert browser.post(address, {"do": "nonsense"}).status_code == 422


def test_other_peoples_files_and_types_one_may_not_import_are_closed(browser, bob, carol, client_for):
    address = uploaded(browser, GOOD)
    assert client_for(bob).get(address).status_code == 404
    assert client_for(bob).get(address.replace("contacts", "accounts")).status_code == 404
    assert client_for(carol).get("/contacts/import/").status_code == 403
    assert browser.get("/facts/import/").status_code == 403
    assert browser.get("/nonsense/import/").status_code == 404


def test_the_job_runs_with_the_rights_its_asker_holds_then(alice, client_for):
    kim = door.writing(lambda: write.create(access.system("tests"), get("users"), {"name": "Kim", "email": "kim@example.com", "roles": [_role("sales")]}))
    browser = client_for(kim)
    address = uploaded(browser, "name\nKim's own\n", "accounts")
    mapped(browser, address, "", ("name",))
    door.writing(lambda: write.change(access.actor_for(alice), get("users"), kim.pk, {"roles": [_role("read-only")]}, kim.version))
    jobs.run_due()
    assert Import.objects.get(pk=address.split("/")[-2]).status == "refused"
    assert not Account.objects.filter(name="Kim's own").exists()


def _role(key):
    return str(get("roles").model.objects.get(key=key).pk)


def test_a_job_that_runs_again_writes_nothing_twice(browser):
    address = uploaded(browser, "name\nOnce\n", "accounts")
    mapped(browser, address, "", ("name",))
    jobs.run_due()
    browser.post(address, {"do": "confirm"})
    jobs.run_due()
    with permit():  # as if the worker had died before it could say that the work is done
        Job.objects.filter(kind="import").update(state="waiting")
    jobs.run_due()
    assert Account.objects.filter(name="Once").count() == 1


def test_gbk_with_semicolons_by_web(browser):
    address = uploaded(browser, "名称;国家\r\n上海贸易;德国\r\n".encode("gbk"), "accounts")
    assert "GB18030" in page(browser, address)
    mapped(browser, address, "", ("name", "country"))
    jobs.run_due()
    browser.post(address, {"do": "confirm"})
    jobs.run_due()
    assert Account.objects.get(name="上海贸易").country == "DE"


def test_a_file_in_order_is_imported_at_once_and_one_with_an_error_not_at_all(browser):
    columns = {f"column.{i}": name for i, name in enumerate(("external_id", "name", "", "owner"))}
    address = uploaded(browser, GOOD.replace("W-", "once-"))
    assert 'value="write"' in page(browser, address)
    browser.post(address, {"do": "write", "key": "external_id", **columns})
    assert "The records are being written." in page(browser, address) and jobs.run_due() == 1
    assert "The file was imported." in page(browser, address)
    made = Contact.objects.filter(external_id__startswith="once-")
    assert made.count() == 2 and TrailEntry.objects.filter(about_id__in=made.values("pk")).count() == 2
    address = uploaded(browser, GOOD.replace("W-", "never-") + "never-9,,,\n")
    browser.post(address, {"do": "write", "key": "external_id", **columns})
    jobs.run_due()
    refused = page(browser, address)
    assert count(refused, "errors") == 1 and "Import the 2 good rows" in refused
    assert not Contact.objects.filter(external_id__startswith="never-").exists()
    browser.post(uploaded(browser, GOOD), {"do": "write", "column.0": "name", "column.1": "name"})
    assert jobs.run_due() == 0
