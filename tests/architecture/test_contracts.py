"""Who may import whom: the contracts of pyproject.toml, kept; and every package and room stands in them."""

import tomllib

from django.core.management import call_command
from importlinter import cli

from tests.architecture import sources


def test_import_contracts_are_kept(capsys, monkeypatch):
    monkeypatch.chdir(sources.ROOT)
    broken = cli.lint_imports(no_cache=True)
    assert broken == 0, capsys.readouterr().out


def test_every_package_stands_on_a_floor():
    linter = tomllib.loads(sources.text("pyproject.toml"))["tool"]["importlinter"]
    packages = {n.split("/")[0] for n in sources.tracked() if n.endswith("/apps.py")} | {"core", "deploy"}
    assert packages == set(linter["root_packages"])
    floors = next(c for c in linter["contracts"] if c["name"].startswith("Packages stand"))
    assert floors["layers"] == ["deploy", "erp", "crm", "tenants", "core"]
    ladder = next(c for c in linter["contracts"] if c["name"].startswith("Inside core"))
    assert ladder["exhaustive"] is True
    assert not any("ignore_imports" in c for c in linter["contracts"])


def test_django_finds_nothing_to_warn_of():
    """Each command would begin with it."""
    call_command("check", fail_level="WARNING", verbosity=0)
