"""The commands about companies: what they print, and one sentence for whatever is wrong."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import context, keys, sessions
from core.models import User
from tenants import directory
from tenants.models import Company
from tests import people


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def create(subdomain: str, *more: str) -> str:
    return run("company", "create", subdomain, "--name=Acme", "--email=Ann@Example.com", f"--password={people.PASSWORD}", *more)


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_company_is_made_and_listed():
    assert "by-command.localhost" in create("by-command", "--country=DE", "--currency=EUR", "--timezone=Europe/Berlin", "--language=zh-Hans")
    company = directory.by_subdomain("by-command")
    assert (company.country, company.currency, company.timezone, company.language) == ("DE", "EUR", "Europe/Berlin", "zh-Hans")
    with context.bind(company):
        assert sessions.authenticate("ann@example.com", people.PASSWORD).name == "Ann"
    lines = [line.split("\t") for line in run("company", "list").splitlines()]
    assert ["by-command", "active"] in [line[:2] for line in lines]
    assert company.schema in {line[5] for line in lines}
    signed_up = people.new_company()
    lines = [line.split("\t") for line in run("company", "list").splitlines()]
    assert {line[0]: line[-1] for line in lines}.items() >= {"by-command": "verified", signed_up.subdomain: "not verified"}.items()


def test_defaults_are_those_of_the_contract():
    create("by-default")
    company = directory.by_subdomain("by-default")
    assert (company.country, company.currency, company.timezone, company.language) == ("US", "USD", "UTC", "en")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["www"], "subdomain"), (["a"], "subdomain"), (["fine-one", "--country=XX"], "country"),
        (["fine-one", "--currency=ABC"], "currency"), (["fine-one", "--timezone=Nowhere"], "timezone"),
        (["fine-one", "--language=fr"], "language"),
        (["fine-one", "--email=ann"], "email"), (["fine-one", "--password=short"], "password"), (["fine-one", "--name="], "name"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence_and_makes_nothing(arguments, named):
    with pytest.raises(CommandError, match=rf"^{named}: .*\.$"):
        create(*arguments)
    assert directory.by_subdomain("fine-one") is None


def test_a_taken_subdomain_is_refused():
    create("taken-twice")
    with pytest.raises(CommandError, match=r"^subdomain: .*taken"):
        create("taken-twice")


def test_a_key_is_printed_alone_and_works():
    company = people.new_company()
    owner = people.owner_of(company)
    printed = run("apikey", "create", f"--company={company.subdomain}", f"--user={owner.email.upper()}")
    assert re.fullmatch(r"ok_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n", printed)
    with context.bind(company):
        assert keys.holder(printed.strip()) == owner
    other = people.new_company()
    with context.bind(other):
        assert keys.holder(printed.strip()) is None


def test_a_key_for_nobody_is_refused():
    company = people.new_company()
    assert "no-such-company" in refused("apikey", "create", "--company=no-such-company", "--user=x@example.com")
    assert "x@example.com" in refused("apikey", "create", f"--company={company.subdomain}", "--user=x@example.com")
    with context.bind(company):
        assert User.objects.count() == 1


def test_an_unknown_company_is_not_migrated():
    assert "no-such-company" in refused("migrate_companies", "--company=no-such-company")


def test_a_folder_that_cannot_be_loaded_leaves_no_company(tmp_path):
    """The company and its history are one: after a correction the same command is given again."""
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CommandError, match=r"\.$"):
            create("no-history", f"--import={folder}")
        assert directory.by_subdomain("no-history") is None
    with context.bind_public():
        assert not Company.objects.filter(subdomain="no-history").exists()
    create("no-history")
