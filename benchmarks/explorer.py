#!/usr/bin/env python3
"""Time of the pages of `lyrikstore ui` for a store of 10,000 objects and rows by the million.

    python benchmarks/explorer.py [--objects 10000] [--rows 1000000] [--write-docs]

The real command serves the pages to one client. A page is asked for once, so that what it is made
of is in memory, and then so many times; beside each stands how often as long it takes as the page
of an address that does not exist, which is frame and style alone. The aim is a second a page.
"""

import argparse
import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from measure import environment

from lyrikstore.api import CommitMetadata, FieldRoles, Store
from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "performance.md"
MARK, END = "<!-- written by benchmarks/explorer.py -->", "<!-- end of explorer.py -->"
TRIES = 11
LIMIT = 1.0
TRANSACTION = 500
WORDS = [
    "party",
    "delivery",
    "liability",
    "term",
    "notice",
    "licence",
    "grant",
    "payment",
    "transfer",
    "warranty",
]


def new_store(home: Path) -> Store:
    """Return an empty store where the command finds it."""
    config, state = home / ".config" / "lyrikstore", home / ".local" / "state" / "lyrikstore"
    return Store.create(
        home / "work" / ".lyrikstore",
        signer=signer_for("owner"),
        keys=KeyFolder(config / "keys"),
        memory_dir=state / "logs",
        trust_file=config / "trust.toml",
        cache_dir=home / ".cache" / "lyrikstore",
    )


def log_objects(store: Store, count: int) -> None:
    """Log small datasets: names of four versions, made from each other in chains of 20."""
    repository, signer = store.repository, signer_for("owner")
    text = b"one document\n"
    tree = Tree.of([TreeEntry("a.txt", len(text), Digest.of(text), {})])
    body = {"reader": "document/1", "records": 1, "bytes": len(text), "fileCount": 1,
            "origin": "committed", "descriptor": {}}  # fmt: skip
    derived = {**body, "origin": "filtered", "derivation": {
        "counts": {"in": 1, "kept": 1, "dropped": 0, "changed": 0, "elsewhere": 0},
        "dropped": {}, "changed": {},
    }}  # fmt: skip
    steps = [{"use": "empty/1"}]
    recipe = {"recipe": {"step": steps}, "steps": steps, "reads": ["text"], "engine": "bench"}
    last: dict[str, Any] = {}
    made = 0
    store.signer()
    while made < count:
        with open_transaction(repository) as tx:
            tx.writer.put_bytes(text)
            tx.writer.put_bytes(tree.encode())
            if not made:
                recipe_manifest = sign_manifest(
                    store=repository.store_id, signer=signer, created=store.clock(),
                    kind="filter", name="filters/bench/clean", body=recipe,
                )  # fmt: skip
                tx.log_manifest(recipe_manifest)
            for at in range(made, min(made + TRANSACTION, count)):
                name = f"datasets/bench/n{at // 4:05}"
                before = last.get(f"datasets/bench/n{at // 4 - 1:05}") if at // 4 % 20 else None
                manifest = sign_manifest(
                    store=repository.store_id, signer=signer, created=store.clock(),
                    kind="dataset", name=name, tree=tree.id, files=tree.files_id,
                    body=body if before is None else derived,
                    parents=[last[name].id] if name in last else [],
                    inputs=[] if before is None else [
                        Input("source", "dataset", before.id),
                        Input("filter", "filter", recipe_manifest.id),
                    ],
                    message=f"object {at}",
                )  # fmt: skip
                tx.log_manifest(manifest)
                last[name] = manifest
            tx.commit()
        made += TRANSACTION


def commit_rows(store: Store, home: Path, count: int) -> None:
    """Commit rows with an id, some words, a label and a licence."""
    folder = home / "rows"
    folder.mkdir()
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        for at in range(count):
            words = " ".join(WORDS[(at * step) % len(WORDS)] for step in range(1, 25))
            row = {"id": f"r{at}", "text": f"Clause {at}: {words}.", "label": WORDS[at % 7],
                   "licence": ("CC0-1.0", "MIT")[at % 3 == 0]}  # fmt: skip
            file.write(json.dumps(row) + "\n")
    roles = FieldRoles(id="id", text=("text",), label="label", licence="licence")
    store.datasets.commit(folder, "bench/rows", CommitMetadata(roles=roles))


class Client:
    """A running explorer, and a session with it."""

    def __init__(self, home: Path) -> None:
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lyrikstore_cli", "ui", "--json"],
            cwd=home / "work",
            env=environment(home, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
            stdout=subprocess.PIPE,
            text=True,
        )
        text = ""
        assert self.process.stdout is not None
        while not text.endswith("}\n"):
            text += self.process.stdout.readline()
        said = json.loads(text)
        self.connection = http.client.HTTPConnection("127.0.0.1", said["port"], timeout=600)
        self.headers: dict[str, str] = {}
        parts = urlsplit(said["url"])
        self.connection.request("GET", f"{parts.path}?{parts.query}")
        answer = self.connection.getresponse()
        answer.read()
        self.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]

    def get(self, path: str) -> tuple[float, str]:
        """Return seconds and text of a page."""
        begin = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != (404 if path == "/nothing" else 200):
            sys.exit(f"{path}: {answer.status}")
        return time.perf_counter() - begin, text

    def wait_for(self, path: str) -> float:
        """Ask for a page until what it waits for is done; return seconds."""
        begin = time.perf_counter()
        while 'http-equiv="refresh"' in self.get(path)[1]:
            time.sleep(0.25)
        return time.perf_counter() - begin

    def verified(self) -> float:
        """Wait until the store is verified; return seconds."""
        begin = time.perf_counter()
        while 'class="lead unverified"' in self.get("/nothing")[1]:
            time.sleep(0.25)
        return time.perf_counter() - begin

    @property
    def peak(self) -> int:
        """Bytes that the process held at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) << 10 if found else 0

    def stop(self) -> None:
        """End the command."""
        self.process.terminate()
        self.process.wait()


def paths_of(store: Store, rows: int) -> Mapping[str, str]:
    """Return title → path of the pages that are measured."""
    found = store.resolve("bench/rows").id.hex
    old, new = (store.resolve(f"bench/n00100{one}").id.hex for one in ("~1", ""))
    return {
        "names": "/",
        "names, searched": "/?q=n0123",
        "names, last page": "/?page=9999",
        "versions of a name": "/name?name=datasets/bench/n00100",
        "object": f"/object/{new}",
        "log": "/log",
        "log, searched": "/log?q=" + quote("object 77"),
        "log, an entry": "/log?q=5000",
        "dataset": f"/dataset?id={found}",
        "rows": f"/rows?id={found}",
        "rows, in the middle": f"/rows?id={found}&page={rows // 100}",
        "rows, search of a frequent text": f"/rows?id={found}&q=warranty",
        "rows, search of a rare text": f"/rows?id={found}&q=clause%20{rows - 7}:",
        "rows, search of what is not there": f"/rows?id={found}&q=absent",
        "one row": f"/row?id={found}&n={rows - 1}",
        "files": f"/files?id={new}",
        "a file": f"/file?id={new}&path=a.txt",
        "two versions": f"/compare?a={old}&b={new}",
        "lineage": f"/lineage/{new}",
        "impact": f"/impact/{new}",
        "runs": "/runs",
        "cards": "/cards",
        "deliveries and deployments": "/uses",
        "credentials": "/credentials",
        "rules": "/rules",
    }


def measured(objects: int, rows: int) -> tuple[list[tuple[str, float, float, float]], str, bool]:
    """Return the lines of the table, what was measured besides, and whether the aim is met."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "work").mkdir()
        store = new_store(home)
        log_objects(store, objects)
        commit_rows(store, home, rows)
        client = Client(home)
        try:
            first, shown = client.get("/")[0], client.wait_for("/")
            verified = client.verified()
            paths = paths_of(store, rows)
            grown = home / "later"
            grown.mkdir()
            (grown / "a.txt").write_text("a later document\n", "utf-8")
            built = client.wait_for(paths["rows"])
            at_rest = client.peak
            lines = []
            floor = statistics.median(client.get("/nothing")[0] for _ in range(TRIES))
            for title, path in paths.items():
                client.wait_for(path)
                taken = [client.get(path)[0] for _ in range(TRIES)]
                middle = statistics.median(taken)
                lines.append((title, middle, max(taken), middle / floor))
            store.datasets.commit(grown, "bench/later")
            later = client.get("/")[0]
            said = (
                f"The first page came after {first:.1f} s and the names {shown:.1f} s later; "
                f"{verified:.0f} s after that the structure of the store was verified, and the "
                f"rows were read into their file in {built:.0f} s. "
                f"The first page after another commit took {later:.2f} s. "
                f"An address that does not exist takes {floor * 1000:.1f} ms. The process held "
                f"{at_rest >> 20} MiB at most until then, and {client.peak >> 20} MiB in the end."
            )
        finally:
            client.stop()
    return lines, said, max(line[2] for line in lines) <= LIMIT


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into docs/ if asked; 1 if a page takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOCS.name}")
    options = parser.parse_args(arguments)
    lines, said, kept = measured(options.objects, options.rows)
    table = ["| page | median, ms | worst, ms | of an empty page |", "| --- | --- | --- | --- |"]
    for title, middle, worst, ratio in lines:
        table.append(f"| {title} | {middle * 1000:.0f} | {worst * 1000:.0f} | {ratio:.1f} × |")
    about = (
        f"Measured by `python benchmarks/explorer.py` on {datetime.now(UTC):%Y-%m-%d}, "
        f"{os.cpu_count()} cores ({platform.machine()}) that others used as well: "
        f"{options.objects:,} objects and a dataset of {options.rows:,} rows, "
        f"{TRIES} requests a page. At most {LIMIT:g} s a page: "
        f"the limit is {'kept' if kept else 'not kept'}. {said}"
    )
    sys.stdout.write("\n".join([about, "", *table]) + "\n")
    if options.write_docs:
        before, _, rest = DOCS.read_text("utf-8").partition(MARK)
        after = rest.partition(END)[2]
        parts = [before.rstrip(), MARK, "## Pages of the explorer", about, "\n".join(table), END]
        DOCS.write_text("\n\n".join(parts) + (after or "\n"), "utf-8")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
