"""A filter on machines that see the store and nothing else of this one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import StorageError
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.recipe import parse_recipe
from tests.curate.conftest import Bench
from tests.servers.dask import InProcess

RECIPE = """
recipe = 1
[[step]]
use = "opt-out/1"
against = ["acme/list"]
url = "url"
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "decontaminate/1"
against = "acme/list"
"""


@pytest.fixture
def lists(bench: Bench, tmp_path: Path) -> Bench:
    rows = [{"text": f"text {n % 5}", "url": f"https://{n % 4}.example/"} for n in range(12)]
    bench.write({"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit()
    listed = Bench(tmp_path / "lists", bench.repo)
    listed.write({"list.jsonl": '{"url":"https://0.example","text":"Text 1"}\n'})
    listed.commit("acme/list")
    return bench


def derive(bench: Bench, pools: Any, cache: Path, to: str = "acme/clean") -> FilterResult:
    return apply_recipe(
        bench.with_cache(cache),
        ["acme/docs"],
        parse_recipe(RECIPE.encode()),
        to,
        pools=pools,
    )


def changing(change: Callable[[dict[str, Any]], object]) -> Any:
    """Return pools that change what a worker is told, as if it were another machine."""

    def pool(target: str, setup: dict[str, Any]) -> InProcess:
        change(setup)
        return InProcess(target, setup)

    return pool


def test_workers_need_nothing_of_this_users_cache(lists: Bench, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    setups: list[str] = []
    pools = changing(lambda setup: setups.append(json.dumps(setup)))
    there = derive(lists, pools, cache)
    assert dict(there.dropped) == {
        "opted-out-url": 3,
        "duplicate": 4,
        "overlap-normalised": 1,
    }
    assert len(setups) == 2
    assert not any(str(cache) in setup for setup in setups)
    assert derive(lists, None, cache).unchanged


def _says(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(setup: dict[str, Any]) -> None:
        setup["body"] = json.dumps(json.loads(setup["body"]) | {name: value}, sort_keys=True)

    return change


def _compares_with_other_data(setup: dict[str, Any]) -> None:
    setup["digests"] = dict.fromkeys(setup["digests"], "blake3:" + "0" * 64)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (_says("engine", "another"), ["engine"]),
        (_says("libraries", {"numpy": "0"}), ["libraries"]),
        (_compares_with_other_data, []),
    ],
)
def test_a_worker_that_differs_from_what_is_signed_refuses(
    lists: Bench, tmp_path: Path, change: Any, differs: list[str]
) -> None:
    with pytest.raises(StorageError) as caught:
        derive(lists, changing(change), tmp_path / "cache")
    assert caught.value.kind == "worker-differs"
    assert sorted(caught.value.details["differs"]) == differs
    assert "datasets/acme/clean" not in lists.repo.refs
