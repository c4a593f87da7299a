"""A corpus with a sheet, a recipe for it, and the decisions of what comes of it."""

from typing import Any

from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.recipes.decisions import Decision
from tests.decisions import decode_decisions

RECIPE = """
recipe = 1
description = "demo"
[[step]]
use = "drop-empty/1"
[[step]]
use = "allow/1"
column = "kind"
values = ["x", "y"]
[[step]]
use = "redact/1"
mask = ["owner"]
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "split/1"
by = "owner"
train = 0.6
validation = 0.2
test = 0.2
"""
EMAIL = "jane.roe@mail.example.org"


def corpus(bench: Any) -> None:
    files: dict[str, str | bytes] = {
        f"{n:02}.txt": f"Copyright (c) 2001 Person Number{n}\nText {n} mail {EMAIL}\n"
        for n in range(30)
    }
    files |= {"empty.txt": "", "latin.txt": b"caf\xe9", "dup.txt": files["03.txt"], "z.txt": "zz"}
    bench.write(files)
    rows = [["path", "kind", "owner"]]
    rows += [
        [name, "z" if name == "z.txt" else "xy"[n % 2], f"owner {n % 9} {EMAIL}"]
        for n, name in enumerate(files)
    ]
    stated = CommitMetadata(
        sheet=bench.sheet(rows), licence="CC-BY-4.0", licence_text=b"the licence"
    )
    bench.commit(stated=stated)


def decisions_of(bench: Any, manifest: Any) -> list[Decision]:
    item = manifest.attachments_in("decisions")[0]
    return list(decode_decisions(bench.repo.blobs.read(item.id, max_bytes=1 << 24)))
