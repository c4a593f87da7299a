"""What a file of ours holds, however it holds it: packs and databases unpacked."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from lyrikstore.canon.digest import Digest
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.pack.format import PackRef, read_index


def contents(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and what it holds compressed: blocks of packs, rows of databases."""
    yield path.read_bytes()
    if path.suffix == ".pack":
        backend, name = LocalBackend(path.parents[2]), "/".join(path.parts[-3:])
        pack = PackRef(Digest(bytes.fromhex(path.stem)), path.stat().st_size, "data")
        index = read_index(backend, pack)
        for block in range(index.blocks):
            yield index.unpack(block, backend.read(name, *index.span(block)))
    if path.name.endswith((".duckdb", ".set-aside")):
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
            for schema, table in tables:
                rows = connection.execute(f'select * from "{schema}"."{table}"').fetchall()
                yield repr(rows).encode()
