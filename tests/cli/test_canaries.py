"""ATTACK A72: a thousand values go through the whole chain, and stand nowhere but in the source."""

from pathlib import Path

import pytest

from tests.cli.canaries import (
    CANARY,
    CELL,
    COUNT,
    MODEL,
    commit,
    held,
    make,
    papers,
    share,
    values_in,
)
from tests.conftest import Person

pytestmark = pytest.mark.train

OUTSIDE = ("card.html", "package", "delivery", "page.html", "profile.html", "run.html",
           "report.html", "verify.html")  # fmt: skip
"""What is handed over."""


def test_a_thousand_values_stand_nowhere_but_in_the_source(
    publisher: Person, tmp_path: Path
) -> None:
    commit(publisher, 0)
    folder, store = publisher.folder, publisher.folder / ".lyrikstore"
    source = b" ".join(path.read_bytes() for path in (folder / "letters").iterdir())
    values, cells = values_in(CANARY, source), values_in(CELL, source)
    assert len(values) >= 4 * COUNT
    printed = " ".join(make(publisher)).encode()
    assert not values & values_in(CANARY, printed)
    handed = [folder / name for name in OUTSIDE]
    assert all(place.exists() for place in handed)
    assert held(values, CANARY, *handed) == held(cells, CELL, *handed) == set()
    assert held(values, CANARY, publisher.home) == set()
    assert {Path(one).name.split("-")[0] for one in held(cells, CELL, publisher.home)} <= {
        "index",  # what the sheet says of each file, to be asked
        "sheet",  # a sheet that was read
    }
    purging = publisher.copy(tmp_path / "purging")
    assert not values & values_in(CANARY, " ".join(share(publisher)).encode())
    kept = held(values, CANARY, store, folder / "remote", folder / "cloned")
    assert {Path(one).suffix for one in kept} == {".pack"}  # the source, as it was committed

    # The source is retired and purged: what is left holds nothing of it but the sheet in its tree.
    store = purging.folder / ".lyrikstore"
    for path in (purging.folder / "letters").iterdir():
        path.write_text("Nothing.")
    purging.ok("commit", "letters", "-d", "acme/letters", "--licence", "CC0-1.0", "--yes")
    purging.ok("gc", "--keep", "1", "acme/letters", "--purge")
    assert held(values, CANARY, store, purging.home) == set()
    assert {Path(one).suffix for one in held(cells, CELL, store, purging.home)} <= {".pack"}
    purging.ok("why", "acme/clean.train", "part-00000.jsonl:1")
    purging.ok("verify", MODEL)


def test_a_model_and_its_papers_do_not_depend_on_them(publisher: Person, tmp_path: Path) -> None:
    other = publisher.copy(tmp_path / "other")
    found = []
    for side, person in enumerate((publisher, other)):
        commit(person, side)
        make(person)
        found.append(papers(person))
    assert {"evaluation predictions", "card markdown", "package/onnx/model.onnx"} <= found[0].keys()
    assert found[0].keys() == found[1].keys()
    assert {name for name in found[0] if found[0][name] != found[1][name]} == set()
