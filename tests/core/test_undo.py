"""Taking back what was written: set back where nothing changed since, conflicts named, nothing half done."""

import uuid

import pytest

from core import access, context, deleting, door, undo, write
from core.errors import Missing
from core.models import TrailEntry
from core.registry import get
from crm.models import Account, Contact
from erp.models import SalesOrder


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def in_batch(work):
    """What ``work`` writes, under one batch: its id."""
    ident = uuid.uuid4()
    with context.calling(context.Call(batch=ident)):
        door.writing(work)
    return ident


def make(actor, slug, **data):
    return door.writing(lambda: write.create(actor, get(slug), data))


def change(actor, record, slug, **data):
    return door.writing(lambda: write.change(actor, get(slug), record.pk, data, type(record).objects.get(pk=record.pk).version))


def taken_back(actor, ident):
    said = []
    conflicts = door.writing(lambda: undo.batch(actor, ident, lambda done, total: said.append((done, total))))
    assert said[-1][0] == said[-1][1]
    return [(slug, found, sentence) for slug, found, sentence in conflicts]


def last(record):
    return TrailEntry.objects.filter(about_id=record.pk).order_by("-id").first()


def test_a_change_is_set_back_and_can_be_set_back_again(owner):
    account = make(owner, "accounts", name="Before", city="Bonn", roles=["customer"])
    change(owner, account, "accounts", name="After", city="", roles=["supplier", "customer"])
    assert door.writing(lambda: undo.entry(owner, last(account))) == []
    account.refresh_from_db()
    assert (account.name, account.city, account.roles, account.version) == ("Before", "Bonn", ["customer"], 3)
    assert door.writing(lambda: undo.entry(owner, last(account))) == []
    account.refresh_from_db()
    assert (account.name, account.city) == ("After", "")


def test_what_changed_since_is_named_and_nothing_of_the_record_is_touched(owner):
    account = make(owner, "accounts", name="One", city="Bonn")
    change(owner, account, "accounts", name="Two", city="Ulm")
    entry = last(account)
    change(owner, account, "accounts", city="Trier")
    assert door.writing(lambda: undo.entry(owner, entry)) == [("accounts", account.pk, "“City” was changed since.")]
    account.refresh_from_db()
    assert (account.name, account.city) == ("Two", "Trier")
    other = make(owner, "accounts", name="Three", city="Bonn")
    change(owner, other, "accounts", name="Four")
    entry = last(other)
    change(owner, other, "accounts", city="Ulm")
    assert door.writing(lambda: undo.entry(owner, entry)) == []
    other.refresh_from_db()
    assert (other.name, other.city) == ("Three", "Ulm")


def test_lines_come_back_as_they_were(owner):
    account, product = make(owner, "accounts", name="Buyer", roles=["customer"]), make(owner, "products", sku="U-1", name="Bolt", unit_price="5")
    row = {"product": str(product.pk), "quantity": "2", "unit_price": "5"}
    order = make(owner, "orders", account=str(account.pk), order_date="2026-03-05", lines=[row, {**row, "quantity": "3"}])
    first = order.lines.order_by("position").first()
    change(owner, order, "orders", lines=[{"id": str(first.pk), **row, "quantity": "7"}])
    assert [line.quantity for line in order.lines.all()] == [7]
    assert door.writing(lambda: undo.entry(owner, last(order))) == []
    assert [line.quantity for line in order.lines.order_by("position")] == [2, 3]
    assert SalesOrder.objects.get(pk=order.pk).net == 25


def test_archiving_is_undone_and_acts_and_deletions_are_not(owner):
    account = make(owner, "accounts", name="Put away")
    door.writing(lambda: write.act(owner, get("accounts"), account.pk, "archive"))
    assert door.writing(lambda: undo.entry(owner, last(account))) == []
    account.refresh_from_db()
    assert account.archived_at is None
    gone = make(owner, "accounts", name="Gone")
    door.writing(lambda: deleting.delete(owner, get("accounts"), gone.pk, 1))
    assert door.writing(lambda: undo.entry(owner, last(gone))) == [("accounts", gone.pk, "What was deleted is gone for good.")]


def test_a_batch_goes_back_in_reverse_with_parents_and_children(owner):
    kept = make(owner, "accounts", name="Kept", city="Bonn")

    def work():
        top = write.create(owner, get("accounts"), {"name": "Top"})
        child = write.create(owner, get("accounts"), {"name": "Child", "parent": str(top.pk)})
        write.create(owner, get("contacts"), {"name": "Somebody", "account": str(child.pk)})
        write.change(owner, get("accounts"), kept.pk, {"city": "Ulm"}, 1)
        write.change(owner, get("accounts"), top.pk, {"city": "Ulm"}, 1)

    assert taken_back(owner, in_batch(work)) == []
    assert not Account.objects.filter(name__in=("Top", "Child")).exists() and not Contact.objects.filter(name="Somebody").exists()
    assert Account.objects.get(pk=kept.pk).city == "Bonn"


def test_made_records_that_others_use_are_archived_and_changed_ones_stay(owner):
    made = {}

    def work():
        for name in ("Used", "Touched", "Free"):
            made[name] = write.create(owner, get("accounts"), {"name": name})

    ident = in_batch(work)
    make(owner, "contacts", name="Their person", account=str(made["Used"].pk))
    change(owner, made["Touched"], "accounts", city="Bonn")
    conflicts = taken_back(owner, ident)
    assert {(found, sentence) for _slug, found, sentence in conflicts} == {
        (made["Used"].pk, "The record was archived instead of deleted, since others or figures point to it."),
        (made["Touched"].pk, "The record was changed since."),
    }
    assert Account.objects.get(pk=made["Used"].pk).archived_at and not Account.objects.get(pk=made["Touched"].pk).archived_at
    assert not Account.objects.filter(pk=made["Free"].pk).exists()
    again = {found: sentence for _slug, found, sentence in taken_back(owner, ident)}
    assert (again[made["Free"].pk], again[made["Used"].pk]) == ("The record is gone.", "The record was changed since.")


def test_rights_hold(owner, bob, carol):
    seller = access.actor_for(bob)
    ident = in_batch(lambda: write.create(seller, get("accounts"), {"name": "Bob's own"}))
    assert [sentence for *_which, sentence in taken_back(access.actor_for(carol), ident)] == ["You may not do this with this record."]
    assert taken_back(seller, ident) == []
    assert not Account.objects.filter(name="Bob's own").exists()
    account = make(owner, "accounts", name="Alice's", city="Bonn")
    change(owner, account, "accounts", city="Ulm")
    assert door.writing(lambda: undo.entry(seller, last(account))) == [("accounts", account.pk, "The record is gone.")]
    with pytest.raises(Missing):
        door.writing(lambda: deleting.delete(seller, get("accounts"), account.pk, 2))


def test_many_are_deleted_together_those_pointed_to_stay(owner):
    accounts = [make(owner, "accounts", name=f"Many {n}") for n in range(3)]
    make(owner, "accounts", name="Below", parent=str(accounts[1].pk))
    gone = door.writing(lambda: deleting.delete_many(owner, get("accounts"), [(a.pk, 1) for a in accounts]))
    assert gone == [True, False, True]
    (left,) = Account.objects.filter(name__startswith="Many")
    assert left.name == "Many 1" and left.archived_at is not None
