"""docs/shaping.md is true: its requests are sent as they stand there, and what it says of them holds."""

import json
import re
from pathlib import Path

from core import limits

PAGE = (Path(__file__).parents[2] / "docs" / "shaping.md").read_text()
LINE = re.compile(r"(GET|POST|PATCH|DELETE) (\S+)(?: (\{.*\}))?(?: -> (\w+))?")


def test_the_requests_of_the_page(company, alice, api_for):
    api, made, answers = api_for(alice), {}, []
    for line in re.search("```http\n(.*?)```", PAGE, re.S)[1].splitlines():
        verb, path, body, name = LINE.fullmatch(line).groups()
        for word, record in made.items():
            path, body = path.replace(f"{{{word}}}", record["id"]), body and body.replace(f"{{{word}}}", record["id"])
        answer = api.send(verb, path, json.loads(body) if body else None, If_Match="*") if verb != "GET" else api.get(path)
        assert answer.status_code in (200, 201, 204), (line, answer.content)
        answers.append(answer)
        if name:
            made[name] = answer.json()
    listed, summed, grouped, moved, gone = answers[-5:]
    assert [r["id"] for r in listed.json()["results"]] == [made["drive"]["id"]] and re.fullmatch(r"TD-\d{4}-0001", made["drive"]["name"])
    assert (summed.json()["sums"], summed.json()["count"]) == ({"price": "31000.00"}, 1)
    assert [(g["key"], g["count"], [r["id"] for r in g["results"]]) for g in grouped.json()["groups"]] == [("planned", 1, [made["drive"]["id"]])]
    assert moved.json()["stage"] == "driven" and gone.status_code == 204
    assert api.get(made["vehicle"]["url"]).json()["archived_at"], "a test drive names it"
    assert api.get(f"test-drives/{made['vehicle']['id']}/").status_code == 404


def test_its_figures_are_those_of_the_code():
    assert f"At most {limits.SAFETY['custom_objects']} objects" in PAGE
