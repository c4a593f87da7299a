"""A model of real clauses held against what came after its training."""

import html
import json
from decimal import Decimal

import pytest

from lyrikstore.web.pages.monitor import monitor_facts, monitor_page
from tests.shared_data import needs_data
from tests.train.evaluation.conftest import commit, new_firm, rows_of, train
from tests.train.evaluation.test_in_depth import assert_self_contained

pytestmark = [pytest.mark.train, needs_data]

TOS = "checkpoints/firm/tos"


@pytest.fixture(scope="module")
def later(terms_of_service, tos_result):
    """Commit what came after: alike and not, labelled and not."""
    rows = rows_of("unfair-tos", "test")
    unfair = [row for row in rows if row["label"] != "Other"]
    others = [row for row in rows if row["label"] == "Other"]
    alike = [{"text": row["text"]} for row in [*unfair, *others[200:320]]]
    asked = [{"text": row["text"]} for row in rows_of("banking77", "test")[:150]]
    # Somebody labels by another rule.
    relabelled = [{**row, "label": "Arbitration"} for row in others[400:540]]
    commit(terms_of_service, "alike", alike, "")
    commit(terms_of_service, "asked", asked, "")
    commit(terms_of_service, "few", alike[:50], "")
    commit(terms_of_service, "relabelled", relabelled, "label")
    return terms_of_service


@pytest.mark.parametrize(
    ("name", "verdict", "code", "moved"),
    [
        ("alike", "ok", 0, set()),
        ("asked", "drift", 19, {"lengths", "newTokenShift", "unlikeShift"}),
        ("few", "insufficient", 5, set()),
        ("relabelled", "drift", 19, {"accuracy"}),
    ],
)
def test_what_came_is_judged_signed_and_verified(later, name, verdict, code, moved) -> None:
    page = f"{name}.html"
    done = later.run("monitor", TOS, "--on", f"firm/{name}", "--html", page, "--json")
    assert done.code == code, (done.out, done.err)
    body = done.json["body"]
    assert (body["purpose"], body["drift"]["verdict"]) == ("monitor", verdict)
    assert done.json["name"] == "evaluations/firm/tos.monitor"
    drift = body["drift"]
    limits = {"lengths": "0.25", "newTokenShift": "0.1", "unlikeShift": "0.1"}
    for member in moved - {"accuracy"}:
        assert abs(Decimal(drift[member])) >= Decimal(limits[member])
    assert ("macroF1" in body["model"]) == (name == "relabelled")
    share, since = Decimal(drift["unlikeShare"]), Decimal(drift["unlikeShift"])
    assert (share > Decimal("0.5")) == (name == "asked")
    assert share - since < Decimal("0.1")
    if "accuracy" in moved:
        macro, accuracy = body["comparisons"]
        assert macro["over"]["labels"] == 1  # the only one that came
        assert (accuracy["baseline"], accuracy["verdict"]) == ("release", "worse")
        assert "accuracy fell" in done.json["verdictText"]
    report = later.ok("verify", done.json["id"], "--json")
    assert report.json["verdict"] == "trusted"
    assert report.check("evaluation.recomputed")["state"] == "pass"
    written = (later.folder / page).read_bytes()
    assert_self_contained(written)
    assert done.json["verdictText"][1:] in html.unescape(written.decode())


def test_a_limit_of_ones_own_takes_the_place_of_the_usual_one(later) -> None:
    body = later.run("monitor", TOS, "--on", "firm/asked", "--json").json["body"]
    judged = {one["metric"]: one for one in body["thresholds"]}
    assert judged.keys() == {"labelDrift"}  # what needs labels is not judged without
    assert judged["labelDrift"]["value"] == body["drift"]["labels"]


def test_the_log_shows_the_line_and_a_card_never_takes_it_for_the_test(later) -> None:
    later.run("monitor", TOS, "--on", "firm/relabelled")
    shown = later.ok("log", TOS, "--json").json["versions"][0]["evaluations"]
    assert not shown[0]["isMonitor"]
    assert all(one["isMonitor"] for one in shown[1:])
    assert shown[1:]
    assert "monitored" in later.ok("log", TOS).out
    later.ok("log", TOS, "--html", "line.html", "--json")
    assert_self_contained((later.folder / "line.html").read_bytes())
    later.fails(2, "log", "--html", "all.html", "--json")
    assert later.fails(16, "log", "firm/tos-test", "--html", "no.html", "--json").kind == (
        "not-monitored"
    )
    report = ("--html", "monitor.html", "--json")
    done = later.fails(16, "evaluate", "evaluations/firm/tos.monitor", *report)
    assert done.kind == "not-an-evaluation"
    assert not (later.folder / "monitor.html").exists()
    later.ok("card", TOS, "-o", "monitored.md")
    card = (later.folder / "monitored.md").read_text("utf-8")
    assert ".monitor" not in card.replace("answer.monitoring", "")
    assert later.ok("verify", "monitored.md", "--json").check("card.current")["state"] == "pass"
    rows = later.ok(
        "query", "select purpose, drift, accuracy from evaluations where purpose is not null",
        "--json",
    ).json["rows"]  # fmt: skip
    assert rows
    # The evaluation of the test is what the name stands for, still.
    assert (
        "drift" not in later.ok("show", "evaluations/firm/tos", "--json").json["manifest"]["body"]
    )


@pytest.mark.parametrize(
    ("dataset", "code", "kind"),
    [
        ("firm/tos-test", 14, "not-new"),
        ("firm/tos-train", 14, "not-new"),
        ("firm/tos-again", 14, "not-new"),
        ("firm/unpermitted", 14, "rights-missing"),
        ("checkpoints/firm/tos", 16, "not-a-dataset"),
    ],
)
def test_what_is_no_new_data_is_refused(later, dataset, code, kind) -> None:
    if dataset == "firm/tos-again":  # the locked test set under another name
        later.ok("commit", later.folder / "tos-test.jsonl", "-d", "firm/tos-again", "--text",
                 "text", "--label", "label")  # fmt: skip
        later.ok("permit", "firm/tos-again", "--permit", "evaluate")
    if dataset == "firm/unpermitted":
        rows = [{"text": f"clause number {number}"} for number in range(9)]
        path = later.folder / "unpermitted.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        later.ok("commit", path, "-d", dataset, "--text", "text")
    assert later.fails(code, "monitor", TOS, "--on", dataset, "--json").kind == kind


def test_a_checkpoint_that_was_not_evaluated_has_nothing_to_be_held_against(later) -> None:
    config = (later.folder / "tos.toml").read_text("utf-8")
    (later.folder / "untested.toml").write_text(config.replace('firm/tos"', 'firm/untested"'))
    later.ok("train", "untested.toml")
    commit(later, "news", rows_of("banking77", "test")[400:420], "label")
    done = later.fails(16, "monitor", "checkpoints/firm/untested", "--on", "firm/news", "--json")
    assert done.kind == "not-evaluated"


def test_several_labels_are_monitored_by_their_metrics(clauses, cuad_result) -> None:
    commit(clauses, "december", rows_of("cuad-clauses", "test")[500:640], "labels")
    on = ("--on", "firm/december", "--json")
    done = clauses.run("monitor", "checkpoints/firm/cuad", *on)
    assert done.code in {0, 19}
    body = done.json["body"]
    assert [one["metric"] for one in body["comparisons"]] == ["microF1", "macroF1"]
    assert body["model"]["costPer1000"]
    clauses.ok("verify", done.json["id"])


def test_markup_in_names_stays_text(later) -> None:
    hostile = "<script>alert(1)</script>"
    shown = later.ok("log", TOS, "--json").json["versions"][0]["evaluations"]
    bodies = [later.ok("show", one["id"], "--json").json["manifest"]["body"] for one in shown]
    statements = [
        {"id": hostile, "created": hostile, "data": hostile, "body": body} for body in bodies
    ]
    model = {"id": hostile, "name": hostile}
    page = monitor_page(monitor_facts(model, statements, store=hostile), tool=hostile)
    assert_self_contained(page)
    assert hostile in html.unescape(page.decode())


def test_what_may_not_be_read_any_more_is_left_out_and_said(tmp_path) -> None:
    person = new_firm(tmp_path)
    asked = {part: rows_of("banking77", part) for part in ("train", "val", "test")}
    labels = sorted({row["label"] for row in asked["train"]})[:5]
    few = {part: [row for row in rows if row["label"] in labels] for part, rows in asked.items()}
    given = {part: commit(person, f"bank-{part}", rows, "label") for part, rows in few.items()}
    train(person, "bank", "label")
    person.ok("evaluate", "checkpoints/firm/bank", "--on", "firm/bank-test")
    commit(person, "later", [{"text": row["text"].swapcase()} for row in few["test"]], "")
    on = ("monitor", "checkpoints/firm/bank", "--on", "firm/later", "--json")
    whole = person.run(*on).json["body"]["drift"]
    assert {"lengths", "newTokenShare", "newTokenShift"} <= whole.keys()
    assert (whole["verdict"], "unjudged" in whole) == ("ok", False)
    person.ok("credential", "revoke", given["train"])
    # ATTACK: what was promised of new words is not judged any more, and everything seems fine.
    done = person.run(*on)
    less = done.json["body"]["drift"]
    assert (done.code, less["verdict"]) == (5, "insufficient")
    assert "new words" in done.json["verdictText"]
    assert less["unjudged"] == ["newTokenShare", "newTokenShift"]
    assert "newTokenShare" not in less
    assert less["lengths"] == whole["lengths"]
    person.ok("credential", "revoke", given["test"])
    least = person.run(*on).json["body"]["drift"]
    assert not {"lengths", "newTokenShare"} & least.keys()
    assert least["unjudged"] == ["lengths", "newTokenShare", "newTokenShift"]
    assert least["labels"] == whole["labels"]
