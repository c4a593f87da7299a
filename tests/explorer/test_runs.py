"""The table of runs, one run, and runs side by side."""

import shutil
from urllib.parse import unquote

import pytest

from lyrikstore.api.commands import evaluation_page, facts_of_evaluation
from lyrikstore.api.models import Models
from lyrikstore.explorer.graph.standing import map_of
from lyrikstore.explorer.models.training import amount, differing, flat
from tests.conftest import REPOSITORY
from tests.explorer.browsing import Browser, links_of, rows_of
from tests.web.page_samples import evaluated


@pytest.fixture
def made(chain_browser):
    return chain_browser.chain.made


def test_the_table_has_data_metric_and_state(chain_browser, made) -> None:
    page = chain_browser.page("/runs")
    (row,) = rows_of(page)
    assert "acme/classifier" in row[1]
    assert row[-1] == made["run"].created
    assert "(" in row[3]  # the metric has its interval
    pick = page.find(".//tbody//input[@type='checkbox']")
    assert pick.get("name") == f"run-{made['run'].id}"


def test_runs_are_found_by_name_and_id(chain_browser) -> None:
    assert not rows_of(chain_browser.page("/runs", q="no such run"))
    run = chain_browser.chain.made["run"].id
    assert rows_of(chain_browser.page("/runs", q=run.hex[:12]))
    assert rows_of(chain_browser.page("/runs", q="CLASSIFIER"))


def test_one_run_leads_to_model_and_evaluation(chain_browser, made) -> None:
    links = " ".join(links_of(chain_browser.page(f"/run/{made['run'].id}")).values())
    assert made["checkpoint"].id.hex in links
    assert made["evaluation"].id.hex in links


def test_an_evaluation_is_drawn_as_evaluate_draws_it(chain_browser, made, monkeypatch) -> None:
    report = {**evaluated(), "id": str(made["evaluation"].id)}
    monkeypatch.setattr(Models, "report", lambda _self, _evaluation: report)
    answer = chain_browser.client.get(f"/evaluation/{made['evaluation'].id}")
    facts = facts_of_evaluation(chain_browser.explorer.store, made["evaluation"], report)
    assert answer.content == evaluation_page(facts)


def test_results_of_monitoring_are_no_drawn_evaluation(tmp_path) -> None:
    shutil.copytree(REPOSITORY / "tests/compat/2026-12-01/store", tmp_path / "store")
    opened = Browser(tmp_path)
    map_of(opened.explorer)
    monitor = opened.explorer.store.resolve("evaluations/acme/clauses.monitor")
    (model,) = (one.id for one in monitor.inputs if one.role == "checkpoint")
    (run,) = (one.id for one in opened.explorer.manifest({"id": str(model)}).inputs_in("run"))
    page = opened.page(f"/run/{run}")
    links = [unquote(link.get("href")) for link in page.iterfind(".//main//a")]
    assert f"/object/{monitor.id}" in links
    assert f"/evaluation/{monitor.id}" not in links
    assert any(link.startswith("/evaluation/") for link in links)
    opened.close()


def test_another_object_is_no_run(chain_browser, made) -> None:
    page = chain_browser.page(f"/run/{made['train'].id}", status=400)
    assert page.find(".//main").get("data-kind") == "wrong-object"


@pytest.mark.parametrize("picked", [[], ["run"], ["run"] + ["x"] * 6, ["run", "train"]])
def test_what_cannot_be_compared(chain_browser, made, picked: list[str]) -> None:
    ids = [str(made[one].id) if one in made else f"{at}" for at, one in enumerate(picked)]
    query = {f"run-{one}": "1" for one in ids}
    page = chain_browser.page("/runs/compare", status=400, **query)
    assert page.find(".//main").get("data-kind") == "bad-choice"


def test_only_what_differs_is_shown() -> None:
    rows = differing([{"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}])
    assert rows == [("b", ["2", "3"]), ("c", ["", "4"])]


def test_nested_settings_become_paths() -> None:
    config = {
        "model": {"base": "linear", "candidates": ["a", "b"]},
        "parts": [{"x": 1}],
        "on": True,
    }
    assert flat(config) == {
        "model.base": "linear",
        "model.candidates": "a, b",
        "parts.1.x": "1",
        "on": "true",
    }


@pytest.mark.parametrize(
    ("member", "value", "text"),
    [
        ("wallSeconds", "1.3", "1.3 s"),
        ("wallSeconds", "5400", "90.0 min"),
        ("memoryBytes", "457248768", "457 MB"),
        ("energyKwh", "0.00000783", "0.0000078 kWh"),
        ("costUsd", "0", "0 USD"),
        ("costUsd", "12.50", "12.5 USD"),
        ("costUsd", "<b>", "<b>"),
    ],
)
def test_resources_have_units(member: str, value: str, text: str) -> None:
    assert amount(member, value) == text
