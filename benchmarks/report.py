"""Tables: for the terminal and for ``docs/internals/performance.md``."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from figures import OURS, Bound, Figure, Figures, Limit, Ratio
from measure import mount_options
from small import Row
from work import Plan

PACKAGES = ("blake3", "zstandard", "pyfastcdc", "numpy", "pyarrow", "cryptography", "pynacl")
CORPORA = {
    "docs": "docs: {docs:,} texts",
    "shards": "shards: 4 JSONL and 4 Parquet shards of {shard:.0f} MB, a checkpoint of "
    "{checkpoint:.0f} MB",
    "scattered": "versions, scattered edits: 5 × {version:.0f} MB JSONL, 1% of the rows changed "
    "at random",
    "clustered": "versions, clustered edits: the same, in 20 runs of neighbouring rows",
}
ORDER = (
    "commit",
    "bytes of the first",
    "commit, one file changed",
    "commit of the next",
    "commit of version 2",
    "bytes",
    "bytes with version 2",
    "status",
    "verify",
    "verify --data",
    "checkout",
    "push",
)
Table = tuple[str, list[list[str]]]


def machine(plan: Plan) -> dict[str, str]:
    """Return what the figures depend on: when, what, on which class of machine."""
    processor = platform.processor() or platform.machine()
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind, options = mount_options(plan.work)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores of {processor}, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}",
        "disk": f"{kind}, {options}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "tools": "; ".join(f"{name}: {found}" for name, (_, found) in plan.found.items()),
        "cache": "cold (the guest's page cache dropped before each command)"
        if plan.cold
        else "warm",
        "scale": f"{plan.scale:g}",
    }


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def amount(figure: Figure) -> str:
    """Write a figure's value with its unit and, if they are few, its runs."""
    if figure.value is None:
        return figure.note or "-"
    if figure.bytes is not None:
        return f"{number(figure.value / 1e6)} MB"
    runs = len(figure.samples)
    return f"{number(figure.value)} s" + (f" n={runs}" if runs < 3 else "")


def limits(figures: Figures) -> Table:
    """Return the table of the limits."""
    lines = [["work", "against", "lyrikstore", "peer", "ratio", "at most", ""]]
    for limit, ratio in figures.limited():
        lines.append(_limit(figures, limit, ratio))
    return "Limits", lines


def _limit(figures: Figures, limit: Limit, ratio: Ratio | None) -> list[str]:
    against = limit.peer if limit.peer != OURS else f"its own {limit.base}"
    head = [f"{limit.corpus}: {limit.operation}", against]
    if ratio is None:
        found = [
            amount(figure) if figure else "not measured"
            for figure in (
                figures.find(limit.corpus, OURS, limit.operation),
                figures.find(limit.corpus, limit.peer, limit.base),
            )
        ]
        return [*head, *found, "", f"{limit.ratio:.2f}", "not measured"]
    kept = "kept" if ratio.held else "BROKEN"
    ratio_text = number(ratio.value)
    return [*head, amount(ratio.ours), amount(ratio.peer), ratio_text, f"{limit.ratio:.2f}", kept]


def losses(figures: Figures) -> Table:
    """Return the table of what a peer does faster or smaller."""
    lines = [["work", "peer", "lyrikstore", "peer", "ratio"]]
    for ratio in figures.lost():
        ours, peer = ratio.ours, ratio.peer
        work = f"{ours.corpus}: {ours.operation}"
        lines.append([work, peer.tool, amount(ours), amount(peer), number(ratio.value)])
    return "Where a peer is faster or smaller", lines


def corpora(figures: Figures, plan: Plan) -> list[Table]:
    """Return a table for each corpus: tools by operations."""
    sizes = {
        "docs": round(50_000 * plan.scale),
        "shard": 256 * plan.scale,
        "checkpoint": 1000 * plan.scale,
        "version": 512 * plan.scale,
    }
    tables = []
    for corpus, found in groupby(figures.all, key=lambda figure: figure.corpus):
        group = list(found)
        operations = sorted({f.operation for f in group}, key=ORDER.index)
        lines = [["tool", *operations]]
        for tool in dict.fromkeys(f.tool for f in group):
            cells = {f.operation: _cell(f) for f in group if f.tool == tool}
            lines.append([tool, *(cells.get(operation, "-") for operation in operations)])
        tables.append((CORPORA[corpus].format(**sizes), lines))
    return tables


def _cell(figure: Figure) -> str:
    text = amount(figure)
    if figure.samples:
        text += f" (CPU {number(figure.cpu)}, {figure.peak / 2**20:.0f} MiB)"
    elif figure.files is not None:
        text += f" / {figure.files:,} files"
    return text


def bounds(found: Sequence[Bound]) -> Table:
    """Return the table of memory and growth."""
    lines = [["measured", "", "at most", ""]]
    for bound in found:
        limit = "" if bound.limit is None else f"{bound.limit:g} {bound.unit}"
        kept = "" if bound.limit is None else "kept" if bound.held else "BROKEN"
        lines.append([bound.what, f"{number(bound.value)} {bound.unit}", limit, kept])
    return "Memory, and the cost of many files", lines


def small(rows: Sequence[Row]) -> Table:
    """Return the table of start-up, credentials and small commits."""
    lines = [["measured", "median (range)", "floor", "of the floor", "ratio", "limit"]]
    for row in rows:
        limit = ""
        if row.limit is not None:
            unit = row.unit if row.judged == "value" else "× floor"
            sign = "≥" if row.judged == "least ratio" else "≤"
            limit = f"{sign} {row.limit:g} {unit}: {'kept' if row.held else 'BROKEN'}"
        spread = f" ({number(min(row.values))} to {number(max(row.values))})"
        lines.append(
            [
                row.what,
                f"{number(row.value)} {row.unit}{spread}",
                row.floor_name,
                f"{number(row.floor)} {row.unit}" if row.floor else "",
                f"{number(row.ratio)} ×" if row.ratio else "",
                limit,
            ]
        )
    return "Start-up, small commits, credentials", lines


def text(tables: Sequence[Table], facts: dict[str, str]) -> str:
    """Return everything for the terminal."""
    parts = ["\n".join(f"{name}: {fact}" for name, fact in facts.items())]
    for title, lines in tables:
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        rows = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        parts.append("\n".join([title, "", *rows]))
    return "\n\n".join(parts) + "\n"


PAGE = """# Performance

Written by `{command}`; do not edit.

Measured on {date} on {machine}; file system: {disk}.
Python {python} ({packages}).
{tools}.

Every command is a process of its own; page cache {cache}; median wall time of three runs, or of
`n` where one takes long; in brackets processor seconds of the whole tree of processes and its peak
of memory. Every checkout was compared with its source byte for byte. The corpora are synthetic
(`benchmarks/corpora.py`): real texts repeat themselves more, real checkpoints share more. Ratios
below 2 with `n=1` say little. The lines of shell by which each tool was run are in
`benchmarks/peers.py`.

Not like for like: restic always encrypts and compresses; borg runs without encryption, with lz4;
DVC and git-lfs keep plain copies; model-signing stores a signature only; lyrikstore compresses,
signs, logs, and syncs to the disk before it says so. `status` is a dry-run backup for restic, a
second archive for borg, and a comparison of the files' stamps for the others. DVC has no verify.
lyrikstore writes large files past the page cache (`benchmarks/pages.py`): its first
verify after a commit of shards reads them from the disk, the others do not.

On ext4 without a journal, whoever makes files within minutes of the deletion of many waits for the
kernel, which passes over each inode freed lately. So no folder of more than 200 files is deleted
before the last measurement: it is moved aside and synced, whoever wrote it (`benchmarks/attic.py`).
If the disk gets short, that is deleted, and nothing is measured until the kernel has forgotten it.
Whether it has, the run asks before each group and each tool, with 2,000 files. File system {rest}.

Credentials are issued and verified on one core, per second of processor time, 200 different ones of
one issuer in turn, from the unsigned object to text and from text to a verdict, on both sides. The
peer keeps the issuer's document and its suites, as we keep the key. Not like for like: only
lyrikstore verifies what it issued, and checks schema, terms and trust; nobody looks up a status.
No verifier that checks one signature after the other by libsodium is faster than the row for
libsodium's Ed25519 alone: its ratio is the most that could be reached if nothing else cost time.
"""


def page(tables: Sequence[Table], facts: dict[str, str], command: str) -> str:
    """Return the page for ``docs/internals/performance.md``."""
    parts = [PAGE.format(command=command, **facts)]
    for title, lines in tables:
        head, *body = lines
        rows = [head, ["---"] * len(head), *body]
        parts.append(f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in rows))
    return "\n".join([parts[0], *(f"{part}\n" for part in parts[1:])])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
