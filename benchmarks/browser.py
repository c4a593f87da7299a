#!/usr/bin/env python3
"""How fast the verification page hashes, next to its BLAKE3 library alone in the same browser.

    python benchmarks/browser.py [--megabytes 512] [--json]

Two figures from one Chromium: a file verified by the page, from the press of the button to the
verdict, and as many bytes hashed by the same WebAssembly module from memory. Needs Debian's
chromium, playwright (test group) and `make page`. Exit code 1 if the page reaches less than 70%.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "lyrikstore" / "web" / "verify.html"
ESBUILD = HERE.parent / "page" / "node_modules" / ".bin" / "esbuild"
LEAST = 0.7
RUNS = 3

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


def delivery(base: Path, megabytes: int) -> Path:
    """Make a delivery of one large file with the command line."""
    home = {"HOME": str(base), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    (base / "data").mkdir()
    with (base / "data" / "shard.bin").open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "lyrikstore_cli", *arguments]
        subprocess.run(command, cwd=base, env=home, check=True, stdout=subprocess.DEVNULL)

    run("key", "new", "--no-passphrase")
    run("init")
    run("commit", "data", "-d", "bench/shard")
    run("issue", "bench/shard", "-o", "delivery", "--permit", "train")
    return base / "delivery"


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as base, sync_playwright() as playwright:
        folder = delivery(Path(base), options.megabytes)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        window = browser.new_page()
        window.goto(PAGE.as_uri())
        window.set_input_files("#folder", folder)
        window.wait_for_selector("#verify:enabled")
        times = sorted(window.evaluate(TIMED) for _ in range(RUNS))
        page = options.megabytes * 1e6 / times[RUNS // 2]
        other = browser.new_page()
        script = [ESBUILD, HERE / "browser_alone.js", "--bundle", "--format=iife"]
        script += ["--global-name=peer", '--define:import.meta.url=""', "--log-level=error"]
        other.add_script_tag(content=subprocess.check_output(script, text=True))
        alone = other.evaluate(f"peer.alone({options.megabytes}, {RUNS})")
        version = browser.version
        browser.close()
    ratio = page / alone
    figures = {"chromium": version, "page": page, "alone": alone, "ratio": ratio, "least": LEAST}
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"page {page / 1e6:.0f} MB/s, its BLAKE3 alone {alone / 1e6:.0f} MB/s: {ratio:.2f}")
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
