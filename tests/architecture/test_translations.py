"""Every text of the product is found and has its translation; each fault of a catalogue is named. What pages show: tests.pages.test_chinese."""

import ast
import re
import shutil

import pytest
from django.template import engines

from deploy import messages
from deploy.translations import LOCALES
from tests.architecture import sources

CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))
HEAD = 'msgid ""\nmsgstr ""\n"Language: zh_Hans\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'

# The finder -----------------------------------------------------------------------------------------------------------

PLANTED = """
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

LABEL = gettext_lazy("Late")
ROLE = pgettext_lazy("role", "Owner")


def sentence(name, n):
    for _unused in range(n):
        print(_(name))
    return _("Two parts that "
             "make one of %(name)s.") % {"name": name}, ngettext("%(n)d leaf", "%(n)d leaves", n)
"""
PAGE = """
  <p title="{% translate 'Shown on hover' %}">{{ _("Said in braces") }}</p>
{% if plum %}
        {% blocktranslate trimmed with who=user.name %}
          Kept by
          {{ who }}, 100 %.
        {% endblocktranslate %}
{% endif %}
{% comment %}{% translate "Said by nobody" %}{% endcomment %}
{% blocktranslate count n=page.count context "tree" %}{{ n }} leaf{% plural %}{{ n }} leaves{% endblocktranslate %}
{% translate "Owner" %} {% translate "Open" context "door" as open %}
"""


@pytest.fixture
def room(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED, encoding="utf-8")
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    return tmp_path


def catalogue(tmp_path, body):
    source = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(HEAD + body, encoding="utf-8")
    return source


def test_texts_are_found_in_python_and_in_templates(room):
    assert set(messages.collect([room])) == {
        ("", "Late"), ("role", "Owner"), ("", "Two parts that make one of %(name)s."), ("", "%(n)d leaf"), ("", "Shown on hover"),
        ("", "Said in braces"), ("", "Kept by %(who)s, 100 %%."), ("tree", "%(n)s leaf"), ("", "Owner"), ("door", "Open"),
    }  # fmt: skip


def test_a_text_is_asked_for_by_the_template_engine_as_it_is_found(room, tmp_path, monkeypatch):
    """Otherwise a translation would stand in the catalogue and never on the page."""
    asked = []
    monkeypatch.setattr("django.utils.translation._trans.gettext", lambda text: asked.append(text) or text)
    template = "{% translate '5 % more' %}{% blocktranslate trimmed %}\n  Half of\n  {{ n }}\n{% endblocktranslate %}"
    engines["django"].from_string(template).render({"n": 2})
    (tmp_path / "page.html").write_text(template, encoding="utf-8")
    assert {("", text) for text in asked} <= set(messages.collect([tmp_path]))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "Not translated: 'Late'"),
        ('msgid "Late"\nmsgstr ""\n', "Not translated: 'Late'"),
        ('#, fuzzy\nmsgid "Late"\nmsgstr "迟"\n', "Marked as uncertain: 'Late'"),
        ('msgid "Late"\nmsgstr "%(name)s 迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "{name}迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "%s 迟到"\n', "Other placeholders: 'Late'"),
        ('msgid "Late"\nmsgstr "迟到"\n\nmsgid "Early"\nmsgstr "早"\n', "No longer used: 'Early'"),
        ('msgid "Late"\nmsgstr "迟到"\n\n#~ msgid "Early"\n#~ msgstr "早"\n', "Left as a comment: 'Early'"),
    ],
)
def test_each_fault_of_a_catalogue_is_named(tmp_path, body, fault):
    (tmp_path / "planted.py").write_text('LABEL = gettext("Late")\n', encoding="utf-8")
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert len(said) == 1
    assert said[0].startswith(fault)


def test_a_translation_of_another_context_is_none(tmp_path):
    (tmp_path / "planted.py").write_text('LABEL = gettext("Late")\n', encoding="utf-8")
    body = 'msgctxt "train"\nmsgid "Late"\nmsgstr "晚点"\n'
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert [sentence.split(" (")[0] for sentence in said] == ["Not translated: 'Late'", "No longer used: 'Late' as train"]


def test_a_lost_placeholder_and_a_missing_plural_are_faults(tmp_path):
    (tmp_path / "planted.py").write_text('A = gettext("Kept by %(who)s, at {place}")\nB = ngettext("%d leaf", "%d leaves", 2)\n', encoding="utf-8")
    body = 'msgid "Kept by %(who)s, at {place}"\nmsgstr "由%(whom)s保管于{place}"\n\nmsgid "%d leaf"\nmsgid_plural "%d leaves"\nmsgstr[0] ""\n'
    said = messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body)))
    assert [sentence.split(":")[0] for sentence in said] == ["Other placeholders", "Not translated"]


def test_a_catalogue_in_order_has_no_fault(tmp_path):
    (tmp_path / "planted.py").write_text('A = gettext("%(n)d of %(all)d, 100 %%")\nB = ngettext("One leaf", "%d leaves", 2)\n', encoding="utf-8")
    body = 'msgid "%(n)d of %(all)d, 100 %%"\nmsgstr "共 %(all)d 中的 %(n)d，100 %%"\n\nmsgid "One leaf"\nmsgid_plural "%d leaves"\nmsgstr[0] "%d 片叶子"\n'
    assert messages.faults(messages.collect([tmp_path]), messages.read(catalogue(tmp_path, body))) == []


def test_an_update_adds_what_is_new_keeps_what_is_said_and_drops_what_is_gone(room, tmp_path):
    body = 'msgid "Late"\nmsgstr "迟到"\n\nmsgid "Early"\nmsgstr "早"\n\nmsgctxt "role"\nmsgid "Owner"\nmsgstr "所有者"\n'
    source = catalogue(tmp_path, body)
    found = messages.collect([room])
    left = messages.update(source, found)
    kept = {messages.key(message): message.string for message in messages.read(source) if message.id}
    assert kept.keys() == found.keys()
    assert kept["", "Late"] == "迟到"
    assert kept["role", "Owner"] == "所有者"
    assert len(left) == len(found) - 2
    written = source.read_bytes()
    messages.update(source, found)
    assert source.read_bytes() == written  # neither times nor places: nothing to say, nothing changed
    assert b"planted.py" not in written
    assert b"POT-Creation-Date" not in written


# The product ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return messages.collect()


def test_there_is_a_catalogue_for_each_language_but_english():
    assert [source.parent.parent.name for source in CATALOGUES] == ["zh_Hans"]


@pytest.mark.parametrize("source", CATALOGUES, ids=lambda source: source.parent.parent.name)
def test_every_text_has_its_translation(source, found):
    assert len(found) > 700
    assert messages.faults(found, messages.read(source)) == []


@pytest.mark.parametrize("source", CATALOGUES, ids=lambda source: source.parent.parent.name)
def test_the_catalogue_is_in_the_order_an_update_writes(source, found, tmp_path):
    copy = tmp_path / source.parent.parent.name / "LC_MESSAGES" / source.name
    copy.parent.mkdir(parents=True)
    shutil.copy(source, copy)
    messages.update(copy, found)
    assert copy.read_text(encoding="utf-8") == source.read_text(encoding="utf-8")


def test_chinese_sentences_end_as_they_do_in_english_and_use_full_width_marks(found):
    half_width = re.compile(r"[一-鿿][,;:!?](?!//)|[一-鿿]\.(?:\s|$)|[,;:!?][一-鿿]|\([一-鿿]")
    odd = []
    for message in messages.read(CATALOGUES[0]):
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        english = message.id if isinstance(message.id, str) else message.id[-1]
        odd += [form for form in forms if message.id and half_width.search(form)]
        odd += [form for form in forms if message.id and english.endswith(".") and re.search("[一-鿿]", form) and form[-1] not in "。；"]
    assert odd == []


def eager(tree: ast.AST) -> list[str]:
    """Texts translated while a module is imported, when nobody's language is known yet: they stay English for everybody."""
    named = {
        alias.asname or alias.name
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names if alias.name in ("gettext", "ngettext", "pgettext", "npgettext")
    }  # fmt: skip
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in named:
            found.append(ast.unparse(node))
        waiting += ast.iter_child_nodes(node)
    return found


def test_no_text_is_translated_before_its_reader_is_known():
    planted = 'from django.utils.translation import gettext as _\nA = {"a": _("Early")}\nB = lambda: _("Late")\ndef c(): return _("Late")\n'
    assert eager(ast.parse(planted)) == ["_('Early')"]
    assert {name: texts for name in sources.modules() if (texts := eager(sources.tree(name)))} == {}
