"""A company's own objects: each is a type like every other, on every page and in the API, and nobody else's."""

from core import context, registry
from tests import people


def make_drives(api) -> None:
    made = api.post("/api/v1/custom-objects/", {"key": "test-drives", "label": "Test drive", "plural": "Test drives", "labels": {"zh-Hans": "试驾"}})
    assert made.status_code == 201, made.json()
    for field in (
        {"key": "contact", "kind": "ref", "label": "Contact", "target": "contacts"},
        {"key": "stage", "kind": "choice", "label": "Stage", "options": [{"key": "planned", "label": "Planned"}, {"key": "done", "label": "Done"}]},
        {"key": "price", "kind": "money", "label": "Price"},
    ):
        made = api.post("/api/v1/custom-fields/", {"type": "test-drives", **field})
        assert made.status_code == 201, made.json()


def test_an_object_is_a_type_like_every_other(company, alice, api_for, client_for):
    api, page = api_for(alice), client_for(alice)
    make_drives(api)
    contact = api.post("/api/v1/contacts/", {"name": "Ann Lee"}).json()
    made = api.post("/api/v1/test-drives/", {"name": "Ann in the blue one", "contact": contact["id"], "stage": "planned", "price": "31000"})
    assert made.status_code == 201, made.json()
    assert made.json()["contact"]["label"] == "Ann Lee"
    listed = api.get("/api/v1/test-drives/?stage=planned&sum=price&contact.name=Ann Lee").json()
    assert [r["id"] for r in listed["results"]] == [made.json()["id"]]
    assert listed["sums"] == {"price": "31000.00"}
    for path in ("/test-drives/", f"/test-drives/{made.json()['id']}/", "/test-drives/new/", f"/test-drives/{made.json()['id']}/edit/"):
        answer = page.get(path)
        assert answer.status_code == 200, path
        assert "Ann" in answer.content.decode() or path.endswith("new/")
    assert "Ann in the blue one" in page.get("/search/?q=blue one").content.decode()


def test_another_company_does_not_know_it(company, other_company, alice, dave, api_for, client_for):
    assert api_for(alice).get("/api/v1/test-drives/").status_code == 200
    assert api_for(dave, other_company).get("/api/v1/test-drives/").status_code == 404
    assert client_for(dave, other_company).get("/test-drives/").status_code == 404
    with context.bind(people.new_company()):
        assert "test-drives" not in [t.slug for t in registry.every()]
