"""Who was entered before: names of companies compared without their legal forms, found over all parties, only what one sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import access, door, registry, write
from crm.models import Account, Lead
from crm.rules.duplicates import company_key
from tests import people

SAME = [
    (
        "博世软件", "博世软件有限公司", "（上海）博世软件有限公司", "博世软件(上海)股份有限公司", "上海市博世软件有限责任公司",
        "博世软件集团", "博世软件（集团）有限公司", " 博世软件 集团有限公司",
    ),
    (
        "Acme", "ACME GmbH", "Acme GmbH & Co. KG", "acme, Inc.", "ＡＣＭＥ Ltd", "Acme Co., Ltd.", "Acme S.A.", "Acme (Berlin) LLC",
        "Acme Limited",
    ),
    ("Müller und Söhne", "Müller & Söhne AG", "MÜLLER UND SÖHNE OHG"),
    ("株式会社トヨタ", "トヨタ"),
]  # fmt: skip


@pytest.mark.parametrize("names", SAME)
def test_one_company_has_one_key_however_it_is_written(names):
    keys = {company_key(name) for name in names}
    if "und" in names[0]:
        assert keys == {"müllerundsöhne", "müllersöhne"}, "words between are part of a name; signs are not"
    else:
        assert len(keys) == 1 and keys != {""}, keys


def test_different_companies_have_different_keys_and_a_form_alone_is_a_name():
    names = ["Acme Tools", "Acme", "Bosch", "博世", "博世软件", "软件有限公司", "集团", "公司", "Limited", "GmbH", "Co", "上海市", "(Berlin)"]
    keys = [company_key(name) for name in names]
    assert all(keys) and len(set(keys)) == len(names), dict(zip(names, keys, strict=True))
    assert company_key("") == company_key("   ") == company_key("...") == ""


@given(st.text(max_size=250))
def test_any_text_has_a_key_that_is_its_own(text):
    key = company_key(text)
    assert len(key) <= 200 and company_key(text.upper()) in (key, company_key(text.upper().casefold()))


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module", autouse=True)
def _known(api):
    for slug, values in (
        ("accounts", {"name": "(上海)博世软件有限公司", "phone": "+86 21 2323 1234"}), ("accounts", {"name": "Acme GmbH", "email": "Info@Acme.example"}),
        ("contacts", {"name": "李伟", "email": "li.wei@bosch.example", "mobile": "+86 138 0013 8000"}), ("leads", {"name": "李伟", "company": "博世软件集团"}),
        ("leads", {"name": "Eva Stein", "email": "info@acme.example", "phone": "030 901820"}),
    ):  # fmt: skip
        assert api.post(f"{slug}/", values).status_code == 201


def found(api, **asked):
    answer = api.get("duplicates/", asked)
    assert answer.status_code == 200, answer.content
    return {(one["type"], one["label"]): one["why"] for one in answer.json()["results"]}


def test_they_are_found_by_name_mail_and_phone_over_all_parties(api):
    assert found(api, company="博世软件股份有限公司") == {
        ("accounts", "(上海)博世软件有限公司"): "same company name", ("leads", "李伟"): "same company name",
    }  # fmt: skip
    assert found(api, name="李伟") == {("contacts", "李伟"): "same name", ("leads", "李伟"): "same name"}
    assert found(api, email="INFO@acme.example", name="acme ag") == {
        ("accounts", "Acme GmbH"): "same company name, same e-mail address", ("leads", "Eva Stein"): "same e-mail address",
    }  # fmt: skip
    assert found(api, phone="+86 (21) 2323-1234") == {("accounts", "(上海)博世软件有限公司"): "same phone number"}
    assert found(api, phone="+8613800138000") == {("contacts", "李伟"): "same phone number"}
    assert found(api) == found(api, name=" ", email="", phone="x") == found(api, company="Bosch") == {}


def test_addresses_and_odd_words(api):
    one = api.get("duplicates/", {"name": "李伟"}).json()["results"][0]
    assert api.get(one["url"]).json()["id"] == one["id"]
    assert list(api.get("duplicates/", {"strange": "x"}).json()["errors"]) == ["strange"]
    for text in ("\x00", "x" * 5000, "%", "'; drop", "\ud800".encode("utf-8", "surrogatepass").decode("latin1"), "((((", "【"):
        assert api.get("duplicates/", {"name": text, "company": text, "email": text, "phone": text}).status_code == 200
    assert api.post("duplicates/", {}).status_code == 405


def test_nobody_is_told_of_what_he_does_not_see(api, company, bob, alice):
    bobs = people.api(bob, company)
    assert found(bobs, name="李伟", company="博世软件", email="info@acme.example") == {}
    role = api.post("roles/", {"name": "Half", "grants": [{"type": "contacts", "actions": ["view"], "scope": "all", "hidden": ["email"]}]}).json()
    half = people.new_user("Hal")
    version = api.get(f"users/{half.pk}/").json()["version"]
    assert api.patch(f"users/{half.pk}/", {"roles": [role["id"]]}, version).status_code == 200
    hals = people.api(half, company)
    assert found(hals, name="李伟", email="li.wei@bosch.example") == {("contacts", "李伟"): "same name"}
    assert found(hals, email="li.wei@bosch.example") == {}, "a hidden address is not guessed this way"


def test_the_key_follows_every_write(company, alice):
    actor = access.actor_for(alice)
    made = door.writing(lambda: write.create_many(actor, registry.get("accounts"), [{"name": "Nova Ltd"}, {"name": "Beta Inc"}]))
    assert [a.match_key for a in made] == ["nova", "beta"]
    door.writing(lambda: write.change(actor, registry.get("accounts"), made[0].pk, {"name": "Nuova Ltd"}, 1))
    assert Account.objects.get(pk=made[0].pk).match_key == "nuova"
    lead = door.writing(lambda: write.create(actor, registry.get("leads"), {"name": "X", "company": "Nova GmbH"}))
    door.writing(lambda: write.change(actor, registry.get("leads"), lead.pk, {"company": None}, 1))
    assert Lead.objects.get(pk=lead.pk).match_key == ""


def test_a_form_warns_and_never_blocks(api, client_for, alice, bob):
    page = client_for(alice).get("/leads/new/").content.decode()
    assert 'aria-live="polite" hx-get="/alike/leads/"' in page and 'hx-include="#id_name, #id_company, #id_email, #id_phone"' in page
    part = client_for(alice).get("/alike/leads/", {"company": "Acme Ltd"}).content.decode()
    known = api.get("accounts/?q=acme").json()["results"][0]
    assert f'href="/accounts/{known["id"]}/"' in part and "same company name" in part and "<html" not in part
    assert "href" not in client_for(alice).get("/alike/accounts/", {"name": "Acme Ltd", "without": known["id"]}).content.decode()
    assert client_for(bob).get("/alike/leads/", {"company": "Acme Ltd"}).content.decode().strip() == ""
    assert client_for(alice).get("/alike/orders/", {"name": "x"}).status_code == 404
    assert api.post("leads/", {"name": "Eva Stein", "company": "Acme"}).status_code == 201
