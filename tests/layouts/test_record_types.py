"""Records of several sorts: their own options, kept by every door; a sort that goes leaves its records as they are."""

import pytest

from tests import people

SORTS = ("key", "business"), ("label", "Business"), ("labels", {"zh-Hans": "企业"}), ("is_default", True)


@pytest.fixture(scope="module")
def api(company, alice):
    return people.api(alice, company)


@pytest.fixture(scope="module")
def sorts(api):
    field = {"type": "accounts", "key": "grade", "kind": "choice", "label": "Grade", "options": [{"key": k, "label": k.upper()} for k in "abc"]}
    assert api.post("custom-fields/", field).status_code == 201
    assert "record_type" not in api.post("accounts/", {"name": "Before"}).json()
    made = [
        api.post("record-types/", {"type": "accounts", **dict(SORTS), "choices": {"grade": ["a", "b"], "roles": ["customer", "prospect"]}}),
        api.post("record-types/", {"type": "accounts", "key": "person", "label": "Person", "position": 1, "choices": {"grade": ["c"]}}),
    ]
    assert [m.status_code for m in made] == [201, 201], [m.json() for m in made]
    return [m.json() for m in made]


def test_a_record_is_of_the_first_sort_unless_it_says_another(api, sorts):
    first = api.post("accounts/", {"name": "One"}).json()
    assert first["record_type"] == "business"
    other = api.post("accounts/", {"name": "Two", "record_type": "person", "grade": "c"}).json()
    assert other["record_type"] == "person"
    listed = api.get("accounts/?record_type=person").json()["results"]
    assert [r["id"] for r in listed] == [other["id"]]
    assert api.post("accounts/", {"name": "Three", "record_type": "nothing"}).status_code == 422


def test_options_are_those_of_the_sort(api, sorts):
    refused = api.post("accounts/", {"name": "Bad", "grade": "c"})
    assert list(refused.json()["errors"]) == ["grade"]
    assert list(api.post("accounts/", {"name": "Bad", "roles": ["supplier"]}).json()["errors"]) == ["roles"]
    made = api.post("accounts/", {"name": "Good", "grade": "a"}).json()
    moved = api.patch(f"accounts/{made['id']}/", {"record_type": "person"}, version=made["version"])
    assert list(moved.json()["errors"]) == ["grade"], "another sort is judged anew"
    moved = api.patch(f"accounts/{made['id']}/", {"record_type": "person", "grade": "c"}, version=made["version"])
    assert moved.status_code == 200, moved.json()


def test_a_sort_that_goes_leaves_its_records(api, sorts):
    person = next(s for s in api.get("record-types/?key=person").json()["results"])
    made = api.post("accounts/", {"name": "Kept", "record_type": "person"}).json()
    assert api.post(f"record-types/{person['id']}/archive/").status_code == 200
    assert api.get(f"accounts/{made['id']}/").json()["record_type"] == "person"
    assert api.patch(f"accounts/{made['id']}/", {"phone": "+49 228 1"}, version=1).status_code == 200
    assert list(api.post("accounts/", {"name": "Late", "record_type": "person"}).json()["errors"]) == ["record_type"]
    assert api.post(f"record-types/{person['id']}/restore/").status_code == 200


def test_only_one_is_chosen_at_first(api, sorts):
    refused = api.post("record-types/", {"type": "accounts", "key": "third", "label": "Third", "is_default": True})
    assert list(refused.json()["errors"]) == ["is_default"]


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"type": "facts"}, "type"), ({"type": "form-rules"}, "type"), ({"key": "Über"}, "key"), ({"choices": {"name": ["x"]}}, "choices"),
        ({"choices": {"grade": ["z"]}}, "choices"), ({"choices": {"grade": []}}, "choices"), ({"choices": [1]}, "choices"), ({"labels": {"zh": 1}}, "labels"),
        ({"key": "business"}, "type"),
    ],
    ids=str,
)  # fmt: skip
def test_a_sort_that_makes_no_sense_is_refused_in_a_sentence(api, sorts, said, where):
    refused = api.post("record-types/", {"type": "accounts", "key": "odd", "label": "Odd", **said})
    assert refused.status_code == 422
    assert where in refused.json()["errors"], refused.json()


def test_its_name_is_in_the_readers_language(company, alice, api, sorts, client_for):
    made = api.post("accounts/", {"name": "Sprache"}).json()
    client = client_for(alice)
    reader = people.new_user("Wang", "read-only", language="zh-Hans")
    assert "企业" in client_for(reader).get(f"/accounts/{made['id']}/").content.decode()
    listed = client.get("/accounts/?columns=name,record_type").content.decode()
    assert "Business" in listed
