#!/usr/bin/env python3
"""Measures lyrikstore next to its peers and to named floors, in one run, on this machine.

    python benchmarks/run.py                          tables
    python benchmarks/run.py --only docs --scale 0.1  one group, smaller
    python benchmarks/run.py --peer dvc=VENV --peer model-signing=VENV --write-docs

Peers are what is installed of restic, borg, git, git-lfs, DVC, b3sum and model-signing (Debian:
``restic borgbackup git git-lfs b3sum wamerican``), and for credentials @digitalbazaar/vc (``nodejs
npm``). The exit code is 1 if a limit is broken.

As root, everything happens on an ext4 image made for the run, because a file system mounted with
``discard`` deletes 600 files a second; ``--work DIR`` takes a folder instead, where the corpora
then stay for the next run.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import attic
import peers
import report
import small
import work
from figures import Bound, Figures
from measure import mount_options, remove, volume

DOCS = Path(__file__).resolve().parent.parent / "docs" / "internals" / "performance.md"
CURATION = "<!-- written by benchmarks/curation.py -->"
GROUPS = (*work.WORK, "memory", *small.SMALL)


def main() -> int:
    """Measure, report, and return the exit code."""
    options = _options()
    begin = time.perf_counter()
    with _folder(options) as folder:
        plan = work.Plan(
            work=folder,
            found={
                name: found
                for name, found in peers.find(options.peer).items()
                if name in (options.tools or (name,))
            },
            scale=options.scale,
            repeat=options.repeat,
            cold=options.cold,
            everywhere=options.everywhere,
        )
        figures, rows, bounds = _measure(plan, options.only or GROUPS)
        facts = {**report.machine(plan), "rest": plan.attic.describe()}
    paces = sorted(s.pace for figure in figures.all for s in figure.samples)
    if paces:
        low, high = paces[len(paces) // 20], paces[-1]
        facts["pace"] = f"SHA-256 in one thread before each command: {low:.0f} to {high:.0f} MB/s"
    facts["took"] = f"{(time.perf_counter() - begin) / 60:.0f} minutes"
    tables = _tables(figures, rows, bounds, plan)
    if options.json:
        found = {
            "facts": facts,
            "figures": [work.as_json(figure) for figure in figures.all],
            "limits": [
                {**asdict(limit), "found": ratio.value if ratio else None}
                for limit, ratio in figures.limited()
            ],
            "bounds": [asdict(bound) for bound in bounds],
            "rows": [{**asdict(row), "ratio": row.ratio, "held": row.held} for row in rows],
        }
        print(json.dumps(found, indent=2))
    else:
        print(report.text(tables, facts))
    if options.write_docs:
        kept = DOCS.read_text("utf-8").partition(CURATION)  # what benchmarks/curation.py wrote
        page = report.page(tables, facts, _command(options))
        DOCS.write_text("\n".join([page, "".join(kept[1:])]) if kept[1] else page, "utf-8")
        sys.stderr.write(f"wrote {DOCS}\n")
    ratios = [ratio for _, ratio in figures.limited()]
    held = all(ratio is not None and ratio.held for ratio in ratios)
    return 0 if held and all(item.held for item in (*bounds, *rows)) else 1


def _measure(
    plan: work.Plan, groups: tuple[str, ...]
) -> tuple[Figures, list[small.Row], list[Bound]]:
    figures = Figures()
    rows: list[small.Row] = []
    bounds: list[Bound] = []
    for name in groups:
        begin = time.perf_counter()
        base = plan.work / "small"
        plan.attic.put(base)
        plan.attic.rest()
        base.mkdir()
        if name in work.WORK:
            work.WORK[name](plan, figures)
        elif name == "memory":
            bounds += small.memory(base, plan)
        else:
            rows += small.SMALL[name](base, plan)
        plan.attic.put(base)
        sys.stderr.write(f"{name} took {time.perf_counter() - begin:.0f} s\n")
    return figures, rows, [*figures.peaks(small.MEMORY_LIMIT), *bounds]


def _tables(
    figures: Figures,
    rows: list[small.Row],
    bounds: list[Bound],
    plan: work.Plan,
) -> list[report.Table]:
    tables = []
    if figures.all:
        tables += [report.limits(figures), report.losses(figures)]
    if bounds:
        tables.append(report.bounds(bounds))
    tables += report.corpora(figures, plan)
    if rows:
        tables.append(report.small(rows))
    return tables


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=GROUPS, help="measure only these")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the full size")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command (default 3)")
    parser.add_argument("--cold", action="store_true", help="drop the page cache before commands")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a peer's program or virtual environment",
    )
    names = [tool.name for tool in peers.TOOLS]
    parser.add_argument("--tools", nargs="+", choices=names, help="run only these")
    parser.add_argument("--everywhere", action="store_true", help="every peer on every corpus")
    parser.add_argument("--work", type=Path, help="work in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    options = parser.parse_args()
    if options.write_docs and options.only:
        parser.error("--write-docs needs every group")
    pairs = [peer.partition("=") for peer in options.peer]
    if any(not path for _, _, path in pairs):
        parser.error("--peer takes NAME=PATH")
    options.peer = {name: Path(path).absolute() for name, _, path in pairs}
    return options


@contextlib.contextmanager
def _folder(options: argparse.Namespace) -> Iterator[Path]:
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
        _, mounted = mount_options(options.work)
        if "discard" in mounted.split(","):
            sys.stderr.write("warning: mounted with discard, deleting is slow here\n")
        # Left by a run that was killed; this one then waits until that is forgotten.
        remove(options.work / attic.NAME)
        try:
            yield options.work.resolve()
        finally:
            remove(options.work / attic.NAME)
        return
    with tempfile.TemporaryDirectory(prefix="lyrikstore-benchmark-") as folder:
        if os.geteuid() == 0:
            with volume(Path(folder), round(60e9)) as place:
                yield place
        else:
            yield Path(folder)


def _command(options: argparse.Namespace) -> str:
    words = ["python benchmarks/run.py", "--write-docs"]
    words += [f"--peer {name}=VENV" for name in options.peer]
    if options.tools:
        words.append(f"--tools {' '.join(options.tools)}")
    if options.scale != 1:
        words.append(f"--scale {options.scale:g}")
    if options.cold:
        words.append("--cold")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
