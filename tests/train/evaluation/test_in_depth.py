"""What an evaluation of real clauses says, in the statement, the terminal, the report, the card."""

import html
import json
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from lyrikstore.verify.evaluation.words import seen_in_words, verdict_in_words
from lyrikstore.web.pages.evaluation import evaluation_facts, evaluation_page
from tests.shared_data import needs_data
from tests.train.evaluation.conftest import CONFIG, commit

pytestmark = [pytest.mark.train, needs_data]

VERDICTS = {"better", "no-difference-shown", "worse"}


class Tags(HTMLParser):
    """Collects elements and their attributes."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))


def assert_self_contained(page: bytes) -> None:
    for tag, attributes in Tags(page).found:
        assert tag != "script" or attributes == {"type": "application/json", "id": "page-facts"}
        assert tag not in {"img", "link", "iframe", "object", "base", "form", "a"}
        assert not {name for name in attributes if name.startswith("on")}
        assert not {"src", "href", "style", "action"} & attributes.keys()
    assert b"default-src 'none'" in page


@pytest.mark.parametrize("name", ["cuad", pytest.param("tos", marks=pytest.mark.ci)])
def test_no_evaluation_is_without_a_verdict_and_everything_says_it(name, request) -> None:
    person = request.getfixturevalue({"tos": "terms_of_service", "cuad": "clauses"}[name])
    result = request.getfixturevalue(f"{name}_result")
    first = result["body"]["comparisons"][0]
    assert first["verdict"] in VERDICTS  # whichever it is: a lost one is a result
    assert first["metric"] == {"tos": "macroF1", "cuad": "microF1"}[name]
    said = result["verdictText"]
    assert said == verdict_in_words(result["body"])
    assert said
    report = ("--html", f"{name}-later.html")
    shown = person.ok("evaluate", f"evaluations/firm/{name}", *report)
    assert said in shown.out
    seen = seen_in_words(result["body"])
    assert seen in shown.out
    page = (person.folder / f"{name}-later.html").read_bytes()
    assert said[1:] in html.unescape(page.decode())
    assert_self_contained(page)
    person.ok("card", f"checkpoints/firm/{name}", "-o", f"{name}.md")
    card = html.unescape((person.folder / f"{name}.md").read_text("utf-8"))
    assert said in card
    assert seen in card
    assert seen in html.unescape(page.decode())
    person.ok("verify", f"evaluations/firm/{name}")
    person.ok("verify", f"{name}.md")


def test_what_holds_the_training_data_is_no_test(terms_of_service) -> None:
    # ATTACK: a superset of what was learnt, logged before the run, which names no test set.
    person = terms_of_service
    read = [(person.folder / f"tos-{part}.jsonl").read_text("utf-8") for part in ("val", "test")]
    rows = [json.loads(line) for line in "".join(read).splitlines()]
    commit(person, "superset", rows, "label")
    config = (person.folder / "tos.toml").read_text("utf-8").replace('firm/tos"', 'firm/leaky"')
    path = person.folder / "leaky.toml"
    path.write_text(re.sub("(?m)^test = .*$", "", config), "utf-8")
    person.ok("train", path)
    before = person.ok("log", "--json").json
    on = ("--on", "firm/superset", "--json")
    assert person.fails(14, "evaluate", "checkpoints/firm/leaky", *on).kind == "test-is-train"
    assert person.ok("log", "--json").json == before


def test_what_was_seen_is_said_and_nothing_recommended(tos_result) -> None:
    body = dict(tos_result["body"])
    count, unseen = body["count"], seen_in_words(body)
    assert unseen.startswith(f"0 of {count}")
    body["overlap"] = {**body["overlap"], "exact": count // 100}
    assert verdict_in_words(body) == tos_result["verdictText"]
    body["overlap"]["exact"] = count // 100 + 1
    assert verdict_in_words(body).startswith("no verdict")
    assert "learned" in seen_in_words(body)


def test_near_duplicates_are_counted_and_figures_given_without_them(tos_result) -> None:
    overlap = tos_result["body"]["overlap"]
    assert overlap["exact"] == 0
    assert overlap["near"]["count"] >= 5
    assert overlap["near"]["without"].keys() == {"accuracy", "macroF1"}


def test_thresholds_are_signed_before_training_and_a_missed_one_is_said(
    terms_of_service, tos_result
) -> None:
    checkpoint = terms_of_service.ok("show", "checkpoints/firm/tos", "--json").json
    run = next(one["id"] for one in checkpoint["manifest"]["inputs"] if one["role"] == "run")
    thresholds = terms_of_service.ok("show", run, "--json").json["manifest"]["body"]["thresholds"]
    assert [one["metric"] for one in thresholds] == ["macroF1", "recall", "labelDrift"]
    judged = tos_result["body"]["thresholds"]
    assert [one["met"] for one in judged] == [True, False]  # drift is for monitoring
    assert {**judged[1], "value": "", "met": True} == {**thresholds[1], "value": "", "met": True}
    shown = terms_of_service.ok("evaluate", "evaluations/firm/tos", "--html", "missed.html").out
    assert re.search(r"^! MISSED: recall of Arbitration", shown, re.MULTILINE)
    assert (
        b"MISSED: recall of Arbitration" in (terms_of_service.folder / "missed.html").read_bytes()
    )


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        *(("makroF1", ""), ("recall", ""), ("macroF1", "Arbitration"), ("microF1", "")),
        *(("recall", "Abritration"), ("costPer1000", "")),
    ],
)
def test_what_no_evaluation_measures_is_refused_before_the_run(
    terms_of_service, metric, label
) -> None:
    config = (terms_of_service.folder / "tos.toml").read_text("utf-8")
    named = f'label = "{label}"\n' if label else ""
    path = terms_of_service.folder / "odd.toml"
    path.write_text(f'{config}\n[[threshold]]\nmetric = "{metric}"\n{named}at_least = 0.5\n')
    assert terms_of_service.fails(16, "train", path, "--json").kind == "bad-config"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("tos", 'expected = "Abritration"'),
        ("tos", 'expected = "Arbitration"\npredicted = "Othr"'),
        ("cuad", 'expected = "Cap On Liability"\npredicted = "Governing Law"'),
    ],
)
def test_a_mistake_that_nobody_can_make_has_no_price(name, more, request) -> None:
    person = request.getfixturevalue({"tos": "terms_of_service", "cuad": "clauses"}[name])
    label = {"tos": "label", "cuad": "labels"}[name]
    config = CONFIG.format(name=name, label=label)
    config += f'[cost]\nunit = "points"\n[[cost.mistake]]\n{more}\ncost = 50\n'
    (person.folder / "dear.toml").write_text(config, "utf-8")
    done = person.fails(16, "train", "dear.toml", "--json")
    assert done.kind == "bad-config"
    assert "cost.mistake" in done.err


@pytest.mark.parametrize(
    ("field", "kind"),
    [("label", "bad-config"), ("id", "bad-config"), ("text", "bad-config"),
     ("lable", "unknown-column")],
)  # fmt: skip
def test_a_text_never_has_its_label_or_id_beside_it(terms_of_service, field, kind) -> None:
    # ATTACK: a field that tells the label, so that the model looks as if it had learned something.
    config = CONFIG.format(name="tos", label="label")
    config = config.replace("[model]", f'fields = ["{field}"]\n[model]')
    (terms_of_service.folder / "leak.toml").write_text(config, "utf-8")
    done = terms_of_service.fails(16, "train", "leak.toml", "--json")
    assert done.kind == kind, done.err


def test_mistakes_have_their_price(clauses, cuad_result) -> None:
    body = cuad_result["body"]
    assert body["costs"]["mistakes"] == [{"expected": "Cap On Liability", "cost": "50"}]
    ours, theirs = (Decimal(body[name]["costPer1000"]) for name in ("model", "baseline"))
    missed = body["model"]["perClass"]["Cap On Liability"]
    found = Decimal(missed["recall"]) * missed["support"]
    least = (missed["support"] - found) * 50 * 1000 / body["count"]
    assert ours >= least - 1
    shown = clauses.ok("evaluate", "evaluations/firm/cuad", "--html", "costs.html").out
    assert f"cost {ours:.2f} points" in shown
    assert f"{theirs:.2f}" in shown


def test_a_card_of_several_labels_has_their_metrics(clauses, cuad_result) -> None:
    clauses.ok("card", "checkpoints/firm/cuad", "-o", "several.md")
    card = (clauses.folder / "several.md").read_text("utf-8")
    model = cuad_result["body"]["model"]
    for value in (model["measures"]["microF1"], model["measures"]["subsetAccuracy"]):
        assert str(Decimal(value["value"])) in card
    assert 'name: "micro-F1"' in card
    assert "library_name" not in card


def test_texts_of_failures_are_shown_and_not_signed(clauses, cuad_result) -> None:
    failures = cuad_result["failures"]
    assert failures
    assert all(one["recordText"] for one in failures)
    signed = json.dumps(clauses.ok("show", "evaluations/firm/cuad", "--json").json)
    assert not any(one["recordText"][:60] in signed for one in failures)
    assert [one["recordPlace"] for one in failures] == [
        one["place"] for one in cuad_result["body"]["worst"]
    ]
    for one in failures[:2]:
        found = clauses.ok("why", "firm/cuad-test", one["recordAt"], "--json").json
        assert found["record"] == one["record"]


def test_a_report_is_of_an_evaluation(clauses, cuad_result) -> None:
    for arguments in (("checkpoints/firm/cuad",), ("evaluations/firm/cuad",)):
        assert clauses.fails(2, "evaluate", *arguments, "--json").kind == "usage"


def test_markup_in_labels_fields_and_texts_stays_text(tos_result) -> None:
    hostile = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"
    text = json.dumps(tos_result["body"]).replace("Arbitration", hostile.replace("/", "\\/"))
    facts = {
        "id": hostile,
        "name": hostile,
        "inputs": [("test", hostile)],
        "body": json.loads(text),
        "chosen": None,
        "samples": [],
        "confusion": {"labels": [hostile, "Other"], "counts": [[1, 2], [0, 9]]},
        "failures": [
            {**one, "expected": hostile, "recordText": hostile} for one in tos_result["failures"]
        ],
    }
    facts["body"]["slices"] = [
        {**one, "field": hostile, "value": hostile} for one in tos_result["body"]["slices"]
    ]
    about = {"store": hostile, "created": hostile, "with_data": ["texts"]}
    page = evaluation_page(evaluation_facts(facts, **about), tool=hostile)
    assert_self_contained(page)
    assert hostile in html.unescape(page.decode())
