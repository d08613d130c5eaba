"""The sheet that makes a field, and the page that keeps a type's fields: in words, without a script, in few clicks."""

import base64
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import CustomField
from tests import factories, people


@pytest.fixture(scope="module")
def page(company, alice):
    return people.signed_in(alice, company)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


def make(page, slug: str = "accounts", **more):
    return page.post("/custom-fields/new/", {"whole": "1", "type": slug, **more})


def last() -> CustomField:
    return CustomField.objects.order_by("-created_at").first()


def test_from_a_list_to_a_list_with_the_new_column(page, api):
    api.post("accounts/", {"name": "There already"})
    head = page.get("/accounts/?sort=name").content.decode()
    assert "/custom-fields/new/?type=accounts&amp;next=%2Faccounts%2F%3Fsort%3Dname" in head
    sheet = page.get("/custom-fields/new/?type=accounts&next=/accounts/%3Fsort%3Dname").content.decode()
    assert 'name="listed"' in sheet
    made = make(page, label="Größe (cm)", kind="number", listed="1", next="/accounts/?sort=name")
    assert made.status_code == 302, made.content[:2000]
    assert last().key == "grosse_cm"
    assert "grosse_cm" in made.headers["Location"] and made.headers["Location"].startswith("/accounts/?sort=name&columns=")
    assert "Größe (cm)" in page.get(made.headers["Location"]).content.decode()
    assert 'name="grosse_cm"' in page.get("/accounts/new/").content.decode()
    assert api.post("accounts/", {"name": "Tall", "grosse_cm": "12"}).status_code == 201


LABELS = [("颜色", "yan_se"), ("Say \"hello\", <b>you</b> & 'me'", "say_hello_b_you_b_me"), ("L" * 200, "l" * 36), ("!!", "field")]


@pytest.mark.parametrize(("label", "key"), LABELS)
def test_keys_follow_from_labels(page, label, key):
    assert page.get("/custom-fields/suggest/", {"type": "contacts", "label": label}).content.decode() == key
    made = make(page, "contacts", label=label, kind="text")
    assert made.status_code == 302
    assert (last().key, last().label) == (key, label)
    assert page.get("/contacts/").status_code == page.get("/settings/fields/contacts/").status_code == 200
    again = make(page, "contacts", label=label, kind="text")
    assert again.status_code == 302
    assert last().key == f"{key}_2"


def test_options_are_typed_as_rows(page, api):
    rows = {"option.key": ["", "", ""], "option.label": ["红色", "Blue", ""], "option.color": ["red", "", ""], "option.state": ["", "", ""],
            "option.for": ["", "", ""], "option.more": ["", "", ""]}  # fmt: skip
    assert make(page, label="Colour", kind="choice", **rows).status_code == 302
    own = last()
    assert own.options == [{"key": "hong_se", "label": "红色", "color": "red"}, {"key": "blue", "label": "Blue"}]
    sheet = page.get(f"/custom-fields/{own.pk}/edit/").content.decode()
    assert 'value="红色"' in sheet
    api.post("accounts/", {"name": "Red", "colour": "hong_se"})
    changed = {"whole": "1", "type": "accounts", "kind": "choice", "label": "Colour", "version": "1"}
    gone = page.post(f"/custom-fields/{own.pk}/edit/", {**changed, **{n: v[1:] for n, v in rows.items()}, "option.key": ["blue", ""]})
    assert gone.status_code == 422
    assert "is in use by 1 record; archive the option instead." in gone.content.decode()
    put_away = {**rows, "option.key": ["hong_se", "blue", ""], "option.state": ["archived", "", ""]}
    assert page.post(f"/custom-fields/{own.pk}/edit/", {**changed, **put_away}).status_code == 302
    assert api.post("accounts/", {"name": "Late", "colour": "hong_se"}).status_code == 422
    red = api.get("accounts/", {"colour": "hong_se"}).json()["results"][0]
    assert api.patch(f"accounts/{red['id']}/", {"name": "Still red"}, red["version"]).status_code == 200
    form = page.get("/accounts/new/").content.decode()
    assert 'value="hong_se"' not in form and 'value="blue"' in form
    listed = page.get("/accounts/?columns=name,colour").content.decode()
    assert "dot-red" in listed


def test_options_that_depend_on_another_field(page, api):
    shape = {"option.color": ["", ""], "option.state": ["", ""], "option.more": ["", ""]}
    makes = {"option.key": ["", ""], "option.label": ["Audi", "BMW"], "option.for": ["", ""]}
    assert make(page, "leads", label="Make", kind="choice", **shape, **makes).status_code == 302
    model = {"option.key": ["", ""], "option.label": ["A4", "X5"], "option.for": ["Audi", "bmw"]}
    assert make(page, "leads", label="Model", kind="choice", depends_on="make", **shape, **model).status_code == 302
    assert last().options == [{"key": "a4", "label": "A4", "for": ["audi"]}, {"key": "x5", "label": "X5", "for": ["bmw"]}]
    assert api.post("leads/", {"name": "Fits", "make": "audi", "model": "a4"}).status_code == 201
    refused = api.post("leads/", {"name": "Fits not", "make": "bmw", "model": "a4"})
    assert set(refused.json()["errors"]) == {"model"}
    fits = api.get("leads/", {"model": "a4"}).json()["results"][0]
    assert set(api.patch(f"leads/{fits['id']}/", {"make": "bmw"}, fits["version"]).json()["errors"]) == {"model"}
    form = page.get("/leads/new/").content.decode()
    assert 'data-depends="id_make"' in form and 'data-for="bmw"' in form
    used = api.post(f"custom-fields/{CustomField.objects.get(key='make').pk}/archive/")
    assert used.status_code == 422 and "Model" in used.json()["errors"]["_"][0]


def test_what_is_wrong_is_said_at_its_place_and_nothing_is_lost(page):
    before = CustomField.objects.count()
    for more, word in (
        ({"label": "", "kind": "text"}, "required"), ({"label": "No options", "kind": "choice"}, "Name at least one option."),
        ({"label": "Nowhere", "kind": "ref"}, "Name the type this refers to."), ({"label": "Odd", "kind": "formula", "formula": "1 +"}, "character"),
        ({"label": "Odd", "kind": "number", "minimum": "5", "maximum": "1"}, "The most is less than the least."),
        ({"label": "Taken", "kind": "text", "key": "name"}, "This key is taken by the product itself."),
    ):  # fmt: skip
        answer = make(page, **more)
        assert answer.status_code == 422, more
        text = answer.content.decode()
        assert word in text and f'value="{more["label"]}"' in text
    assert CustomField.objects.count() == before


def test_fields_are_put_in_order_archived_and_restored(page, api):
    for label in ("First", "Second", "Third"):
        assert make(page, "products", label=label, kind="text").status_code == 302
    rows = {r.key: r for r in CustomField.objects.filter(type="products")}
    page.post("/settings/fields/products/order/", {"up": str(rows["third"].pk)})
    assert list(CustomField.objects.filter(type="products").order_by("position").values_list("key", flat=True)) == ["first", "third", "second"]
    page.post("/settings/fields/products/order/", {"field": [str(rows[k].pk) for k in ("second", "first", "third")]})
    assert list(CustomField.objects.filter(type="products").order_by("position").values_list("key", flat=True)) == ["second", "first", "third"]
    made = api.post("products/", {"name": "Chair", "sku": "C-1", "first": "kept"}).json()
    row = CustomField.objects.get(key="first", type="products")
    assert page.post(f"/settings/fields/{row.pk}/archive/", {"version": row.version}).status_code == 302
    assert "first" not in api.get(f"products/{made['id']}/").json()
    clash = api.post("custom-fields/", {"type": "products", "key": "first", "kind": "text", "label": "Again"})
    assert "An archived field has this key" in clash.json()["errors"]["key"][0]
    assert "First" in page.get("/settings/fields/products/").content.decode()
    assert page.post(f"/settings/fields/{row.pk}/restore/", {"version": row.version + 1}).status_code == 302
    assert api.get(f"products/{made['id']}/").json()["first"] == "kept"


def test_the_preview_is_the_control_itself(page):
    for kind, part in (("text", 'name="preview"'), ("choice", 'value="red"'), ("address", 'name="preview.city"'), ("formula", "filled in by itself")):
        sent = {"type": "accounts", "label": "Look", "kind": kind, "option.key": [""], "option.label": ["Red"], "option.color": [""], "option.state": [""],
                "option.for": [""], "option.more": [""]}  # fmt: skip
        answer = page.post("/custom-fields/preview/", sent)
        assert answer.status_code == 200 and part in answer.content.decode(), kind


def test_who_may_not_shape_fields_is_offered_none(company, bob):
    sales = people.signed_in(bob, company)
    assert "custom-fields/new" not in sales.get("/accounts/").content.decode()
    assert sales.get("/custom-fields/new/?type=accounts").status_code in (403, 404)
    assert make(sales, label="Mine", kind="text").status_code in (403, 404)


def test_a_roll_up_adds_up_only_what_its_conditions_say(page, api):
    words = {"label": "Won amount", "kind": "rollup", "rollup.from": "opportunities.account", "rollup.aggregate": "sum", "rollup.of": "opportunities.amount"}
    control = page.post("/custom-fields/only/", {"rollup.from": "opportunities.account"}).content.decode()
    assert 'name="rollup.over" value="opportunities"' in control and "/conditions/opportunities/?name=rollup.only" in control
    assert page.post("/custom-fields/only/", {"rollup.from": ""}).content.decode().strip() == '<div id="rollup-only"></div>'
    only = {"rollup.over": "opportunities", "rollup.only.join": "all", "rollup.only.0.field": "amount", "rollup.only.0.op": "gt", "rollup.only.0.value": "100"}
    more = make(page, **words, **only, **{"rollup.only.do": "add:"})
    assert more.status_code == 200 and 'name="rollup.only.1.field"' in more.content.decode() and 'alert-late' not in more.content.decode()
    assert make(page, **words, **only).status_code == 302
    row = last()
    assert row.rollup == {"type": "opportunities", "field": "account", "aggregate": "sum", "of": "amount", "filter": ["amount", "gt", "100.00"]}
    account = api.post("accounts/", {"name": "Rolls up"}).json()["id"]
    for amount in ("50", "150", "200"):
        factories.make("opportunities", api, account=account, amount=amount)
    assert api.get(f"accounts/{account}/").json()[row.key] == "350.00"
    sheet = page.get(f"/custom-fields/{row.pk}/edit/").content.decode()
    assert 'name="rollup.only.0.field"' in sheet and 'value="100.00"' in sheet
    wrong = page.post(f"/custom-fields/{row.pk}/edit/", {**words, **only, "type": "accounts", "version": "1", "rollup.only.0.value": "much"})
    assert wrong.status_code == 422 and "Enter a number." in wrong.content.decode()
    other = {**words, **only, "type": "accounts", "version": "1", "rollup.from": "contacts.account", "rollup.aggregate": "count"}
    assert page.post(f"/custom-fields/{row.pk}/edit/", other).status_code == 302, "conditions about another type are none about this one"
    row.refresh_from_db()
    assert row.rollup == {"type": "contacts", "field": "account", "aggregate": "count"}


def test_a_field_is_added_from_the_form_and_from_the_record(page, api):
    account = api.post("accounts/", {"name": "Open"}).json()["id"]
    there = f"/custom-fields/new/?type=accounts&amp;next=%2Faccounts%2F{account}%2F"
    assert there in page.get(f"/accounts/{account}/").content.decode()
    assert there in page.get(f"/accounts/{account}/edit/").content.decode()
    assert make(page, label="From the record", kind="text", next=f"/accounts/{account}/").headers["Location"] == f"/accounts/{account}/"


PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def test_a_file_chosen_in_a_refused_form_is_kept_and_a_picture_is_shown(page, api):
    assert make(page, "contacts", label="Portrait", kind="image").status_code == 302
    assert make(page, "contacts", label="Height", kind="number").status_code == 302
    brought = {"portrait.file": SimpleUploadedFile("anna.png", PICTURE)}
    refused = page.post("/contacts/new/", {"whole": "1", "name": "Anna", "height": "tall", **brought})
    text = refused.content.decode()
    ident = re.search(r'name="portrait" value="([0-9a-f-]{36})"', text)
    assert refused.status_code == 422 and ident and "anna.png" in text
    kept = page.get(f"/files/{ident[1]}/")
    assert kept.content == PICTURE and "sandbox" in kept.headers["Content-Security-Policy"] and kept.headers["X-Content-Type-Options"] == "nosniff"
    made = page.post("/contacts/new/", {"whole": "1", "name": "Anna", "height": "172", "portrait": ident[1]})
    assert made.status_code == 302, made.content[:2000]
    shown = page.get(made.headers["Location"]).content.decode()
    assert f'<img class="thumb" src="/files/{ident[1]}/" alt=""' in shown and "anna.png" in shown
    drawing = page.post("/contacts/new/", {"whole": "1", "name": "Ben", "portrait.file": SimpleUploadedFile("x.svg", b"<svg onload='x'/>")})
    assert drawing.status_code == 422 and "There is no such picture." in drawing.content.decode()
