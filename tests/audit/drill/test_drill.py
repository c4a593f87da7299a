"""The drill: every attack is caught, a miss is seen, and the store stays as it is."""

import re
from pathlib import Path

import pytest

from lyrikstore.api import CommitMetadata
from lyrikstore.api.store import Store
from lyrikstore.audit.drill import example, on_copy, on_example
from lyrikstore.audit.drill.attack import Attack, NotApplicableError, attempt
from lyrikstore.audit.drill.run import run_drill
from lyrikstore.canon.errors import FormatError, VerificationError
from tests.audit.drill.test_copy import state
from tests.servers.dask import new_store

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = new_store(tmp_path)
    for number in range(2):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / f"{number}.txt").write_text(f"text {number}\n" * 99)
        found.datasets.commit(tmp_path / "texts", "acme/texts", CommitMetadata())
    return found


@pytest.mark.train
def test_every_attack_is_caught_and_the_store_is_untouched(store: Store, tmp_path: Path) -> None:
    before = state(tmp_path)
    steps: list[tuple[int, int]] = []
    store.progress = lambda step: steps.append((step.done, step.total))
    drill = store.query.drill()
    assert [one for one in drill.outcomes if one.state != "caught"] == []
    assert len(drill.outcomes) >= 25
    assert drill.is_passed
    assert state(tmp_path) == before
    assert (len(drill.outcomes), len(drill.outcomes)) in steps


def test_without_the_extras_models_are_not_attacked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "find_spec", lambda _: None)
    drill = run_drill(store)
    assert drill.is_passed
    assert drill.count("missed") == 0
    assert {one.number for one in drill.outcomes if one.state == "not-applicable"} >= {"A53", "A80"}
    assert drill.count("caught") >= 25


def test_a_drill_with_a_miss_is_not_passed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Attack("A01", "nothing is done", on_copy.LOG, ("blobs",), lambda _: None)
    monkeypatch.setattr(on_copy, "ATTACKS", (nothing,))
    monkeypatch.setattr(on_example, "ATTACKS", ())
    drill = run_drill(store)
    assert not drill.is_passed
    assert [one.state for one in drill.outcomes] == ["missed"]


def test_no_drill_of_a_store_that_is_invalid(store: Store) -> None:
    pack = next((store.repository.root / "packs").rglob("*.pack"))
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(VerificationError) as caught:
        run_drill(store)
    assert caught.value.kind == "not-verified"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (FormatError("bad-pack", "refused"), "caught"),
        (FormatError("bad-tree", "stopped elsewhere"), "missed"),
        (NotApplicableError("nothing is there"), "not-applicable"),
    ],
)
def test_an_error_is_a_catch_only_if_it_was_expected(
    store: Store, error: Exception, state: str
) -> None:
    def fail(_: object) -> None:
        raise error

    attack = Attack("A04", "it fails", "", ("bad-pack",), fail)
    before = store.verify()
    assert attempt(attack, None, lambda _: before, lambda _: before).state == state


def test_another_check_than_expected_is_no_catch(store: Store) -> None:
    def damage(_: object) -> None:
        tile = max((store.repository.root / "log/tile/0").rglob("*"))
        tile.write_bytes(b"x")

    before = store.verify()
    attack = Attack("A01", "a tile is changed", "", ("blobs",), damage)
    found = attempt(attack, None, lambda _: store.verify(), lambda _: before)
    assert (found.state, found.because) == ("missed", "log.tiles")


def test_every_attack_is_a_row_of_the_table() -> None:
    table = (ROOT / "spec" / "attacks.md").read_text("utf-8")
    attacks = [*on_copy.ATTACKS, *on_example.ATTACKS]
    assert {one.number for one in attacks} <= set(re.findall(r"^\| (A\d+) ", table, re.MULTILINE))
    titles = [one.title for one in attacks]
    assert len(set(titles)) == len(titles)
