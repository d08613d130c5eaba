"""A file into a type: errors by row and column, nothing written with one, references by name, records found by key."""

import os
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access, context, door, export, listings, registry, write
from core.errors import Denied, RuleError
from core.models import SearchEntry, TrailEntry
from core.transfer import loading, mapping
from core.transfer.loading import Fault
from core.transfer.mapping import Mapping
from core.transfer.reading import read
from crm.models import Account, Contact, Product
from tests import dealer, factories

MANY = 50_000 if os.environ.get("ODOS_LONG") else 5_000


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def load(actor, slug, text, keep=True, key=None, columns=None):
    table, object_type = read(text if isinstance(text, bytes) else text.encode()), registry.get(slug)

    def work():
        found = mapping.suggest(actor, object_type, table.headers)
        chosen = Mapping(columns or found.columns, found.key if key is None else key)
        return loading.load(actor, object_type, table, chosen, keep)

    return door.writing(work)


def new(actor, slug, **data):
    return door.writing(lambda: write.create(actor, registry.get(slug), data))


def counts(report):
    return report.new, report.changed, report.unchanged, report.errors


def test_a_bad_number_in_the_last_of_many_rows_is_found_and_nothing_is_written(owner):
    rows = "".join(f"B-{i},Bolt {i},{i % 100}.50\n" for i in range(MANY - 1))
    text = f"sku,name,Unit price\n{rows}B-last,Bolt,12x\n"
    for keep in (False, True):
        report = load(owner, "products", text, keep)
        assert report.faults == [Fault(MANY + 1, "Unit price", "12x", "Enter a number.")]
        assert (report.rows, report.errors, Product.objects.count()) == (MANY, 1, 0)
    assert not TrailEntry.objects.filter(about_type="products").exists()


def test_headings_are_recognised_by_key_and_label_in_each_language(owner):
    def suggested(slug, *headers):
        return door.reading(lambda: mapping.suggest(owner, registry.get(slug), headers))

    assert suggested("accounts", "NAME", "External ID", "postal code", "Country", "Nonsense", "name").columns == {
        0: "name",
        1: "external_id",
        2: "postal_code",
        3: "country",
    }
    assert suggested("accounts", "Name", "External id").key == "external_id"
    assert suggested("products", "id", "sku", "version").columns == {0: "id", 1: "sku"}
    assert suggested("contacts", "Name").key == ""


def test_records_are_found_by_key_and_only_what_differs_is_changed(owner):
    assert counts(load(owner, "accounts", "external_id,name,city\nK1,One,Bonn\nK2,Two,Köln\n")) == (2, 0, 0, 0)
    report = load(owner, "accounts", "external_id,name,city\nK1,One,Bonn\nK2,Two,\nK3,Three,Ulm\n")
    assert counts(report) == (1, 1, 1, 0)
    assert dict(Account.objects.filter(external_id__startswith="K").values_list("external_id", "city")) == {"K1": "Bonn", "K2": "", "K3": "Ulm"}
    assert [e.act for e in TrailEntry.objects.filter(about_id=Account.objects.get(external_id="K2").pk).order_by("pk")] == ["add", "change"]


def test_a_rehearsal_counts_the_same_and_writes_nothing(owner):
    text = "external_id,name\nD1,One\nD2,Two\n"
    before = TrailEntry.objects.count()
    assert counts(load(owner, "accounts", text, keep=False)) == (2, 0, 0, 0)
    assert not Account.objects.filter(external_id__startswith="D").exists() and TrailEntry.objects.count() == before


def test_the_same_key_twice_or_in_several_records_is_an_error(owner):
    new(owner, "accounts", name="Twin")
    new(owner, "accounts", name="Twin")
    report = load(owner, "accounts", "name,city\nTwin,Bonn\nOnce,Ulm\nOnce,Ulm\n", key="name")
    assert [(f.row, f.column) for f in report.faults] == [(2, "name"), (4, "name")]


def test_references_are_named_by_what_people_know(owner, bob):
    new(owner, "accounts", name="Ärzte & Co", external_id="A-7")
    text = f"name,account,owner\nBy id,A-7,\nBy name,ärzte & co,{bob.email.upper()}\nBy person,,Bob\n"
    assert counts(load(owner, "contacts", text)) == (3, 0, 0, 0)
    made = {c.name: c for c in Contact.objects.select_related("account", "owner")}
    assert made["By id"].account.name == made["By name"].account.name == "Ärzte & Co"
    assert made["By name"].owner == made["By person"].owner == bob


def test_unknown_and_ambiguous_references_are_errors_at_their_cell(owner):
    for _ in range(2):
        new(owner, "accounts", name="Two of a kind")
    report = load(owner, "contacts", "name,account\nA,Nobody\nB,Two of a kind\nC,A-7\n")
    assert [(f.row, f.column, f.value) for f in report.faults] == [(2, "account", "Nobody"), (3, "account", "Two of a kind")]
    assert not Contact.objects.filter(name="C").exists()


def test_rows_may_refer_to_rows_further_down_but_not_in_a_void(owner):
    report = load(owner, "accounts", "name,parent\nGrandchild,Child\nChild,Root account\nRoot account,\n", key="")
    assert counts(report) == (3, 0, 0, 0)
    assert Account.objects.get(name="Grandchild").parent.parent.name == "Root account"
    report = load(owner, "accounts", "name,parent\nE,F\nF,Nowhere\n", key="")
    assert [(f.row, f.value) for f in report.faults] == [(2, "F"), (3, "Nowhere")]


def test_every_error_of_a_file_is_told_at_once(owner):
    text = "sku,name,unit_price,kind\nX-1,,1,good\nX-2,Two,-1,good\nX-3,Three,1,gizmo\nX-4,Four,1,good\nX-4,Five,1,\n"
    report = load(owner, "products", text, key="")
    assert [(f.row, f.column) for f in report.faults] == [(2, "name"), (3, "unit_price"), (4, "kind"), (6, "sku")]
    assert counts(report) == (1, 0, 0, 4) and not Product.objects.filter(sku__startswith="X-").exists()


def test_semicolons_bring_decimal_commas_and_gbk_its_characters(owner):
    load(owner, "products", "sku;名称;unit_price\nS-1;螺栓;1.234,50\n".encode("gbk"), columns={0: "sku", 1: "name", 2: "unit_price"})
    made = Product.objects.get(sku="S-1")
    assert (made.name, made.unit_price, made.kind, made.active) == ("螺栓", Decimal("1234.5"), "good", True)


def test_own_fields_are_imported_like_all_others(owner):
    door.writing(
        lambda: write.create(owner, registry.get("custom-fields"), {"type": "contacts", "key": "badge", "kind": "integer", "label": "Badge", "unique": True})
    )
    assert counts(load(owner, "contacts", "name,Badge\nOwn,7\n", key="badge")) == (1, 0, 0, 0)
    assert counts(load(owner, "contacts", "name,Badge\nOwned,7\n", key="badge")) == (0, 1, 0, 0)
    assert load(owner, "contacts", "name,Badge\nOwn,seven\n", key="").faults == [Fault(2, "Badge", "seven", "Enter a number.")]


def test_a_mapping_that_cannot_be_used_is_refused(owner):
    for columns, key, where in (
        ({}, "", "_"),
        ({0: "nonsense"}, "", "0"),
        ({0: "name", 1: "name"}, "", "1"),
        ({0: "name"}, "external_id", "key"),
        ({1: "city"}, "", "_"),
    ):
        with pytest.raises(RuleError) as refused:
            door.writing(lambda columns=columns, key=key: loading.load(owner, registry.get("accounts"), read(b"a,b\n1,2\n"), Mapping(columns, key), False))
        assert where in refused.value.errors


def test_rights_hold_for_files_too(owner, bob, carol):
    mine, reader = access.actor_for(bob), access.actor_for(carol)
    with pytest.raises(Denied):
        load(reader, "accounts", "name\nX\n")
    new(owner, "accounts", name="Not Bob's", external_id="N-1")
    report = load(mine, "accounts", f"external_id,name,owner\nN-1,Taken,\nN-2,Bob's,\nN-3,Given away,{owner.id}\n", key="external_id")
    assert {(f.row, f.column) for f in report.faults} == {(4, "owner")}
    assert not Account.objects.filter(external_id__in=("N-2", "N-3")).exists() and Account.objects.get(external_id="N-1").name == "Not Bob's"


WRITABLE = sorted((*factories.writable(), *dealer.SLUGS))


@pytest.mark.parametrize("slug", WRITABLE)
def test_what_was_exported_comes_back_unchanged(owner, alice, slug):
    object_type = registry.get(slug)
    _something_of_everything(owner)
    content = b"".join(export.stream(alice, object_type, listings.listing([])))
    if not read(content).size:
        factories.make(slug, owner)
        content = b"".join(export.stream(alice, object_type, listings.listing([])))
    table = read(content)
    assert table.size > 0
    report = load(owner, slug, content, key="id")
    assert report.faults == []
    assert counts(report) == (0, 0, table.size, 0)


@pytest.mark.parametrize("slug", ["accounts", "contacts", "products"])
def test_what_a_list_exported_as_it_is_read_comes_back_unchanged(owner, alice, slug):
    """The file people take from a page: labels as headings, names instead of ids."""
    object_type = registry.get(slug)
    _something_of_everything(owner)
    wanted = listings.listing([("q", {"accounts": "all", "contacts": "quoted", "products": "-7"}[slug])])
    content = b"".join(export.stream(alice, object_type, wanted, [n for n, f in object_type.fields.items() if not f.readonly], as_read=True))
    assert counts(load(owner, slug, content, key={"accounts": "external_id", "contacts": "email", "products": "sku"}[slug])) == (0, 0, 1, 0)


def _something_of_everything(actor):
    if Account.objects.filter(external_id="all").exists():
        return

    def work():
        def make(slug, **data):
            return str(write.create(actor, registry.get(slug), data).pk)

        account = make(
            "accounts", name="=1+1", external_id="all", roles=["customer", "supplier"], phone="+49 30 901820", website="example.com", payment_days=30
        )
        tax = make("tax-codes", code="N19", rate="0.19")
        category = make("product-categories", name="@home")
        product = make("products", sku="-7", name="'quoted\u3000", category=category, unit_price="1234.5", tax_code=tax, active=False)
        contact = make("contacts", name='Line, "quoted"', account=account, email="quoted@example.com")
        make("activities", kind="call", subject="+1", about={"type": "accounts", "id": account}, due_at="2026-03-05T10:00", body="one\ntwo")
        make("orders", account=account, contact=contact, order_date="2026-03-05", charges=[{"name": "Freight", "amount": "1"}])
        make("custom-fields", type="accounts", key="colour", kind="choice", label="Colour", options=[{"key": "r", "label": "Red"}])
        return product

    door.writing(work)
    dealer.build(actor)


def test_changes_of_a_batch_are_refused_row_by_row(owner):
    load(owner, "products", "sku,name\n" + "".join(f"C-{i},Old {i}\n" for i in range(20)))
    text = "sku,name,unit_price\n" + "".join(f"C-{i},New {i},{'cheap' if i == 7 else -1 if i == 9 else i}\n" for i in range(20))
    report = load(owner, "products", text)
    assert [(f.row, f.column, f.value) for f in report.faults] == [(9, "unit_price", "cheap"), (11, "unit_price", "-1")]
    assert (report.changed, Product.objects.filter(name__startswith="New").count()) == (18, 0)
    assert counts(load(owner, "products", text.replace("cheap", "7").replace(",-1", ",9"))) == (0, 20, 0, 0)
    assert Product.objects.get(sku="C-19").version == 2


def test_a_rehearsal_sends_no_trail_and_no_search_entries_yet_finds_what_writing_finds(owner):
    text = "sku,name,unit_price\n" + "".join(f"H-{i},Thing {i},{i}\n" for i in range(150)) + "H-5,Twice,1\n"
    for keep in (False, True):
        with CaptureQueriesContext(connection) as sent:
            report = load(owner, "products", text if not keep else text.replace("H-5,Twice", "H-last,Twice"), keep)
        tables = {table for query in sent.captured_queries for table in ("core_trailentry", "core_searchentry", "crm_product") if f'"{table}"' in query["sql"]}
        assert tables == ({"core_trailentry", "core_searchentry", "crm_product"} if keep else {"crm_product"})
        assert counts(report) == ((151, 0, 0, 0) if keep else (150, 0, 0, 1))
    assert not context.is_rehearsal() and SearchEntry.objects.filter(text__contains="h-last").exists()
