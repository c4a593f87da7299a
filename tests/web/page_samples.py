"""Facts of a page of each kind, with a secret in all that no page shows unasked."""

from collections.abc import Callable, Mapping
from typing import Any

from lyrikstore.publish.identity.key_letter import KeyLetter, letter_page
from lyrikstore.verify.report import Report
from lyrikstore.web.pages.evaluation import evaluation_facts, evaluation_page
from lyrikstore.web.pages.monitor import monitor_facts, monitor_page
from lyrikstore.web.pages.plan import plan_facts, plan_page
from lyrikstore.web.pages.profile import profile_facts, profile_page
from lyrikstore.web.pages.report import report_facts, report_page
from lyrikstore.web.pages.run import run_page
from tests.publish.conftest import WORLD

SECRET = "sentinel-of-a-person"
ID = "blake3:" + "0" * 64


def figure(value: str) -> dict[str, str]:
    return {"value": value, "low": value, "high": value}


def evaluated() -> dict[str, Any]:
    labels = {"a": {"precision": "1", "recall": "1", "f1": "1", "support": 9}}
    model = {"macroF1": figure("0.4"), "perClass": labels}
    return {
        "id": ID,
        "name": "evaluations/acme/x",
        "inputs": [("test", ID)],
        "body": {
            "count": 9,
            "split": "test",
            "task": "text-classification",
            "model": model,
            "worst": [{"expected": "a", "record": SECRET}],
            "rights": [{"issuer": SECRET}],
        },
        "chosen": None,
        "confusion": {"labels": ["a"], "counts": [[9]]},
        "failures": [
            {
                "recordPlace": 1,
                "record": SECRET,
                "recordAt": SECRET,
                "expected": "a",
                "predicted": "b",
                "probability": "0.9",
                "recordText": SECRET,
            }
        ],
        "samples": [
            {
                "recordPlace": 2,
                "record": SECRET,
                "recordAt": SECRET,
                "tokenF1": "0.5",
                "expectedText": SECRET,
                "modelText": SECRET,
                "baseText": None,
            }
        ],
    }


def profiled() -> dict[str, Any]:
    counts = [{"valueText": SECRET, "recordCount": 3}]
    return {
        "id": ID,
        "name": "datasets/acme/x",
        "recordCount": 3,
        "bytes": 9,
        "reader": "jsonl/1",
        "fieldRoles": {"text": "text"},
        "fieldFacts": [],
        "textLengths": [],
        "labelCounts": counts,
        "labelsAbove": None,
        "labelConflicts": 2,
        "conflictPlaces": [{"path": SECRET, "line": 1}],
        "exactDuplicates": 0,
        "normalisedDuplicates": 0,
        "sampled": 3,
        "personalFound": [],
        "personalSearched": ["text"],
        "languagesFound": [],
        "languagesUntold": "no package",
        "licenceCounts": counts,
        "licencesAbove": None,
        "previousVersion": None,
        "previousChanges": [],
        "documentsUnread": [{"valueText": "encrypted", "recordCount": 1}],
        "unreadPaths": [SECRET],
        "documentsPartlyRead": 0,
    }


def monitored() -> list[dict[str, Any]]:
    drift = {"verdict": "ok", "labels": "0.1", "referenceCount": 100}
    body = {"count": 100, "model": {"macroF1": figure("0.5")}, "worst": [{"record": SECRET}]}
    test = {"id": ID, "created": "2026-11-01T00:00:00Z", "data": "datasets/acme/t", "body": body}
    return [test, {**test, "body": {**body, "drift": drift, "rights": [{"issuer": SECRET}]}}]


def planned() -> dict[str, Any]:
    def amount(value: str, day: str | None = None) -> dict[str, Any]:
        return {"amount": value, "basis": "computed", "asOf": day}

    figures = {
        "on": "here",
        "memoryBytes": amount("1000000000"),
        "wallSeconds": amount("60"),
        "cpuSeconds": amount("60"),
        "costUsd": amount("0"),
        "energyKwh": amount("0.001"),
    }
    rented = {**figures, "on": "lambda/a10", "costUsd": amount("0.2", "2026-05-07")}
    month = {"expense": "training", "on": "here", "costUsd": amount("0"), "assumption": "weekly"}
    price = {
        "provider": "lambda",
        "asOf": "2026-05-07",
        "stale": True,
        "priceKind": "gpu",
        "url": "https://prices.example",
        "digest": ID,
    }
    tried = {"candidate": "tfidf", "format": "tfidf/2", "chosen": True, "reason": None}
    left = {**tried, "candidate": "lora", "chosen": False, "reason": "about 2 h of 1 h"}
    plan = {
        "name": "checkpoints/acme/x", "task": None, "base": None, "label": "label",
        "trainRecords": 9, "validationRecords": 3, "labelTotal": 2, "tokensBasis": "files",
        "maxTokens": 128, "shareCut": "0.1", "plannedOn": "here", "prices": [price],
        "candidates": [{**one, "processedTokens": amount(SECRET), "figures": [figures, rented]}
                       for one in (tried, left)],
        "together": [figures, rented], "monthly": [month], "planErrors": [],
        "warnings": [{"reason": "rights-missing", "summary": "train will refuse this"}],
    }  # fmt: skip
    return plan_facts(
        plan,
        store=ID,
        day="2026-12-03",
        memory=8 * 10**9,
        config='name = "x"\n',
        data={"train": [ID], "validation": [ID], "test": []},
    )


def ran() -> dict[str, Any]:
    return {
        "id": ID,
        "name": "runs/acme/x",
        "created": "2026",
        "store": ID,
        "body": {"execution": {}, "plan": {}, "records": {"train": 9}},
        "checkpoint": None,
        "history": {"candidate": "lora", "steps": 2, "loss": ["1.0", "0.5"], "epochs": []},
    }


def letter_facts() -> dict[str, Any]:
    letter = KeyLetter.about(WORLD.OWNER.public, at=WORLD.FrozenClock()())
    logs = ["data.example/archive+1a2b3c4d+AAAA"]
    return {**letter.to_json(), "store": ID, "roles": ["owner"], "logKeys": logs}


ABOUT = {"store": ID, "created": "2026-12-01T00:00:00Z"}
REPORT = Report.of("envelope", (), subject=ID, issuer=None, at=WORLD.FrozenClock()())
DRAWN: Mapping[str, Callable[[], bytes]] = {
    "evaluation": lambda: evaluation_page(evaluation_facts(evaluated(), **ABOUT)),
    "letter": lambda: letter_page(letter_facts()),
    "monitor": lambda: monitor_page(
        monitor_facts({"id": ID, "name": "checkpoints/acme/x"}, monitored(), store=ID)
    ),
    "plan": lambda: plan_page(planned()),
    "profile": lambda: profile_page(profile_facts(profiled(), **ABOUT)),
    "report": lambda: report_page(report_facts(REPORT, trust=ID)),
    "run": lambda: run_page(ran()),
}
