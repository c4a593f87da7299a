#!/usr/bin/env python3
"""How fast the verification page hashes, next to its BLAKE3 library alone in the same browser.

    python benchmarks/browser.py [--megabytes 512] [--json] [--write-docs]

Two figures from one Chromium, taken in turn: a file verified by the page, from the press of the
button to the verdict, and as many bytes hashed by the same WebAssembly module from memory. The
ratio is the median of the pairs, so that whatever else the machine does meets both. Memory is that
of the page's process, at its peak, beyond what it had before. Needs Debian's chromium, playwright
(test group) and `make page`. Exit code 1 if the page reaches less than 70%.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "lyrikstore" / "web" / "verify.html"
DOCS = HERE.parent / "docs" / "internals" / "times.md"
ESBUILD = HERE.parent / "page" / "node_modules" / ".bin" / "esbuild"
LEAST = 0.7
RUNS = 7

TIMED = """() => new Promise((resolve) => {
  const answer = document.getElementById("answer");
  answer.hidden = true;
  const begin = performance.now();
  new MutationObserver((_, observer) => {
    if (answer.hidden) return;
    observer.disconnect();
    resolve((performance.now() - begin) / 1000);
  }).observe(answer, {attributes: true});
  document.getElementById("verify").click();
})"""

SECTION = re.compile(r"(<!-- measured: .* -->\n).*(<!-- end -->\n)", re.DOTALL)
WORDS = (
    "One file of {megabytes} MB at {page:.0f} MB/s from the press of the button to the verdict; "
    "the same BLAKE3 alone, from memory, at {alone:.0f} MB/s: {ratio:.2f} of it, the median of "
    "{runs} pairs taken in turn ({low:.2f} to {high:.2f}; at least {least:.2f} is asked for). The "
    "page's process grew by {memory:.0f} MB at most. Chromium {chromium}, {cores} cores, {day}, "
    "load average {load:.1f} at the end."
)


def delivery(base: Path, megabytes: int) -> Path:
    """Make a delivery of one large file with the command line."""
    home = {"HOME": str(base), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    (base / "data").mkdir()
    with (base / "data" / "shard.bin").open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "lyrikstore_cli", *arguments, "-q"]
        subprocess.run(command, cwd=base, env=home, check=True, stdout=subprocess.DEVNULL)

    run("key", "new", "--no-passphrase")
    run("init")
    run("commit", "data", "-d", "bench/shard")
    run("issue", "bench/shard", "-o", "delivery", "--permit", "train")
    return base / "delivery"


def renderers(beneath: int) -> set[int]:
    """Return the processes of pages among the descendants of a process."""
    parents: dict[int, tuple[int, bool]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                named = b"--type=renderer" in (folder / "cmdline").read_bytes()
            except OSError:  # ended meanwhile
                continue
            parents[int(folder.name)] = (parent, named)

    def descends(pid: int) -> bool:
        while pid in parents and pid != beneath:
            pid = parents[pid][0]
        return pid == beneath

    return {pid for pid, (_, named) in parents.items() if named and descends(pid)}


def resident(pids: set[int]) -> float:
    """Return the private memory of processes in MB: what is shared with others is not theirs."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(n) for n in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.MULTILINE))
    return total / 1000


def peak_during(work: Callable[[], Any], pids: set[int]) -> tuple[Any, float]:
    """Return what some work gives, and the most memory that processes took while it ran."""
    over, most = threading.Event(), resident(pids)

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, resident(pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return work(), most
    finally:
        over.set()
        watcher.join()


def measure(megabytes: int) -> dict[str, Any]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as base, sync_playwright() as playwright:
        folder = delivery(Path(base), megabytes)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        window = browser.new_page()
        window.goto(PAGE.as_uri())
        window.set_input_files("#folder", folder)
        window.wait_for_selector("#verify:enabled")
        pids = renderers(os.getpid())
        before = resident(pids)
        window.evaluate(TIMED)  # once, for the page cache and the compiler
        other = browser.new_page()
        script = [ESBUILD, HERE / "browser_alone.js", "--bundle", "--format=iife"]
        script += ["--global-name=peer", '--define:import.meta.url=""', "--log-level=error"]
        other.add_script_tag(content=subprocess.check_output(script, text=True))
        other.evaluate("peer.alone(64)")
        pairs = []
        for _ in range(RUNS):
            page = megabytes * 1e6 / window.evaluate(TIMED)
            pairs.append((page, other.evaluate(f"peer.alone({megabytes})")))
        _, most = peak_during(lambda: window.evaluate(TIMED), pids)
        version = browser.version
        browser.close()
    return {
        "chromium": version,
        "cores": os.cpu_count(),
        "megabytes": megabytes,
        "runs": RUNS,
        "page": statistics.median(page for page, _ in pairs) / 1e6,
        "alone": statistics.median(alone for _, alone in pairs) / 1e6,
        "ratio": statistics.median(page / alone for page, alone in pairs),
        "ratios": sorted(round(page / alone, 2) for page, alone in pairs),
        "least": LEAST,
        "memory": most - before,
        "load": os.getloadavg()[0],
    }


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-docs", action="store_true", help=f"into {DOCS.name}")
    options = parser.parse_args()
    figures = measure(options.megabytes)
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            "page {page:.0f} MB/s, its BLAKE3 alone {alone:.0f} MB/s: {ratio:.2f} {ratios}; "
            "{memory:.0f} MB of memory".format(**figures)
        )
    if options.write_docs:
        low, *_, high = figures["ratios"]
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        said = textwrap.fill(WORDS.format(day=day, low=low, high=high, **figures), 100) + "\n"
        text = SECTION.sub(lambda found: found[1] + said + found[2], DOCS.read_text("utf-8"))
        DOCS.write_text(text, "utf-8")
    return 0 if figures["ratio"] >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
