"""What installation makes: compiled translations, and locks that anyone may install from."""

import gettext
import json
import re
import tomllib

import pytest

from deploy import translations
from deploy.home import PROJECT, HomeError

SOURCE = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Save"\nmsgstr "{}"\n'


def test_translations_are_compiled_when_they_changed(tmp_path):
    place = tmp_path / "zh_Hans" / "LC_MESSAGES"
    place.mkdir(parents=True)
    source = place / "django.po"
    source.write_text(SOURCE.format("保存"), encoding="utf-8")
    assert translations.compile_changed(tmp_path) == [place / "django.mo"]
    assert translations.compile_changed(tmp_path) == []
    with (place / "django.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Save") == "保存"
    source.write_text(SOURCE.format("存储"), encoding="utf-8")
    translations.compile_changed(tmp_path)
    with (place / "django.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Save") == "存储"


def test_a_broken_catalogue_is_named(tmp_path):
    place = tmp_path / "zh_Hans" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "django.po").write_text('msgid "Save"\nnonsense\n', encoding="utf-8")
    with pytest.raises(HomeError, match=r"django\.po cannot be read"):
        translations.compile_changed(tmp_path)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock"])
def test_python_locks_have_hashes_and_name_no_place(name):
    text = (PROJECT / name).read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    packages = re.split(r"\n(?=\S)", text.strip())
    assert len(packages) >= 1
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==[0-9]\S*", package), package
        assert "--hash=sha256:" in package, package


def test_the_test_lock_holds_the_runtime_lock():
    runtime, tests = ((PROJECT / name).read_text() for name in ("requirements.lock", "requirements-dev.lock"))
    pins = re.compile(r"^[a-z0-9.-]+==\S+", re.MULTILINE)
    assert set(pins.findall(runtime)) < set(pins.findall(tests))


def test_the_front_ends_lock_has_hashes_and_names_no_place():
    packages = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 1
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_the_licence_is_the_one_that_is_named():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    text = (PROJECT / project["license-files"][0]).read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text
