#!/usr/bin/env python3
"""Computes from measured figures what 10 TB and 1 PB cost in hours, requests and memory.

    python benchmarks/scale.py [--scale 0.2] [--work DIR] [--write-docs]

Measured here: processor seconds of ``commit`` and ``verify`` for each kind of data, how many blobs
and stored bytes it becomes, the memory that a blob's place takes, the seconds and the client's
processor time of a request (against moto's S3 server on this machine, if it is installed).
Assumed: the network, the round trip of a far away store, and cores that do not wait for it.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from measure import must, remove, warm
from report import machine, number
from small import Person
from work import Plan

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "internals" / "scale.md"
CORES = (2, 64, 1024)
SIZES = {"10 TB": 10e12, "1 PB": 1e15}
KINDS = {
    "documents of 10 KB": ("docs", "*.txt", 9_577.0),
    "JSONL shards of 256 MB": ("shards", "*.jsonl", 256e6),
    "Parquet shards of 256 MB": ("shards", "*.parquet", 256e6),
    "checkpoints in files of 1 GB": ("shards", "*.safetensors", 1e9),
}
LINK = 1.25e9  # bytes a second: 10 Gbit/s for every 16 cores
LINK_CORES = 16
ROUND_TRIP = 0.05  # seconds of a request to a far away object store
AT_ONCE = 8  # requests under way for each core
DRIVER = 64 * 2**30  # bytes of memory of the driver
ENTRY = 120  # bytes of a tree's line: path, size, digest


@dataclass(frozen=True)
class Kind:
    """What was measured of one kind of data; seconds are processor seconds for each byte."""

    name: str
    file: float
    commit: float
    verify: float
    stored: float
    blobs: float
    packs: float
    index: float


@dataclass(frozen=True)
class Request:
    """What one request costs: wall seconds, and processor seconds of the client."""

    name: str
    wall: float
    cpu: float


def measure_kind(name: str, plan: Plan, base: Path) -> Kind:
    """Commit and verify one kind of data in a fresh store."""
    corpus, pattern, size = KINDS[name]
    (source,) = plan.corpus(corpus)
    data = base / "data"
    for path in sorted(source.rglob(pattern)):
        target = data / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(path)
    raw = sum(path.stat().st_size for path in data.rglob(pattern))
    warm(data)
    person, idle = Person(base / "person"), Person(base / "idle")
    (base / "one").mkdir()
    (base / "one" / "file.txt").write_text("one")
    start = idle.run("commit", base / "one", "-d", "bench/one").cpu
    commit = person.run("commit", data, "-d", "bench/corpus").cpu - start
    verify = person.run("verify").cpu - idle.run("verify").cpu
    program = [sys.executable, str(HERE / "scale.py"), "--index"]
    stores = [str(who.folder / ".lyrikstore") for who in (idle, person)]
    asked = must([*program, *stores], cwd=base, env=person.env)
    found = json.loads(asked.out)
    return Kind(
        name,
        size,
        max(commit, 0.0) / raw,
        max(verify, 0.0) / raw,
        found["stored"] / raw,
        found["blobs"] / raw,
        found["packs"],
        found["memory"] / max(1, found["blobs"]),
    )


def index(idle: Path, store: Path) -> dict[str, float]:
    """Return what a store holds, and the memory that knowing its blobs takes.

    ``idle`` is asked first, so that what is loaded once does not count.
    """
    from lyrikstore.canon.digest import Digest
    from lyrikstore.objects.backends.base import LocalBackend
    from lyrikstore.objects.pack.format import read_index
    from lyrikstore.objects.pack.parameters import Parameters
    from lyrikstore.objects.store.blobs import open_blobs
    from lyrikstore.objects.store.transactions import TransactionLog

    backend = LocalBackend(store)
    live = TransactionLog(backend).live()
    blobs = open_blobs(backend, live)
    small = LocalBackend(idle)
    open_blobs(small, TransactionLog(small).live()).has(Digest.of(b""))
    before = _resident()
    blobs.has(Digest.of(b""))
    memory = _resident() - before
    count = sum(len(read_index(backend, pack)) for pack in blobs.packs)
    stored = sum(pack.bytes for pack in blobs.packs)
    return {"blobs": count, "stored": stored, "packs": Parameters().packBytes, "memory": memory}


def measure_requests(base: Path) -> list[Request]:
    """Time writing and reading packs and small files through the S3 backend."""
    from lyrikstore.objects.backends.open import open_backend

    with _s3(base) as endpoint:
        if endpoint is None:
            return []
        options = {"endpoint": endpoint, "region": "us-east-1"}
        backend = open_backend("s3://scale/store", scratch=base, options=options)
        large, small = os.urandom(16 << 20), b"x" * 1000
        found = []
        for name, count, task in (
            ("write 16 MiB", 6, lambda n: backend.create(f"packs/{n}", large)),
            ("read 16 MiB", 6, lambda n: backend.read(f"packs/{n}", 0, len(large))),
            ("write 1 KB", 30, lambda n: backend.create(f"tx/{n}", small)),
            ("read 1 KB", 30, lambda n: backend.read(f"tx/{n}", 0, len(small))),
        ):
            wall, cpu = time.perf_counter(), time.process_time()
            for n in range(count):
                task(n)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            found.append(Request(name, wall / count, cpu / count))
        return found


@contextlib.contextmanager
def _s3(base: Path) -> Iterator[str | None]:
    # An S3 server of our own; its keys open nothing else.
    try:
        import boto3
    except ImportError:
        yield None
        return
    port = 15_000 + os.getpid() % 10_000
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    os.environ.update(keys)
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    server = subprocess.Popen(
        command, cwd=base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not _listens(port) and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.2)
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="scale")
        yield endpoint
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def page(kinds: list[Kind], requests: list[Request], facts: dict[str, str], command: str) -> str:
    """Return ``docs/internals/scale.md``."""
    parts = [PAGE.format(command=command, **facts, link=LINK_CORES, trip=1000 * ROUND_TRIP)]
    rows = [
        [
            kind.name,
            f"{1e-6 / kind.commit:,.0f} MB/s",
            f"{1e-6 / kind.verify:,.0f} MB/s",
            f"{kind.stored:.2f}",
            f"{kind.blobs * 1e9:,.0f}",
            f"{kind.index:.0f} B",
        ]
        for kind in kinds
    ]
    head = ["data", "commit, one core", "verify, one core", "stored / raw", "blobs per GB"]
    parts.append(_table([*head, "memory per blob"], rows))
    if requests:
        lines = [[r.name, f"{1000 * r.wall:.1f} ms", f"{1000 * r.cpu:.2f} ms"] for r in requests]
        parts.append("Requests to an S3 server on this machine, one after the other:\n")
        parts.append(_table(["request", "wall", "client's processor"], lines))
    parts.append("## What that makes\n")
    lines = []
    for size, total in SIZES.items():
        for kind in kinds:
            lines.append(_cost(size, total, kind, requests))
    head = [f"commit, {cores:,} cores" for cores in CORES]
    head = ["size", "data", *head, f"verify, {CORES[1]} cores", f"network, {CORES[1]} cores"]
    head += ["writes", "reads to verify", "tree", "the driver's index", "what gives out first"]
    parts += [_table(head, lines), END.format(driver=DRIVER / 2**30, **_words(requests))]
    return "\n".join(parts)


def _cost(size: str, total: float, kind: Kind, requests: list[Request]) -> list[str]:
    stored = total * kind.stored
    packs = stored / kind.packs
    blobs = total * kind.blobs
    tree, known = total / kind.file * ENTRY, blobs * kind.index
    cpu = {r.name: r.cpu for r in requests}
    sending = cpu.get("write 16 MiB", 0.0) * stored / (16 << 20)
    commit = total * kind.commit + sending
    hours = {cores: commit / cores / 3600 for cores in CORES}
    network = stored / (LINK * CORES[1] / LINK_CORES) / 3600
    waiting = packs * ROUND_TRIP / (CORES[1] * AT_ONCE) / 3600
    limits = {
        "the driver's memory": (known + tree) / DRIVER,
        "the processors": 1.0 if hours[CORES[1]] >= max(network, waiting) else 0.0,
        "the network": 1.0 if network > max(hours[CORES[1]], waiting) else 0.0,
        "round trips": 1.0 if waiting > max(hours[CORES[1]], network) else 0.0,
    }
    return [
        size,
        kind.name,
        *(_hours(hours[cores]) for cores in CORES),
        _hours(total * kind.verify / CORES[1] / 3600),
        _hours(network),
        _count(packs + 5),
        _count(packs),
        _bytes(tree),
        _bytes(known),
        max(limits, key=lambda name: limits[name]),
    ]


def _words(requests: list[Request]) -> dict[str, str]:
    named = {r.name: r for r in requests}
    put = named.get("write 16 MiB")
    if put is None:
        return {"sending": "The client's processor time for sending was not measured."}
    rate = (16 << 20) / put.cpu / 1e6
    return {
        "sending": f"Sending takes a core {1000 * put.cpu:.0f} ms for 16 MiB, {rate:,.0f} MB/s."
    }


PAGE = """# Scale

Written by `{command}`; do not edit.

Measured on {date} on {machine}, Python {python}, corpora at scale {scale}. Processor seconds count,
start-up taken off, so that waiting for this machine's disk does not. Assumed: 10 Gbit/s for every
{link} cores, {trip:.0f} ms for a request to a far away store, and that shards can be handed to
cores evenly, which `--dask` does.
"""

END = """
Writes are packs, plus five small files for the transaction record, the log's tiles and its
checkpoint, whatever the size. {sending}
The driver of a commit holds the tree, and like every worker of a cluster knows the blobs that the
store has, so that nothing is stored twice; with {driver:.0f} GiB it is what gives out first where
the last column says so. The ways on: commit in parts (a dataset for each part, whose blobs one
driver can know), and coarser chunks for data that will never be edited in place. How to start a
cluster: [many machines](../automation.md#on-many-machines).
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _hours(value: float) -> str:
    return f"{value * 60:.1f} min" if value < 1 else f"{number(value)} h"


def _count(value: float) -> str:
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{number(value / size)} {name}"
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    for size, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if value >= size:
            return f"{number(value / size)} {name}"
    return f"{number(value / 1024)} KiB"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Measure, compute, print or write, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=0.2, help="of the corpora measured")
    parser.add_argument("--work", type=Path, help="work in this folder, where corpora stay")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    parser.add_argument("--index", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.index:
        print(json.dumps(index(*options.index)))
        return 0
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lyrikstore-scale-", dir=options.work) as folder:
        plan = Plan(options.work or Path(folder), {}, options.scale)
        kinds = []
        for number_, name in enumerate(KINDS):
            base = Path(folder) / str(number_)
            base.mkdir()
            kinds.append(measure_kind(name, plan, base))
            remove(base)
        # A few blobs' memory is lost among pages: the kind with most blobs counts for all.
        most = max(kinds, key=lambda kind: kind.blobs)
        kinds = [replace(kind, index=most.index) for kind in kinds]
        requests = measure_requests(Path(folder))
        facts = machine(plan)
    usual = options.scale == parser.get_default("scale")
    scale = "" if usual else f"--scale {options.scale:g} "
    command = f"python benchmarks/scale.py {scale}--write-docs"
    text = page(kinds, requests, facts, command)
    if options.write_docs:
        DOCS.write_text(text, "utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
