"""Rows through filters: kept byte for byte, split, parted into folders, opted out."""

import json
from typing import Any

from tests.cli.rows.tables import ROWS, commit, lines, show

RECIPE = """
recipe = 1
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "redact/1"
"""


def test_a_filter_keeps_lines_byte_for_byte(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines(ROWS))
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json")
    trial = publisher.ok(*arguments, "-n").json
    assert trial["dryRun"]
    assert {one["reason"] for one in trial["shown"]} >= {"duplicate", "redacted-email"}
    assert publisher.run("log", "acme/clean").code == 1
    result = publisher.ok(*arguments).json
    assert result["parts"][0]["counts"] == trial["parts"][0]["counts"]
    assert result["droppedFor"] == {"duplicate": 1}
    assert not publisher.ok(*arguments).json["changed"]
    publisher.ok("checkout", "acme/clean", "out")
    first, second, third = (publisher.folder / "out" / "t.jsonl").read_bytes().splitlines()
    assert first == lines(ROWS[:1]).strip()
    assert second == (b'{"big":2,"id":2,"labels":["a"],"text":"Mail me at <EMAIL>","x":2}')
    assert third == lines(ROWS[3:]).strip()

    def why(record: str) -> Any:
        return publisher.ok("why", "acme/clean", record, "--json").json

    changed = why("t.jsonl:2")
    assert changed["kept"]
    assert [one["action"] for one in changed["stages"][0]["decisions"]] == ["changed", "kept"]
    assert why(changed["current"][:12])["record"] == changed["record"]
    assert why(changed["record"])["current"] == changed["current"]
    moved = why("t.jsonl:3")  # in the result; in the source it is the fourth
    assert moved["stages"][0]["decisions"][-1]["position"] == 3
    dropped = why(publisher.ok("why", "acme/rows", "t.jsonl:3", "--json").json["record"])
    assert not dropped["kept"]
    assert dropped["stages"][0]["decisions"][-1]["reason"] == "duplicate"
    gone = publisher.fails(1, "why", "acme/clean", "t.jsonl:9", "--json")
    assert gone.kind == "no-record"


def test_rows_of_other_readers_become_lines(publisher, folder) -> None:
    (folder / "t.csv").write_text("id,text\n1,one\n2,two\n2b,One\n", "utf-8")
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    publisher.ok("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean")
    publisher.ok("checkout", "acme/clean", "out")
    assert (publisher.folder / "out" / "t.csv.jsonl").read_bytes() == (
        b'{"id":"1","text":"one"}\n{"id":"2","text":"two"}\n'
    )
    found = publisher.ok("why", "acme/clean", "t.csv.jsonl:2", "--json").json
    assert found["record"] != found["current"]


def test_a_text_filter_needs_a_text(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines([{"q": "a"}, {"q": "b"}]))
    commit(publisher)
    (publisher.folder / "r.toml").write_text(RECIPE)
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/clean", "--json")
    assert publisher.fails(16, *arguments).error["kind"] == "no-text"
    commit(publisher, "--text", "q")
    publisher.ok(*arguments)


def derive(publisher, recipe: str, *more: object, code: int = 0) -> Any:
    (publisher.folder / "r.toml").write_text(f"recipe = 1\n{recipe}")
    arguments = ("filter", "acme/rows", "--recipe", "r.toml", "--as", "acme/x", "--json", *more)
    return publisher.fails(code, *arguments).error if code else publisher.ok(*arguments).json


def test_a_split_by_a_field(publisher, folder) -> None:
    rows = [{"n": n, "fold": fold} for n, fold in enumerate(["tr", "dev", "te", "tr", "x", ""])]
    (folder / "t.jsonl").write_bytes(lines(rows))
    commit(publisher, "--split", "fold")
    step = '[[step]]\nuse = "split/2"\ntrain = ["tr"]\nvalidation = ["dev"]\ntest = ["te"]\n'
    found = derive(publisher, step)
    kept = {part["part"]: part["counts"]["kept"] for part in found["parts"]}
    assert kept == {"train": 2, "validation": 1, "test": 1}
    assert found["droppedFor"] == {"other-part": 1, "no-part": 1}
    assert derive(publisher, step + 'column = "fold"\n')["parts"][0]["counts"]["kept"] == 2
    for wrong in (
        step.replace('["dev"]', '["tr"]'),
        step + 'by = "n"\n',
        '[[step]]\nuse = "split/2"\ncolumn = "fold"\n',
    ):
        assert derive(publisher, wrong, code=16)["kind"] == "bad-recipe"
    commit(publisher, "--yes")
    assert derive(publisher, step, code=16)["kind"] == "no-split"


def test_a_split_by_hash_keeps_groups_together(publisher, folder) -> None:
    (folder / "t.jsonl").write_bytes(lines([{"n": n, "matter": n % 40} for n in range(400)]))
    commit(publisher, "--group", "matter")
    derive(publisher, '[[step]]\nuse = "split/2"\n')
    seen: dict[int, str] = {}
    for part in ("train", "validation", "test"):
        publisher.ok("checkout", f"acme/x.{part}", part)
        for line in (publisher.folder / part / "t.jsonl").read_text().splitlines():
            assert seen.setdefault(json.loads(line)["matter"], part) == part
    assert len(seen) == 40


def test_a_partition_has_a_folder_for_each_value(publisher, folder) -> None:
    values = ["MIT", "CC0-1.0", "MIT", "a/b ü", "", None]
    rows = [{"n": n, "licence": value} for n, value in enumerate(values)]
    (folder / "t.jsonl").write_bytes(lines(rows[:4]))
    (folder / "u.jsonl").write_bytes(lines(rows[4:]))
    commit(publisher)
    derive(publisher, '[[step]]\nuse = "partition/1"\n')
    publisher.ok("checkout", "acme/x", "out")
    out = publisher.folder / "out"
    files = sorted(str(path.relative_to(out)) for path in out.glob("*/*"))
    assert files == [
        "licence=CC0-1.0/part-00000.jsonl",
        "licence=MIT/part-00000.jsonl",
        "licence=a%2Fb%20%C3%BC/part-00000.jsonl",
        "licence=unknown/part-00000.jsonl",
    ]
    kept = (out / "licence=MIT/part-00000.jsonl").read_bytes()
    assert kept == lines([rows[0], rows[2]])
    found = publisher.ok("why", "acme/x", "licence=MIT/part-00000.jsonl:2", "--json").json
    assert found["stages"][0]["decisions"][-1]["position"] == 2
    (folder / "t.jsonl").write_bytes(lines([{"licence": f"L{n}"} for n in range(300)]))
    commit(publisher)
    error = derive(publisher, '[[step]]\nuse = "partition/1"\n', code=16)
    assert error["kind"] == "too-many-partitions"


def test_a_list_of_opt_outs_is_named_and_needs_no_right(publisher, folder) -> None:
    rows = [{"id": str(n), "text": f"t{n}", "label": "ab"[n % 2]} for n in range(6)]
    (folder / "t.jsonl").write_bytes(lines(rows))
    commit(publisher)
    listed = publisher.folder / "out.jsonl"
    listed.write_bytes(lines([{"id": "3"}]))
    publisher.ok("commit", listed, "-d", "acme/out")
    derive(publisher, '[[step]]\nuse = "opt-out/1"\nagainst = ["acme/out"]\n')
    inputs = show(publisher, "acme/x")["manifest"]["inputs"]
    assert [one["role"] for one in inputs] == ["source", "filter", "opt-out"]
    publisher.ok("permit", "acme/rows", "--permit", "train")
    answer = publisher.ok("terms", "acme/x", "--purpose", "train", "--json").json
    assert answer["schema"].startswith("lyrikstore/cli/terms")
