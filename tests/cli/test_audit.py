"""The commands of docs/audit.md, run as they stand, about a dataset that a filter made."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
RECIPE = """
recipe = 1
[[step]]
use = "drop-duplicates/1"
"""


@pytest.mark.jq
def test_every_question_of_the_page_is_answered(publisher, tmp_path: Path) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    for name in ("one", "two", "again"):
        (documents / f"{name}.txt").write_text(name.replace("again", "one"))
    (publisher.folder / "clean.toml").write_text(RECIPE)
    publisher.ok("commit", documents, "-d", "acme/contracts", "--licence", "CC0-1.0")
    (documents / "two.txt").unlink()
    publisher.ok("commit", documents, "-d", "acme/contracts", "--licence", "CC0-1.0", "--yes")
    publisher.ok("filter", "acme/contracts", "--recipe", "clean.toml", "--as", "acme/clean")
    program = tmp_path / "bin" / "lyrikstore"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(publisher.command())} "$@"\n')
    program.chmod(0o755)
    variables = publisher.variables()
    variables["PATH"] = f"{program.parent}:{variables['PATH']}"

    def answers(*beginnings: str) -> list[str]:
        said = []
        for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
            for line in block.replace(
                "checkpoints/acme/clause-classifier", "acme/clean"
            ).splitlines():
                if not line.startswith(beginnings or ""):
                    continue
                if re.search("timestamp|witness| export |cosign|--signature| checkout ", line):
                    continue  # tests/audit/times, tests/audit/statements
                done = subprocess.run(
                    ["sh", "-c", line],
                    cwd=publisher.folder,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                )
                assert done.returncode in ({0, 5} if "terms" in line else {0}), (line, done.stderr)
                said.append(done.stdout)
        return said

    shutil.copy(
        publisher.folder / ".lyrikstore/log/checkpoint", publisher.folder / "kept.checkpoint"
    )
    audit, verified, since, drill, *more = answers()
    assert "questions answered" in audit
    assert "everything that can be checked without the data holds" in verified
    assert "nothing rewritten" in since
    assert "attacks caught" in drill
    lineage, terms, report, proven, open_ones, nodes, log, removed, mix, why, bare, resting = more
    assert "source: dataset datasets/acme/contracts" in lineage
    assert "by me (" in lineage
    assert "train" in terms
    assert "TRUSTED" in report
    assert (publisher.folder / "report.html").exists()
    assert proven.startswith("trusted\nthat the claims are true")
    assert "log.witness\tn/a" in open_ones
    assert "filter\tfilters/acme/clean\tblake3:" in nodes
    assert log == ""
    assert removed == "two.txt\n"
    assert mix == "licence,datasets,records\nCC0-1.0,2,3\n"
    assert "datasets/acme/clean,,dropped,duplicate,1" in why
    assert "datasets/acme/contracts" in bare
    assert "dataset datasets/acme/clean" in resting
    assert "dropped 1 of 2" in resting
    publisher.ok("issue", "acme/contracts", "-o", "delivery", "--permit", "train")
    log, bare = answers(
        "lyrikstore log --audit --json | jq -r '.entries", 'lyrikstore query "select name, id'
    )
    assert "Dataset credential: datasets/acme/contracts\tdid:key:" in log
    assert bare == "name,id\n"


def test_what_each_part_of_a_split_kept_can_be_distinguished(publisher) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    for n in range(40):
        (documents / f"{n}.txt").write_text(f"letter {n}")
    recipe = RECIPE + '[[step]]\nuse = "split/1"\n'
    (publisher.folder / "parts.toml").write_text(recipe)
    publisher.ok("commit", documents, "-d", "acme/letters", "--licence", "CC0-1.0")
    publisher.ok("filter", "acme/letters", "--recipe", "parts.toml", "--as", "acme/task")
    (query,) = re.findall(r'query "(.* from decisions .*)" --format csv', PAGE.read_text("utf-8"))
    rows = publisher.ok("query", query, "--json").json["rows"]
    kept = {(name, n) for name, part, _, _, n in rows if name.endswith(f".{part}")}
    held = publisher.ok("query", "select name, records from datasets where part <> ''", "--json")
    assert kept == {tuple(row) for row in held.json["rows"]}
    assert len(kept) == 3
