"""Reports on evaluations and monitors in a browser: nothing but text, readable for everybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.web.pages.evaluation import evaluation_facts, evaluation_page
from lyrikstore.web.pages.monitor import monitor_facts, monitor_page
from tests import npm
from tests.sweep import thinned
from tests.web.test_report import OURS, SCRIPT

pytestmark = [pytest.mark.web]

ROOT = Path(__file__).resolve().parents[2]
DRAWN = {"svg", "text", "title", "rect", "circle", "line", "path", "TABLE", "TBODY", "TR", "TH"}
DRAWN |= {"TD", "SMALL", "THEAD", "FIGURE", "FIGCAPTION"}


def cases() -> list[dict[str, Any]]:
    found = json.loads((ROOT / "spec/vectors/evaluations/bodies.json").read_text("ascii"))
    bodies: list[dict[str, Any]] = [case["body"] for case in found["cases"] if "baseline" in
                                    case["body"]]  # fmt: skip
    return bodies


def facts(body: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(body)
    for name in ("lease", "north", "tfidf"):
        text = text.replace(f'"{name}"', json.dumps(SCRIPT))
    failures = [{"recordPlace": 3, "record": "00" * 32, "recordAt": SCRIPT,
                 "expected": SCRIPT, "predicted": SCRIPT,
                 "probability": "0.9", "recordText": f"{SCRIPT} " * 40}]  # fmt: skip
    report = {
        "id": "blake3:" + "0" * 64,
        "name": SCRIPT,
        "inputs": [("test", SCRIPT)],
        "body": json.loads(text),
        "chosen": {
            "metric": "macroF1",
            "candidates": [{"format": SCRIPT, "other": SCRIPT, "metrics": {}, "taken": False}],
        },
        "confusion": {"labels": [SCRIPT, "b"], "counts": [[9, 1], [3, 40]]},
        "failures": failures,
        "samples": [{**failures[0], "tokenF1": "0.5", "expectedText": SCRIPT, "modelText": None}],
    }
    return evaluation_facts(report, store=SCRIPT, created=SCRIPT, with_data=["texts"])


def monitors() -> list[dict[str, Any]]:
    found = json.loads((ROOT / "spec/vectors/evaluations/drift.json").read_text("ascii"))
    first = {"id": SCRIPT, "created": "2026-11-25T00:00:00Z", "data": SCRIPT, "body": cases()[1]}
    statements = [first]
    for number, case in enumerate(found["cases"]):
        body = {"count": 120, "model": {}, **case["body"]}
        body.pop("comparisons", None)
        created = f"2026-{number % 9 + 1:02d}-01T00:00:00Z"
        one = {"id": "blake3:" + "1" * 64, "created": created, "data": SCRIPT, "body": body}
        statements.append(one)
    return statements


def pages() -> dict[str, bytes]:
    found = {f"evaluation-{at}": evaluation_page(facts(body), tool=SCRIPT)
             for at, body in enumerate(cases())}  # fmt: skip
    model = {"id": SCRIPT, "name": SCRIPT}
    shown = monitor_facts(model, monitors(), store=SCRIPT)
    return found | {"monitor": monitor_page(shown, tool=SCRIPT)}


def test_markup_in_every_text_stays_text(open_page, tmp_path) -> None:
    for name, data in pages().items():
        kept = tmp_path / f"{name}.html"
        kept.write_bytes(data)
        page = open_page(kept, script=False).page
        tags = page.evaluate("[...document.querySelectorAll('*')].map((one) => one.tagName)")
        assert set(tags) <= OURS | DRAWN, name
        named = page.evaluate(
            "[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())"
        )
        assert not {one for one in named if one.startswith("on")} | {"src", "href"} & set(named)


@pytest.mark.page
@pytest.mark.parametrize(
    ("scheme", "width"),
    thinned([("light", 360), ("light", 1200), ("dark", 360), ("dark", 1200)], 1, ci=2),
)
def test_everybody_can_read_them(open_page, tmp_path, width, scheme) -> None:
    axe = (npm.installed(ROOT / "page") / "node_modules" / "axe-core" / "axe.min.js").read_text()
    for name, data in pages().items():
        kept = tmp_path / f"{name}.html"
        kept.write_bytes(data)
        window = open_page(
            kept, script=False, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        window.page.evaluate(axe)
        found = window.page.evaluate("() => axe.run()")
        assert [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]] == [], name
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width, name
        window.shot(f"{name}-{scheme}-{width}")
