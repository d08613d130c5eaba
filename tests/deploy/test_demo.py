"""The demo company is made once; what an interrupted start has left of it is made anew."""

import pytest
from django.conf import settings

from core import context
from deploy import demo
from tenants.models import Company


@pytest.fixture
def built(monkeypatch) -> list[str]:
    """The companies that were filled; nothing is really written into them."""
    companies: list[str] = []
    monkeypatch.setattr(demo.demo, "build", lambda company, password, say: companies.append(str(company.id)))
    return companies


def present() -> list[str]:
    with context.bind_public():
        return [str(key) for key in Company.objects.filter(subdomain=demo.SUBDOMAIN).values_list("id", flat=True)]


def test_it_is_made_once_and_anew_after_an_interruption(built, monkeypatch):
    def interrupt(company, password, say):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo.demo, "build", interrupt)
        with pytest.raises(KeyboardInterrupt):
            demo.ensure(lambda sentence: None)
    (half,) = present()
    demo.ensure(lambda sentence: None)
    (whole,) = present()
    assert whole != half and built == [whole]
    demo.ensure(lambda sentence: None)
    assert present() == built == [whole]


def test_its_sign_ins_are_this_installations_own():
    lines = list(demo.sign_ins("http://{}.localhost:8000"))
    assert "http://demo.localhost:8000" in lines[0] and settings.HOME.secrets["demo"] in lines[0]
    assert any(demo.EMAIL in line for line in lines[1:])
