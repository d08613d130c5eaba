"""A showroom's set-up, something of every sort, as its admin makes it through the API. Asserts that each is taken."""

from typing import Any

from tests.people import Api

STAGES = [{"key": "planned", "label": "Planned", "color": "blue"}, {"key": "driven", "label": "Driven", "color": "green"}]
VIEW = {"actions": ["view", "add", "change"], "scope": "all"}


def make(api: Api, slug: str, **stated: Any) -> dict[str, Any]:
    answer = api.post(f"{slug}/", stated)
    assert answer.status_code == 201, (slug, answer.content)
    return answer.json()


def build(api: Api) -> None:
    """An object with fields, a role, a layout, a record type, rules, a view, a figure and a dashboard."""
    make(api, "custom-objects", key="drives", label="Test drive", plural="Test drives", icon="car", labels={"zh-Hans": "试驾"}, plurals={"zh-Hans": "试驾"})
    for stated in (
        {"key": "contact", "kind": "ref", "target": "contacts", "label": "Contact"}, {"key": "stage", "kind": "choice", "label": "Stage", "options": STAGES},
        {"key": "rating", "kind": "integer", "label": "Rating", "minimum": "1", "maximum": "5"},
        {"key": "twice", "kind": "formula", "label": "Twice the rating", "formula": "rating * 2"},
    ):  # fmt: skip
        make(api, "custom-fields", type="drives", **stated)
    make(api, "custom-fields", type="accounts", key="tier", kind="text", label="Tier", labels={"zh-Hans": "等级"})
    per_contact = {"type": "drives", "field": "contact", "aggregate": "count"}
    make(api, "custom-fields", type="contacts", key="drives", kind="rollup", label="Drives", rollup=per_contact)
    role = make(api, "roles", name="Showroom", grants=[{"type": "drives", **VIEW}, {"type": "contacts", **VIEW}])
    items = [{"field": "name"}, {"field": "stage"}, {"field": "rating"}, {"field": "contact"}]
    tab = {"key": "", "label": "The drive", "labels": {"zh-Hans": "试驾"}, "sections": [{"label": "What happened", "columns": 2, "items": items}]}
    make(api, "layouts", type="drives", role=role["id"], content={"tabs": [tab]})
    make(api, "record-types", type="drives", key="long", label="Long one", choices={"stage": ["driven"]})
    make(api, "rules", type="drives", name="Driven has a rating", condition='stage = "driven" and ISEMPTY(rating)', message="How was it?", field="rating")
    make(api, "form-rules", type="drives", name="Rated once driven", condition=["stage", "eq", "driven"], effect="show", fields=["rating"])
    content = {"filter": ["stage", "eq", "planned"], "columns": ["name", "stage"], "sort": ["-rating"]}
    make(api, "saved-views", type="drives", name="To come", kind="list", content=content, owner=None, default_for=[role["id"]])
    count = {"of": {"type": "drives"}, "aggregate": "count"}
    make(api, "kpis", key="drives", name="Drives", definition=count, thresholds=[{"from": "1", "tone": "good"}])
    tiles = [{"kpi": "drives", "shape": "number", "period": "all", "x": 0, "y": 0, "w": 3, "h": 1}]
    make(api, "dashboards", name="Showroom", owner=None, tiles=[*tiles, {"kpi": "drives", "shape": "bar", "group_by": "stage", "x": 3, "y": 0, "w": 6, "h": 2}])
