"""``plan``: real texts, real statistics; the store stays as it is."""

import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.train.config import TrainConfig
from lyrikstore.web.page_facts import TOOL, read_page
from lyrikstore.web.pages.plan import plan_page
from tests.cli.tour import PAGES, REPOSITORY, SPLIT, model_folder, topics

OWN_PRICES = """provider = "acme"
asOf = "2026-01-02"
source = "https://acme.example/prices"
kind = "official"
currency = "USD"
unit = "GPU-hour"
scaleToZero = false
[[machine]]
name = "large"
gpu = "NVIDIA H100"
memoryGb = 80
boardWatts = 700
peakBf16Tflops = 989
usdPerHour = 4
[[machine]]
name = "small"
gpu = "NVIDIA L4"
memoryGb = 24
boardWatts = 72
peakBf16Tflops = 121
usdPerHour = 0.4
"""


def verified(person: Any, page: Path) -> Any:
    return person.run("verify", page, "--json").json


@pytest.fixture
def store(publisher) -> Any:
    """Documents with a sheet, split into three parts by a filter."""
    topics(publisher.folder)
    (publisher.folder / "split.toml").write_text(SPLIT)
    publisher.ok("commit", "texts", "-d", "acme/pages", "--metadata", "sheet.csv")
    publisher.ok("filter", "acme/pages", "--recipe", "split.toml", "--as", "acme/topics")
    return publisher


@pytest.fixture
def based(store) -> Any:
    """The same with a base model, of which only its settings and head are real: nothing trains."""
    store.ok("commit", model_folder(), "-d", "checkpoints/acme/minilm")
    return store


def plan(person: Any, *arguments: object, code: int = 0) -> Any:
    return (
        person.fails(code, "plan", *arguments, "--json")
        if code
        else person.ok("plan", *arguments, "--json").json
    )


def entries(person: Any) -> int:
    return len(person.ok("log", "--audit", "--json").json["entries"])


def test_without_a_base_model_words_are_counted(store) -> None:
    before = entries(store)
    found = plan(store, "acme/topics", "--label", "page")
    assert [one["candidate"] for one in found["candidates"]] == ["tfidf"]
    assert {one["reason"] for one in found["warnings"]} >= {"no-base"}
    assert (found["base"], found["labelTotal"], found["tokensBasis"]) == (None, len(PAGES), "files")
    assert entries(store) == before
    config = TrainConfig.load(store.folder / "train.toml")
    assert (config.model.base, config.model.candidates) == ("linear", ("tfidf",))
    assert config.data.train == ("acme/topics.train",)
    assert (config.data.validation, config.data.test) == (
        "acme/topics.validation",
        "acme/topics.test",
    )


def test_words_alone_are_planned_beside_a_base_model_on_demand(based) -> None:
    found = plan(based, "acme/topics", "--label", "page", "--base", "linear", "-o", "one.toml")
    assert [one["candidate"] for one in found["candidates"]] == ["tfidf"]
    assert found["base"] is None
    written = (based.folder / "one.toml").read_text()
    assert written.startswith("# lyrikstore train one.toml\n")
    assert TrainConfig.parse(written.encode()).model.base == "linear"
    refused = based.fails(
        16, "plan", "acme/topics", "--label", "page", "--base", "linear", "--measure",
        "-o", "two.toml", "--json",
    )  # fmt: skip
    assert refused.kind == "nothing-to-measure"


def test_a_config_has_a_value_for_every_setting_and_is_planned_alike(based) -> None:
    before = entries(based)
    found = plan(based, "acme/topics", "--label", "page")
    assert [one["candidate"] for one in found["candidates"] if one["chosen"]] == [
        "tfidf",
        "embeddings",
        "lora",
        "blend",
    ]
    config = TrainConfig.load(based.folder / "train.toml")
    assert config.model.base == "checkpoints/acme/minilm"
    assert config.model.max_tokens % 64 == 0
    assert TrainConfig.from_json(config.to_json()) == config
    again = plan(based, "train.toml", "--html", "plan.html")
    differing = {name for name in found if found[name] != again[name]}
    assert differing == {"configFile", "pageFile"}
    page = based.folder / again["pageFile"]
    checks = {one["id"]: one["state"] for one in verified(based, page)["checks"]}
    assert (checks["page"], checks["page.current"]) == ("pass", "pass")
    # The config that `plan REF` writes does not name candidates that will not be tried.
    facts = read_page(page.read_bytes()).facts
    left_out = {**facts["candidates"][0], "candidate": "lora", "reason": "about 3 h"}
    facts = {**facts, "candidates": [*facts["candidates"], left_out]}
    page.write_bytes(plan_page(facts, tool=TOOL))
    assert {one["id"]: one["state"] for one in verified(based, page)["checks"]} == checks
    # ATTACK A215: words that nothing was computed from.
    noted = {**facts, "config": f"# approved by the bank\n{facts['config']}"}
    page.write_bytes(plan_page(noted, tool=TOOL))
    assert verified(based, page)["checks"][0]["detail"]["reason"] == "differs"
    page.write_bytes(plan_page(facts, tool=TOOL))
    # ATTACK A206: fewer hours, by an editor.
    page.write_bytes(page.read_bytes().replace(b"Training plan</p>", b"Approved plan</p>"))
    report = verified(based, page)
    assert (report["verdict"], report["checks"][0]["detail"]["reason"]) == ("invalid", "edited")
    kind = based.fails(15, "plan", "train.toml", "--html", page, "--json").kind
    assert kind == "file-exists"
    assert entries(based) == before
    here = found["together"][0]
    assert (here["on"], here["costUsd"]["amount"]) == ("here", "0")
    lora = next(one for one in found["candidates"] if one["candidate"] == "lora")
    assert Decimal(lora["figures"][0]["cpuSeconds"]["amount"]) > 0
    assert {one["costUsd"]["basis"] for one in lora["figures"][1:]} == {"quoted"}
    assert all(one["costUsd"]["asOf"] for one in lora["figures"][1:])
    expenses = [one["expense"] for one in found["monthly"]]
    assert expenses == [
        "training",
        "serving-cpu",
        "serving-scale-to-zero",
        "serving-always-on",
    ]


def test_a_version_by_its_id_is_planned_and_no_model_takes_the_place_of_its_base(based) -> None:
    based.ok("commit", "texts", "-d", "acme/minilm", "--metadata", "sheet.csv")
    by_name = plan(based, "acme/minilm", "--label", "page")
    assert by_name["name"] == "checkpoints/acme/minilm-trained"
    identity = based.ok("show", "acme/minilm", "--json").json["id"]
    by_id = plan(based, identity, "--label", "page")
    assert {one for one in by_id if by_id[one] != by_name[one]} == {"warnings"}  # name the REF


def test_it_never_replaces_a_file(store) -> None:
    (store.folder / "train.toml").write_text("mine")
    refused = store.fails(15, "plan", "acme/topics", "--label", "page", "--json")
    assert refused.kind == "file-exists"
    assert (store.folder / "train.toml").read_text() == "mine"
    plan(store, "acme/topics", "--label", "page", "-o", "other.toml")
    assert TrainConfig.load(store.folder / "other.toml")


@pytest.mark.parametrize(
    ("budget", "fits"),
    [
        ("memory_gb = 0.3", "acme/small"),
        ("hours = 0.00000001", None),
        ('on = "acme/large"\nusd = 0.5', "acme/small"),
        ('on = "acme/large"\nusd = 0.05', None),
    ],
)
def test_what_does_not_fit_the_budget_is_refused(based, budget, fits) -> None:
    plan(based, "acme/topics", "--label", "page")
    (based.folder / "mine.toml").write_text(OWN_PRICES)
    with (based.folder / "train.toml").open("a") as file:
        file.write(f"[budget]\n{budget}\n")
    refused = based.fails(14, "plan", "train.toml", "--prices", "mine.toml", "--json")
    assert refused.kind == "over-budget"
    assert refused.error["details"]["fits"] == fits
    assert refused.error["hint"]


def test_without_named_candidates_the_budget_decides(based) -> None:
    plan(based, "acme/topics", "--label", "page")
    text = (based.folder / "train.toml").read_text()
    text = re.sub(r"candidates = .*\n", "", text) + "[budget]\nmemory_gb = 0.3\n"
    (based.folder / "small.toml").write_text(text)
    found = plan(based, "small.toml")
    assert {one["candidate"]: one["chosen"] for one in found["candidates"]} == {
        "tfidf": True,
        "embeddings": False,
        "lora": False,
        "blend": False,
    }
    assert all(one["reason"] for one in found["candidates"] if not one["chosen"])


def test_prices_of_ones_own_stand_in_and_are_stale_after_a_while(based) -> None:
    (based.folder / "mine.toml").write_text(OWN_PRICES)
    found = plan(based, "acme/topics", "--label", "page", "--prices", "mine.toml")
    (prices,) = found["prices"]
    assert (prices["provider"], prices["stale"], prices["priceKind"]) == ("acme", True, "official")
    assert [one["on"] for one in found["together"]] == ["here", "acme/large", "acme/small"]
    assert "stale-prices" in {one["reason"] for one in found["warnings"]}
    with (based.folder / "train.toml").open("a") as file:
        file.write('[budget]\non = "acme/middle"\n')
    wrong = based.fails(1, "plan", "train.toml", "--prices", "mine.toml", "--json")
    assert wrong.kind == "no-machine"
    (based.folder / "mine.toml").write_text(OWN_PRICES.replace("80", "-80"))
    wrong = based.fails(16, "plan", "train.toml", "--prices", "mine.toml", "--json")
    assert wrong.kind == "bad-prices"


def test_rows_are_planned_from_their_signed_statistics(based, new_person) -> None:
    rows = based.folder / "rows"
    rows.mkdir()
    lines = []
    for page in PAGES:
        text = (REPOSITORY / "docs" / f"{page}.md").read_text("utf-8")
        for number, part in enumerate(re.split(r"\n\s*\n", text)):
            both = f'["{page}", "long"]' if len(part) > 300 else f'["{page}"]'
            quoted = re.sub(r"[^\w .,]", " ", part)
            lines.append(f'{{"id": "{page}{number}", "labels": {both}, "text": "{quoted}"}}\n')
    (rows / "all.jsonl").write_text("".join(lines))
    based.ok("commit", rows, "-d", "acme/rows")
    found = plan(based, "acme/rows")
    assert (found["tokensBasis"], found["label"], found["task"]) == (
        "lengths",
        "labels",
        "multi-label",
    )
    assert (found["trainRecords"], found["configFile"]) == (len(lines), None)
    assert "no-validation" in {one["reason"] for one in found["warnings"]}
    assert not (based.folder / "train.toml").exists()
    shutil.rmtree(rows)
    rows.mkdir()
    (rows / "all.jsonl").write_text("".join(lines))
    based.ok("commit", rows, "-d", "acme/rows", "--statistic", "tokens", "-m", "sampled")
    assert plan(based, "acme/rows")["tokensBasis"] == "words"


def test_what_cannot_be_planned_says_why(based) -> None:
    assert based.fails(1, "plan", "acme/none", "--json").kind == "no-ref"
    assert based.fails(1, "plan", "none.toml", "--json").kind == "no-file"
    assert based.fails(16, "plan", "acme/topics", "--json").kind == "label-missing"
    wrong = based.fails(16, "plan", "acme/topics", "--label", "pag", "--json")
    assert (wrong.kind, "page" in wrong.error["hint"]) == ("label-missing", True)
    wrong = based.fails(16, "plan", "checkpoints/acme/minilm", "--label", "page", "--json")
    assert wrong.kind == "not-a-dataset"
    arguments = ("acme/topics", "--label", "page", "--base", "acme/topics.train")
    assert based.fails(16, "plan", *arguments, "--json").kind == "not-a-model"
    measured = based.fails(14, "plan", "acme/topics", "--label", "page", "--measure", "--json")
    assert measured.kind == "rights-missing"  # as of train: steps are taken with the data
    assert not (based.folder / "train.toml").exists()


def test_several_base_models_are_named_and_one_can_be_chosen(based) -> None:
    based.ok("commit", model_folder(), "-d", "checkpoints/acme/other")
    found = plan(based, "acme/topics", "--label", "page")
    assert {one["reason"] for one in found["warnings"]} >= {"several-bases"}
    assert found["base"] is None
    chosen = ("--base", "checkpoints/acme/other", "-o", "other.toml")
    assert plan(based, "acme/topics", "--label", "page", *chosen)["base"]
    assert TrainConfig.load(based.folder / "other.toml").model.base == "checkpoints/acme/other"


@pytest.mark.train
def test_real_steps_are_measured_and_leave_nothing(based) -> None:
    based.ok("permit", "acme/pages", "--permit", "train,evaluate")
    before = entries(based)
    found = plan(based, "acme/topics", "--label", "page", "--measure")
    assert found["tokensBasis"] == "tokenizer"
    lora = next(one for one in found["candidates"] if one["candidate"] == "lora")["figures"][0]
    assert {lora[name]["basis"] for name in ("memoryBytes", "cpuSeconds", "wallSeconds")} == {
        "measured"
    }
    assert found["together"][0]["wallSeconds"]["basis"] == "measured"
    assert entries(based) == before
    left = [path for path in Path(based.folder).rglob("work-*") if path.is_dir()]
    assert left == []
