"""No check passes where what it is about is false or unsupported, in Python and on the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.verify.checks import CHECKS, PROCEDURES
from tests import npm
from tests.differential.judges import PAGE, PageVerifier, by_python
from tests.differential.seeds import seeds
from tests.differential.unsupported import (
    CASES,
    IN_STORES,
    OF_CARDS,
    STATEMENTS,
    place_in,
    states_in,
)

SEEDS = seeds()
ROWS = [(check, name) for check, names in CASES.items() for name in names]
FOREIGN = ("hostile-w3c/", "presented/")


@pytest.fixture(scope="module")
def page() -> Iterator[PageVerifier]:
    npm.generated(PAGE)
    with PageVerifier() as verifier:
        yield verifier


def states(report: dict[str, Any], check: str) -> set[str]:
    found = {state for one, state in states_in(report) if one == check}
    assert found, f"{check} was not made: {report}"
    return found


def checks_of(*procedures: str) -> set[str]:
    return {check for name in procedures for check in PROCEDURES[name].checks}


def test_every_check_has_a_case() -> None:
    assert {*CASES, *IN_STORES, *OF_CARDS} == set(CHECKS)
    assert CASES.keys() & IN_STORES.keys() == {"store.genesis"}
    foreign = checks_of("w3c", "presentation", "envelope")
    for check in foreign - {"issuer.document", "trust.allowed", "log.witness"}:
        assert any(name.startswith(FOREIGN) for name in CASES[check]), check
    # The page keeps no memory, so of that it never says more than that there is none.
    assert {*CASES, "log.memory"} == foreign | checks_of(
        "delivery", "attestation", "grant", "deployment"
    )


@pytest.mark.parametrize(("check", "name"), ROWS)
def test_it_does_not_pass(check: str, name: str) -> None:
    assert "pass" not in states(by_python(SEEDS[name]), check)


@pytest.mark.page
@pytest.mark.parametrize(("check", "name"), ROWS)
def test_it_does_not_pass_on_the_page(check: str, name: str, page: PageVerifier) -> None:
    assert "pass" not in states(page(SEEDS[name]), check)


def test_what_is_only_said_passes_in_no_case_at_all() -> None:
    for name, case in SEEDS.items():
        passed = {check for check, state in states_in(by_python(case)) if state == "pass"}
        assert not passed & STATEMENTS, name


@pytest.mark.parametrize("check", IN_STORES)
def test_it_does_not_pass_in_a_store(
    check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.verify import conftest

    world = conftest.world.__wrapped__()
    report = IN_STORES[check](place_in(tmp_path, world, monkeypatch)).to_json()
    assert "pass" not in states(report, check)


@pytest.mark.parametrize("check", OF_CARDS)
def test_it_does_not_pass_of_a_card(check: str, tmp_path: Path) -> None:
    from tests.publish.conftest import WORLD

    chain = WORLD.Chain(tmp_path).build()
    assert "pass" not in states(OF_CARDS[check](chain).to_json(), check)
