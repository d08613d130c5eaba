"""Folders of files: recognised by their headers, loaded whole or not at all."""

import io
import shutil
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from core import access, context, door
from core.errors import Denied, RuleError
from core.models import OrgUnit, User
from core.transfer.folders import import_folder
from crm.models import Account, Product
from erp.models import Delivery, Invoice, SalesOrder, StockLevel, StockMove
from tenants import provision
from tenants.models import Company
from tests import people

FILES = {
    "staff.csv": "employee_id,last_name,first_name,reports_to\n1,Le Fay,Morgan,\n2,Pendragon,Arthur,1\n",
    "clients.csv": "customer_id,company_name,contact_name,contact_title,address,country\nC1,Camelot,Merlin,Wizard,1 Hill\\nTop,UK\n",
    "vendors.csv": "supplier_id,company_name,contact_name,country\nS1,Forge,Wayland,Germany\n",
    "kinds.csv": "category_id,category_name\n1,Swords\n",
    "goods.csv": "product_id,product_name,category_id,unit_price,discontinued,units_in_stock\n7,Excalibur,1,99.90,1,3\n",
    "sales.csv": "order_id,customer_id,employee_id,order_date,required_date,shipped_date,freight\n1,C1,2,2020-05-01,2020-05-09,,0\n"
    "2,C1,1,2020-04-01,,2020-04-03,12.50\n",
    "items.csv": "order_id,product_id,unit_price,quantity,discount\n1,7,99.90,1,0.0\n2,7,80,2,0.15\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def owner(alice):
    return access.actor_for(alice)


def load(actor, folder, **options):
    return door.writing(lambda: import_folder(actor, folder, **options))


def broken(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("items.csv", "80,2", "80,two", "items.csv, row 3, quantity: Enter a number."),
        ("items.csv", "2,7,80", "2,8,80", "items.csv, row 3, product_id: No row has this id"),
        ("sales.csv", "2020-04-01", "April", "sales.csv, row 3, order_date: Enter a date"),
        ("sales.csv", "2,C1", "2,C9", "sales.csv, row 3, customer_id: No row has this id"),
        ("clients.csv", "UK", "Avalon", "clients.csv, row 2, country:"),
        ("goods.csv", "99.90", "-1", "goods.csv, row 2, unit_price: Enter at least 0."),
        ("goods.csv", "1,3", "1,some", "goods.csv, row 2, units_in_stock: Enter a number."),
        ("sales.csv", "2020-04-03", "soon", "sales.csv, row 3, shipped_date: Enter a date"),
        ("staff.csv", "Morgan,", "Morgan,2", "staff.csv, row 2, reports_to: These rows stand below each other in a circle."),
        ("items.csv", "2,7,80,2,0.15", '2,7,80,"2', "items.csv: Row 3 cannot be read"),
    ],
)  # fmt: skip
def test_an_error_names_file_row_and_column_and_nothing_is_written(owner, folder, name, old, new, said):
    broken(folder, name, old, new)
    with pytest.raises(RuleError) as refused:
        load(owner, folder)
    assert said in str(refused.value)
    assert (Account.objects.count(), Product.objects.count(), SalesOrder.objects.count(), User.objects.filter(email__endswith="northwind.example").count()) == (
        0,
        0,
        0,
        0,
    )


def test_what_is_not_recognised_is_said_in_one_sentence_with_what_is_known(owner, folder, tmp_path_factory):
    (folder / "items.csv").unlink()
    with pytest.raises(RuleError, match=r"sales\.csv \(order_id, .*order lines \(order_id, product_id"):
        load(owner, folder)
    with pytest.raises(RuleError, match="no CSV files"):
        load(owner, tmp_path_factory.mktemp("empty"))
    with pytest.raises(RuleError, match="is not a folder"):
        load(owner, folder / "nowhere")


def test_two_files_that_could_be_the_same_are_refused(owner, folder):
    shutil.copy(folder / "goods.csv", folder / "goods of last year.csv")
    with pytest.raises(RuleError, match=r"goods of last year\.csv, goods\.csv could each be"):
        load(owner, folder)


def test_only_who_may_do_everything_loads_a_history(bob, folder):
    with pytest.raises(Denied):
        load(access.actor_for(bob), folder)


def test_a_company_is_not_made_when_its_folder_is_refused(folder):
    broken(folder, "items.csv", "80,2", "80,two")
    values = {"subdomain": "camelot-refused", "name": "Camelot", "email": "king@example.com", "password": people.PASSWORD}
    with pytest.raises(RuleError):
        provision.create_company(**values, fill=lambda owner: import_folder(owner, folder))
    with context.bind_public():
        assert not Company.objects.filter(subdomain="camelot-refused").exists()


def test_zz_a_whole_folder_comes_in(owner, folder):
    written = load(owner, folder, recorded="now")
    assert written["orders"] == 2 and written["customers"] == written["products"] == 1
    early, late = SalesOrder.objects.order_by("order_date")
    assert (early.number, early.external_number, early.net, early.charges_total) == ("SO-2020-00001", "2", 136, 12.5)
    assert (late.number, late.charges.count(), late.status) == ("SO-2020-00002", 0, "confirmed")
    assert not Product.objects.get(sku="7").active
    assert Account.objects.get(external_id="C1").street == "1 Hill, Top"
    assert (written["opening stock"], written["deliveries"], written["invoices"]) == (1, 1, 1)
    (sent,) = Delivery.objects.all()
    assert (sent.order, sent.number, sent.date, sent.base_net) == (early, "DO-2020-00001", date(2020, 4, 3), 136)
    (billed,) = Invoice.objects.all()
    assert (billed.order, billed.number, billed.net, billed.total) == (early, "INV-2020-00001", 136, Decimal("148.50"))
    (receipt,) = StockMove.objects.filter(kind="receipt")
    assert (receipt.quantity, receipt.date, StockLevel.objects.get().on_hand) == (5, date(2020, 3, 31), 3)
    top = OrgUnit.objects.get(parent=None)
    assert (top.name, top.manager.email) == ("Morgan Le Fay", "morgan.lefay@northwind.example")


def test_a_chinese_company_takes_the_same_folder(folder):
    values = {"subdomain": "camelot-zh", "name": "卡美洛", "email": "king@example.com", "password": people.PASSWORD, "language": "zh-Hans"}
    made = provision.create_company(**values, fill=lambda owner: import_folder(owner, folder))
    with context.bind(made.frozen()):
        assert SalesOrder.objects.filter(status="confirmed").count() == 2
        assert [role.key for role in User.objects.get(name="Arthur Pendragon").roles.all()] == ["sales"]


def test_the_command_says_what_is_wrong_in_a_sentence(folder):
    broken(folder, "items.csv", "80,2", "80,two")
    stated = ["--name=Camelot", "--email=king@example.com", f"--password={people.PASSWORD}", f"--import={folder}"]
    with pytest.raises(CommandError, match=r"^items\.csv, row 3, quantity: Enter a number\.$"):
        call_command("company", "create", "camelot-command", *stated, stdout=io.StringIO(), stderr=io.StringIO())
