"""A store with rows and documents, and a browser that looks at it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import CommitMetadata, FieldRoles
from tests.explorer.browsing import Browser
from tests.explorer.chained import ChainBrowser
from tests.publish.conftest import WORLD
from tests.servers.dask import new_store

ROWS = 250
HOSTILE = "<script>alert(1)</script>\u202e\x07" + "x" * 10_000


def clauses(folder: Path, rows: int) -> Path:
    """Write rows with a licence each, one of them hostile."""
    folder.mkdir(exist_ok=True)
    lines = [
        {
            "id": f"r{at}",
            "text": HOSTILE if at == 7 else f"Clause {at} on Straße and delivery",
            "label": ("grant", "term")[at % 2],
            "licence": ("CC0-1.0", "Apache-2.0")[at % 5 == 0],
        }
        for at in range(rows)
    ]
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    (folder / "rows.jsonl").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store: two versions of rows, and documents."""
    folder = tmp_path_factory.mktemp("explored")
    store = new_store(folder)
    roles = FieldRoles(id="id", text=("text",), label="label", licence="licence")
    stated = CommitMetadata(roles=roles, message="the first")
    store.datasets.commit(clauses(folder / "in", ROWS - 50), "acme/clauses", stated)
    store.datasets.commit(clauses(folder / "in", ROWS), "acme/clauses", stated)
    letters = folder / "letters"
    letters.mkdir()
    for name in ("one", "two"):
        (letters / f"{name}.txt").write_text(f"Dear {name},\n\n<b>kind regards</b>\n", "utf-8")
    store.datasets.commit(letters, "acme/letters", CommitMetadata(licence="CC0-1.0"))
    return folder


@pytest.fixture
def browser_in(made: Path) -> Iterator[Browser]:
    """A browser session with the explorer of the store; nothing in the store may change."""
    opened = Browser(made)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def explored_chain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A whole chain with a card."""
    return WORLD.Chain(tmp_path_factory.mktemp("chained")).build()


@pytest.fixture
def chain_browser(explored_chain: Any) -> Iterator[ChainBrowser]:
    """A browser session with the explorer of a whole chain; nothing in it may change."""
    opened = ChainBrowser(explored_chain)
    yield opened
    opened.close()
