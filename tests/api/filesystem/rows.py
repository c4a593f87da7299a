"""Rows as Parquet, CSV and JSON Lines, and versions of them in a store."""

import io
import json
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OWNER = KeySigner(PrivateKey.from_seed(b"\x01" * 32))
LOG = KeySigner(PrivateKey.from_seed(b"\x02" * 32))
NAME = "datasets/acme/rows"
URL = f"lyrik://{NAME}"


def table(start: int, count: int) -> pa.Table:
    chance = random.Random(start)
    return pa.table(
        {
            "id": list(range(start, start + count)),
            "text": [chance.randbytes(200).hex() for _ in range(count)],
        }
    )


def parquet(rows: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, **options)
    return sink.getvalue()


def csv(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pa_csv.write_csv(rows, sink)
    return sink.getvalue()


def jsonl(rows: pa.Table) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows.to_pylist()).encode()


BIG = parquet(table(0, 20_000), row_group_size=1000, compression="none")
FILES = {
    "big.parquet": BIG,
    "part/a.parquet": parquet(table(0, 50)),
    "part/b.parquet": parquet(table(50, 50)),
    "rows.csv": csv(table(0, 100)),
    "rows.jsonl": jsonl(table(0, 100)),
    "empty": b"",
    "deep/er/x.txt": b"deep",
}


def commit(repository: Repository, files: dict[str, bytes]) -> str:
    state = repository.refs.get(NAME)
    with open_transaction(repository) as tx:
        entries = [
            TreeEntry(path, len(data), tx.writer.put_data(data), None)
            for path, data in files.items()
        ]
        tree = Tree.of(entries)
        tx.writer.put_bytes(tree.encode())
        manifest = sign_manifest(
            kind="dataset",
            store=repository.store_id,
            name=NAME,
            body={
                "reader": "document/1",
                "records": 1,
                "bytes": tree.total_bytes,
                "fileCount": len(entries),
                "origin": "committed",
                "descriptor": {},
                "ignored": 0,
            },
            tree=tree.id,
            files=tree.files_id,
            parents=(state.id,) if state else (),
            signer=OWNER,
            created=NOW,
        )
        tx.log_manifest(manifest)
        tx.commit()
    return manifest.id.hex
