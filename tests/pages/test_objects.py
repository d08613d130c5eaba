"""The generic pages of every type: they open, save, refuse and show as the registry says; and cost the same for few and for many."""

import json
import re

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from core import access, door, registry, schema, write
from core.errors import RuleError
from core.models import TrailEntry
from crm.models import Account
from erp.models import SalesOrder
from tests import dealer, factories, people

SLUGS = sorted((*(t.slug for t in registry.every()), *dealer.SLUGS))
BUILT = {"layouts", "kpis", "dashboards", "packs", "custom-fields"}  # on pages of their own: tests/layouts, tests/kpi, tests/shaping, tests/fields
WRITTEN = sorted({*factories.writable(), *dealer.SLUGS} - BUILT)
MOST_QUERIES = 45  # of a page: what it shows, who asks, and the session


def make(user, slug, **data):
    return door.writing(lambda: write.create(access.actor_for(user), registry.get(slug), data))


def do(user, slug, record, act, **data):
    return door.writing(lambda: write.act(access.actor_for(user), registry.get(slug), record.pk, act, data))


def values_for(user, slug):
    """Valid texts of a form for a new record of this type."""
    if slug == "orders":
        account = make(user, "accounts", name="Orders Ltd")
        line = {"description": "Work", "quantity": "2", "unit_price": "10", "discount": "5%"}
        return {"account": str(account.pk), **{f"lines.0.{name}": text for name, text in line.items()}}
    known = {
        "org-units": {"name": "North"},
        "users": {"name": "Erin", "email": "erin@example.com", "password": "plum-orchard-lantern"},
        "roles": {"name": "Guests", "grants.0.type": "accounts", "grants.0.actions": "view", "grants.0.scope": "own"},
        "custom-fields": {"type": "contacts", "key": "nickname", "kind": "text", "label": "Nickname"},
        "tax-codes": {"code": "VAT7", "rate": "7"}, "accounts": {"name": "Form Ltd", "roles": ["customer"]}, "contacts": {"name": "Frank"},
        "activities": {"kind": "call", "subject": "Called"}, "product-categories": {"name": "Tools"},
        "pipelines": {"name": "Repairs", "stages.0.name": "Seen", "stages.0.probability": "20", "stages.0.order": "1"},
        "products": {"sku": "F-1", "name": "Hammer", "unit_price": "9.90"},
    }  # fmt: skip
    return known[slug] if slug in known else texts(slug, {n: v for n, v in factories.data(slug, access.actor_for(user)).items() if v is not None})


def texts(slug, stated):
    """What a person would type, or choose, for these values."""
    object_type = registry.get(slug)
    known = schema.fields(object_type)
    lines = {entry.name: entry.fields for entry in object_type.lines}
    told = {name: (known[name], value) for name, value in stated.items() if name not in lines}
    for name, rows in ((name, rows) for name, rows in stated.items() if name in lines):
        told |= {f"{name}.{i}.{column}": (lines[name][column], value) for i, row in enumerate(rows) for column, value in row.items()}
    return {name: f.rules.to_form(f, f.rules.clean(f, value)) for name, (f, value) in told.items()}


def hidden(response, name):
    return re.search(rf'name="{name}" value="([^"]+)"', response.content.decode())[1]


def value(response, name):
    """What the input of this name holds."""
    return re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]* value="([^"]*)"', response.content.decode())[1]


def sentences(response):
    return re.findall(r'class="error">.*?<span>(.*?)</span>', response.content.decode(), re.S)


@pytest.fixture(scope="module")
def order(alice):
    account = make(alice, "accounts", name="Acme", country="DE", roles=["customer"], email="info@acme.example", phone="+49 30 901820")
    product = make(alice, "products", sku="P-1", name="Bolt", unit_price="10")
    lines = [{"product": str(product.pk), "quantity": "3"}, {"product": str(product.pk), "quantity": "1", "unit_price": "9.99", "discount": "0.1"}]
    return make(alice, "orders", account=str(account.pk), lines=lines, charges=[{"name": "Freight", "amount": "5"}])


@pytest.fixture(scope="module", autouse=True)
def _own_objects(company, alice):
    dealer.build(access.actor_for(alice))


# Every type ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_the_list_of_every_type_opens(slug, alice, client_for, order):
    response = client_for(alice).get(f"/{slug}/")
    assert response.status_code == 200 and f"<h1>{registry.get(slug).plural}</h1>" in response.content.decode()


@pytest.mark.parametrize("slug", WRITTEN)
def test_every_type_is_made_read_and_changed_by_its_forms(slug, alice, client_for):
    client = client_for(alice)
    blank = client.get(f"/{slug}/new/")
    sent = {"whole": "1", "id": hidden(blank, "id"), **values_for(alice, slug)}
    made = client.post(f"/{slug}/new/", sent)
    assert made.status_code == 302, sentences(made)
    place = f"/{slug}/{sent['id']}/"
    assert made["Location"] == place
    again = client.post(f"/{slug}/new/", sent)
    assert (again.status_code, again["Location"]) == (302, place)  # a second click makes no second record
    assert registry.get(slug).all().filter(pk=sent["id"]).count() == 1
    for page in (place, f"{place}?tab=history", f"{place}edit/"):
        assert client.get(page).status_code == 200, page
    version = hidden(client.get(f"{place}edit/"), "version")
    untouched = client.post(f"{place}edit/", {"version": version})
    assert untouched.status_code == 302
    assert registry.get(slug).all().get(pk=sent["id"]).version == int(version)  # nothing typed, nothing written


@pytest.mark.parametrize("slug", WRITTEN)
def test_a_form_sent_back_as_it_was_shown_changes_nothing(slug, alice, client_for):
    """Every control carries its field's value there and back: a date to the minute, a percent, a list of choices."""
    rows = registry.get(slug).all
    record = rows().order_by("-created_at").first()
    client = client_for(alice)
    page = client.get(f"/{slug}/{record.pk}/edit/")
    sent = form_of(page.content.decode())
    answer = client.post(f"/{slug}/{record.pk}/edit/", sent)
    assert answer.status_code == 302, sentences(answer)
    assert rows().get(pk=record.pk).version == record.version, TrailEntry.objects.filter(about_id=record.pk).latest("id").changes


def form_of(html):
    """What a browser would send of the page's form, untouched."""
    form = html[html.index('data-guard'):]
    form = re.sub(r"<template.*?</template>", "", form[: form.index("</form>")], flags=re.S)
    sent = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        name, kind = re.search(r'name="([^"]*)"', tag), re.search(r'type="([^"]*)"', tag)
        if name and (not kind or kind[1] != "checkbox" or " checked" in tag):
            held = re.search(r' value="([^"]*)"', tag)
            sent.setdefault(name[1], []).append(unescape(held[1]) if held else "")
    for attributes, body in re.findall(r"<select\b([^>]*)>(.*?)</select>", form, re.S):
        name = re.search(r'name="([^"]*)"', attributes)[1]
        chosen = [unescape(v) for v in re.findall(r'<option value="([^"]*)"[^>]*\bselected', body)]
        sent[name] = chosen if "multiple" in attributes else chosen or [""]
    for attributes, body in re.findall(r"<textarea\b([^>]*)>(.*?)</textarea>", form, re.S):
        sent[re.search(r'name="([^"]*)"', attributes)[1]] = [unescape(body)]
    return sent


def unescape(text):
    return text.replace("&quot;", '"').replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("slug", SLUGS)
def test_nobody_unsigned_sees_anything(slug, company, client_for, order):
    client = people.browser(company)
    for path in (f"/{slug}/", f"/{slug}/new/", f"/lookup/{slug}/"):
        response = client.get(path)
        assert (response.status_code, response["Location"].startswith("/sign-in/?next=")) == (302, True)
    assert client.post(f"/{slug}/new/", {"name": "x"}).status_code in (302, 403)


@pytest.mark.parametrize("slug", [slug for slug in WRITTEN if getattr(registry.get(slug), "personal", None) is None])  # of those everybody may have his own
def test_who_may_not_write_is_told_and_changes_nothing(slug, alice, carol, client_for):
    rows = registry.get(slug).all
    record = rows().order_by("created_at").first() or factories.make(slug, access.actor_for(alice))
    values, client = values_for(alice, slug), client_for(carol)
    count = rows().count()
    visible = access.rows(access.actor_for(carol), registry.get(slug)).filter(pk=record.pk).exists()
    denied = 403 if visible else 404
    assert client.get(f"/{slug}/{record.pk}/").status_code == (200 if visible else 404)
    assert client.get(f"/{slug}/new/").status_code in (403, 404)
    assert client.post(f"/{slug}/new/", {"whole": "1", **values}).status_code in (403, 404)
    for place in ("edit", "archive", "delete"):
        assert client.get(f"/{slug}/{record.pk}/{place}/").status_code in (denied, 404)
        assert client.post(f"/{slug}/{record.pk}/{place}/", {"version": record.version, "whole": "1", "name": "taken"}).status_code in (denied, 404)
    assert rows().get(pk=record.pk).version == record.version
    assert rows().count() == count


@pytest.mark.parametrize("slug", SLUGS)
def test_another_companys_records_are_nowhere(slug, dave, other_company, client_for, company):
    stranger = client_for(dave, other_company)
    record = registry.get(slug).all().order_by("pk").first()
    if record is None:
        record = type("Unknown", (), {"pk": "01a20011-c8b1-7166-8537-31081113866f"})
    if not isinstance(record.pk, int):  # ledgers count from one in every company
        for path in ("", "edit/", "archive/", "delete/"):
            assert stranger.get(f"/{slug}/{record.pk}/{path}").status_code == 404
    for nonsense in ("0", "x", "%00", "00000000-0000-0000-0000-00000000000g"):
        assert stranger.get(f"/{slug}/{nonsense}/").status_code == 404


# What bad input gets ------------------------------------------------------------------------------------------------


def test_a_refused_form_keeps_what_was_typed_and_says_why_at_each_field(alice, client_for, order):
    client, before = client_for(alice), SalesOrder.objects.count()
    sent = {
        "whole": "1", "account": str(order.account_id), "order_date": "soon", "ship_name": "Dock 4 <b>",
        "lines.0.description": "Bolts", "lines.0.quantity": "many", "lines.0.unit_price": "1,000.50",
        "lines.1.description": "", "lines.1.quantity": "", "lines.2.description": "Nuts", "lines.2.quantity": "-1",
    }  # fmt: skip
    response = client.post("/orders/new/", sent)
    page = response.content.decode()
    assert response.status_code == 422 and SalesOrder.objects.count() == before
    assert value(response, "ship_name") == "Dock 4 &lt;b&gt;"
    assert value(response, "lines.0.quantity") == "many" and value(response, "lines.1.description") == "Nuts"  # the blank row is gone
    assert 'id="id_order_date-error"' in page and 'id="id_lines.0.quantity-error"' in page and 'id="id_lines.1.quantity-error"' in page
    assert "Nothing was saved: 3 entries need your attention." in page


@pytest.mark.parametrize(("slug", "data"), [
    ("accounts", {"name": "", "email": "nobody", "website": "not a web address", "payment_days": "-4", "country": "Atlantis"}),
    ("products", {"sku": "", "name": "", "unit_price": "-1"}),
    ("activities", {"kind": "dance", "subject": "x" * 400, "due_at": "tomorrow"}),
    ("orders", {"requested_date": "2026-02-30", "ship_country": "XX"}),
])  # fmt: skip
def test_page_and_api_refuse_with_the_same_sentences(slug, data, alice, client_for, api_for):
    page = client_for(alice).post(f"/{slug}/new/", {"whole": "1", **data})
    with pytest.raises(RuleError) as refused:
        make(alice, slug, **{n: v for n, v in data.items() if v})
    api = api_for(alice).post(f"{slug}/", {n: v for n, v in data.items() if v})
    assert (page.status_code, api.status_code) == (422, 422)
    told = json.loads(api.content)["errors"]
    assert told == refused.value.errors
    shown = [unescape(s) for s in sentences(page)]
    assert sorted(shown) == sorted(s for found in told.values() for s in found)


@pytest.mark.parametrize("query", [
    "nonsense=1", "name__shout=x", "filter={", 'filter=["name"]', "sort=nothing", "cursor=abc", "limit=0", "limit=abc",
    "name=%00", "owner=me", "as_of=2026-01-01", "sum=name",
    "archived=perhaps", "columns=nothing", "add=nothing", "field=name&op=explode&value=1", "payment_days__gt=99999999999999999999", "q=%00",
])  # fmt: skip
def test_hostile_addresses_of_a_list_are_answered_below_500(query, alice, client_for):
    assert client_for(alice).get(f"/accounts/?{query}").status_code in (200, 302, 400, 422)


# Stale forms --------------------------------------------------------------------------------------------------------


def test_a_stale_form_shows_both_and_saves_what_was_chosen(alice, bob, client_for):
    account = make(alice, "accounts", name="Stale Ltd", city="Bonn", industry="Metals")
    client, place = client_for(alice), f"/accounts/{account.pk}/edit/"
    sent = form_of(client.get(place).content.decode())
    theirs = {"city": "Köln", "phone": "123", "industry": "Glass"}
    door.writing(lambda: write.change(access.actor_for(alice), registry.get("accounts"), account.pk, theirs, 1))
    mine = sent | {"city": ["Hamburg"], "street": ["Kai 1"]}
    response = client.post(place, mine)
    page = response.content.decode()
    assert response.status_code == 412
    assert value(response, "city") == "Hamburg" and value(response, "street") == "Kai 1"  # nothing typed is lost
    assert "Hamburg" in page and "Köln" in page and "Glass" in page
    assert re.search(r'name="keep.city" value="mine" checked', page)  # both changed it: one's own is chosen
    assert re.search(r'name="keep.industry" value="theirs" checked', page)  # only they changed it: theirs is
    assert Account.objects.get(pk=account.pk).city == "Köln"
    resolved = form_of(page) | {"keep.city": ["mine"], "keep.industry": ["theirs"], "keep.phone": ["theirs"]}
    assert client.post(place, resolved).status_code == 302
    stored = Account.objects.get(pk=account.pk)
    assert (stored.city, stored.industry, stored.phone, stored.street) == ("Hamburg", "Glass", "123", "Kai 1")


def test_a_stale_act_does_nothing_and_says_so(alice, client_for):
    account = make(alice, "accounts", name="Busy Ltd")
    door.writing(lambda: write.change(access.actor_for(alice), registry.get("accounts"), account.pk, {"city": "Köln"}, 1))
    response = client_for(alice).post(f"/accounts/{account.pk}/archive/", {"version": "1"})
    assert response.status_code == 412
    assert "nothing was done" in response.content.decode()
    assert Account.objects.get(pk=account.pk).archived_at is None


# Lines and acts -----------------------------------------------------------------------------------------------------


def test_lines_are_added_and_removed_without_a_script(alice, client_for, order):
    client, before = client_for(alice), SalesOrder.objects.count()
    sent = {"whole": "1", "account": str(order.account_id), "lines.0.description": "One", "lines.0.quantity": "1", "lines.0.unit_price": "5"}
    more = client.post("/orders/new/", {**sent, "add": "lines"})
    assert more.status_code == 200 and value(more, "lines.0.description") == "One" and value(more, "lines.1.description") == ""
    two = form_of(more.content.decode()) | {"lines.1.description": ["Two"], "lines.1.quantity": ["2"], "lines.1.unit_price": ["7"]}
    less = client.post("/orders/new/", {**two, "remove": "lines.0"})
    assert less.status_code == 200 and value(less, "lines.0.description") == "Two"
    assert SalesOrder.objects.count() == before
    made = client.post("/orders/new/", form_of(less.content.decode()))
    assert made.status_code == 302
    saved = SalesOrder.objects.get(pk=made["Location"].split("/")[2])
    assert [line.description for line in saved.lines.all()] == ["Two"] and saved.net == 14


def test_an_order_is_confirmed_amended_and_cancelled_by_pages_alone(alice, client_for, order):
    client, place = client_for(alice), f"/orders/{order.pk}/"
    assert f'href="{place}confirm/"' in client.get(place).content.decode()
    assert client.post(f"{place}confirm/", {"whole": "1", "date": "2026-03-05", "version": order.version}).status_code == 302
    page = client.get(place).content.decode()
    assert "SO-2026-" in page and f'href="{place}amend/"' in page and f'href="{place}confirm/"' not in page
    form = client.get(f"{place}edit/").content.decode()
    assert 'name="account"' not in form and 'name="lines.0.quantity"' not in form and 'name="requested_date"' in form
    sent = form_of(client.get(f"{place}amend/").content.decode()) | {"lines.0.quantity": ["5"], "date": ["2026-04-01"]}
    assert client.post(f"{place}amend/", sent).status_code == 302
    order.refresh_from_db()
    assert (order.revision, str(order.net)) == (2, "58.9900")
    again = client.post(f"{place}confirm/", {"whole": "1"})
    assert again.status_code == 409 and "not possible" in again.content.decode()
    refused = client.post(f"{place}cancel/", {"whole": "1", "reason": "", "version": order.version})
    assert refused.status_code == 422 and "This field is required." in refused.content.decode()
    assert client.post(f"{place}cancel/", {"whole": "1", "reason": "Changed plans", "version": order.version}).status_code == 302
    history = client.get(f"{place}?tab=history").content.decode()
    assert "Quantity 3" in history and "Quantity 5" in history and "Changed plans" in history


def test_a_draft_is_deleted_and_what_others_point_to_is_archived_and_restored(alice, client_for):
    client = client_for(alice)
    account, free = make(alice, "accounts", name="Pointed"), make(alice, "accounts", name="Free")
    make(alice, "contacts", name="Pointer", account=str(account.pk))
    assert "Delete: Free" in client.get(f"/accounts/{free.pk}/delete/").content.decode()
    assert client.post(f"/accounts/{free.pk}/delete/", {"version": "1"})["Location"] == "/accounts/"
    client.post(f"/accounts/{account.pk}/delete/", {"version": "1"})
    assert not Account.objects.filter(pk=free.pk).exists() and Account.objects.get(pk=account.pk).archived_at
    page = client.get(f"/accounts/{account.pk}/").content.decode()
    assert "This record is archived" in page and f'action="/accounts/{account.pk}/restore/"' in page
    assert "Pointed" in client.get("/accounts/?archived=true").content.decode()
    assert client.post(f"/accounts/{account.pk}/restore/", {"version": "2"}).status_code == 302
    assert Account.objects.get(pk=account.pk).archived_at is None


def test_an_activity_is_logged_on_a_records_page(alice, client_for):
    account, client = make(alice, "accounts", name="Logged"), client_for(alice)
    place = f"/accounts/{account.pk}/"
    sent = {"subject": "Called about the valves", "kind": "call", "about": f"accounts:{account.pk}", "next": place}
    assert client.post("/activities/new/", sent)["Location"] == place
    assert "Called about the valves" in client.get(place).content.decode()
    away = client.post("/activities/new/", {**sent, "next": "https://elsewhere.example/"})
    assert away["Location"].startswith("/activities/")


# Lists --------------------------------------------------------------------------------------------------------------


def test_a_list_is_filtered_by_a_form_and_shows_a_chip_that_takes_the_filter_away(alice, client_for):
    client = client_for(alice)
    make(alice, "accounts", name="Chip One", industry="Chips", country="DE")
    make(alice, "accounts", name="Chip Two", industry="Chips", country="FR")
    form = client.get("/accounts/?industry=Chips&add=country").content.decode()
    assert '<option value="FR"' in form and '<input type="hidden" name="industry" value="Chips">' in form
    sent = client.get("/accounts/?industry=Chips&field=country&op=eq&value=FR")
    assert (sent.status_code, sent["Location"]) == (302, "/accounts/?industry=Chips&country=FR")
    page = client.get(sent["Location"]).content.decode()
    assert "Chip Two" in page and "Chip One" not in page and "Country: <b>France</b>" in page and "1 record<" in page
    assert 'href="/accounts/?industry=Chips"' in page
    tree = json.dumps({"all": [["industry", "eq", "Chips"], ["country", "eq", "DE"]]})
    page = client.get("/accounts/", {"filter": tree}).content.decode()
    assert "Chip One" in page and "Chip Two" not in page and "Country: <b>Germany</b>" in page
    nothing = client.get("/accounts/?industry=Nobody").content.decode()
    assert "Nothing matches." in nothing and "Clear filters" in nothing


def test_a_list_is_sorted_paged_and_swapped_alone(alice, client_for):
    client = client_for(alice)
    for number in range(3):
        make(alice, "accounts", name=f"Page {number}", industry="Paged")
    first = client.get("/accounts/?industry=Paged&sort=name&limit=2").content.decode()
    assert 'aria-sort="ascending"' in first and first.index("Page 0") < first.index("Page 1") and "Page 2" not in first
    following = unescape(re.search(r'rel="next" href="([^"]*)"', first)[1])
    second = client.get(following, headers={"HX-Request": "true"}).content.decode()
    assert "Page 2" in second and "<html" not in second and 'id="list"' in second
    assert "<html" in client.get(following, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).content.decode()


def test_the_file_holds_exactly_what_is_seen(alice, client_for):
    client = client_for(alice)
    make(alice, "accounts", name="=Export", industry="Filed", city="Ulm")
    response = client.get("/accounts/?industry=Filed&columns=name,city&format=csv")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert response["Content-Type"].startswith("text/csv") and lines == ["Name,City", "'=Export,Ulm"]


def test_a_figure_leads_to_the_facts_that_add_up_to_it_and_each_to_its_record(alice, client_for):
    client = client_for(alice)
    account = make(alice, "accounts", name="Drilled")
    made = make(alice, "orders", account=str(account.pk), lines=[{"description": "Work", "quantity": "3", "unit_price": "41.5"}])
    do(alice, "orders", made, "confirm")
    page = client.get(f"/accounts/{account.pk}/").content.decode()
    drill = unescape(re.search(r'href="(/facts/\?[^"]*)" title="\$124\.50"', page)[1])
    facts = client.get(drill).content.decode()
    assert "$124.50" in facts and f"/orders/{made.pk}/" in facts and "As of" in facts and "Formula" in facts
    more = make(alice, "orders", account=str(account.pk), lines=[{"description": "More", "quantity": "1", "unit_price": "1000"}])
    do(alice, "orders", more, "confirm")
    assert "$124.50" in client.get(drill).content.decode()  # the same snapshot, whatever was written since
    file = b"".join(client.get(f"{drill}&format=csv").streaming_content).decode("utf-8-sig")
    assert sum(float(line.rsplit(",", 1)[1]) for line in file.splitlines()[1:]) == 124.5


def test_long_lists_are_searched_without_a_script(alice, client_for):
    """Of more records than a list holds, one is found by sending the form; nothing typed is lost and nothing saved."""
    door.writing(lambda: write.create_many(access.actor_for(alice), registry.get("accounts"), [{"name": f"Crowd {i:03}"} for i in range(110)]))
    far = make(alice, "accounts", name="Zz far away")
    client = client_for(alice)
    assert str(far.pk) not in client.get("/contacts/new/").content.decode()
    found = client.post("/contacts/new/", {"whole": "1", "name": "Seeker", "find.account": "far away", "find": "account"})
    assert found.status_code == 200 and f'value="{far.pk}"' in found.content.decode() and value(found, "name") == "Seeker"
    anything = client.post("/activities/new/", {"whole": "1", "subject": "Seek", "find.about": "far away", "find": "about"})
    assert f'value="accounts:{far.pk}"' in anything.content.decode()


@pytest.mark.parametrize("slug", ["facts", "trail"])
def test_an_entry_of_a_ledger_opens_and_offers_no_change(slug, alice, client_for):
    entry = registry.get(slug).all().order_by("pk").first()
    client = client_for(alice)
    page = client.get(f"/{slug}/{entry.pk}/")
    assert page.status_code == 200 and "/edit/" not in page.content.decode()
    for place in ("edit", "delete", "archive"):
        assert client.post(f"/{slug}/{entry.pk}/{place}/", {"version": "1"}).status_code == 404


def test_a_drill_says_what_its_reader_may_not_see(alice, bob, client_for):
    query = {"filter": json.dumps({"all": [["measure", "eq", "ordered"]]}), "sum": "value"}
    assert "may not see" not in client_for(alice).get("/facts/", query).content.decode()
    assert "that you may not see are left out." in client_for(bob).get("/facts/", query).content.decode()


# Cost ---------------------------------------------------------------------------------------------------------------


def queries(client, path):
    with CaptureQueriesContext(connections["default"]) as seen:
        assert client.get(path).status_code == 200
    return [q["sql"] for q in seen.captured_queries if not q["sql"].startswith(("BEGIN", "COMMIT", "ROLLBACK", "SET"))]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_list_costs_the_same_for_five_records_and_fifty(slug, alice, client_for, order):
    client = client_for(alice)
    if slug in ("accounts", "contacts", "products"):
        missing = 50 - registry.get(slug).all().count()
        extra = [{"name": f"Many {i}", **({"sku": f"M{i}"} if slug == "products" else {})} for i in range(missing)]
        if extra:
            door.writing(lambda: write.create_many(access.actor_for(alice), registry.get(slug), extra))
    client.get(f"/{slug}/?limit=5")
    few, many = queries(client, f"/{slug}/?limit=5"), queries(client, f"/{slug}/?limit=50")
    named = [f for f in access.fields(access.actor_for(alice), registry.get(slug)).values() if f.is_reference or f.kind == "anyref"]
    more = len({f.target for f in named} | {"some type"})  # fifty rows may refer to more types than five: a query for each type, none for a row
    assert abs(len(few) - len(many)) <= more < 12 and len(many) <= MOST_QUERIES, many


@pytest.mark.parametrize("slug", ["accounts", "orders", "products", "users"])
def test_a_page_of_a_record_costs_little(slug, alice, client_for, order):
    record = {"orders": order, "accounts": order.account}.get(slug) or registry.get(slug).all().first()
    client = client_for(alice)
    for path in ("", "edit/", "?tab=history"):
        seen = queries(client, f"/{slug}/{record.pk}/{path}")
        assert len(seen) <= MOST_QUERIES, (path, len(seen), seen)
