"""``lyrikstore status`` as people and scripts see it."""

import json
import os
import subprocess
import sys


def test_status_shows_people_and_scripts_what_would_change(publisher, tmp_path) -> None:
    result = publisher.ok("status")
    assert "no folder was committed" in result.out
    documents = publisher.folder / "documents"
    documents.mkdir()
    for name in "abc":
        (documents / f"{name}.txt").write_text(name * 100)
        os.utime(documents / f"{name}.txt", (10**9, 10**9))
    publisher.ok("commit", documents, "-d", "acme/docs")
    assert publisher.ok("status").out.splitlines()[-1] == "– nothing changed in 3 files"
    assert publisher.ok("status", "--json").json["clean"] is True

    (documents / "a.txt").write_text("A" * 100)
    (documents / "b.txt").unlink()
    (documents / "new\x1b.txt").write_text("x")
    result = publisher.ok("status", documents)
    assert "✗ new\\x1b.txt" in result.out
    assert "\x1b" not in result.out
    (documents / "new\x1b.txt").rename(documents / "new.txt")
    result = publisher.ok("status", documents)
    for line in ("  + new.txt", "  − b.txt", "  ~ a.txt"):
        assert line in result.out.splitlines()
    assert result.out.splitlines()[-1] == "! changed +1 −1 ~1"
    found = publisher.ok("status", "--json").json
    assert (found["schema"], found["clean"]) == ("lyrikstore/cli/status/v1", False)
    (folder,) = found["folders"]
    assert folder["name"] == "datasets/acme/docs"
    assert (folder["added"], folder["removed"], folder["modified"]) == (
        ["new.txt"],
        ["b.txt"],
        ["a.txt"],
    )
    publisher.ok("commit", documents, "-d", "acme/docs", "--yes")
    assert publisher.ok("status", "--json").json["clean"] is True
    publisher.fails(1, "status", tmp_path / "elsewhere")


def test_status_loads_no_heavy_library(publisher) -> None:
    program = (
        "import sys, json\n"
        "from lyrikstore_cli.main import run\n"
        "code = run(['status', '--store', sys.argv[1]])\n"
        "heavy = {'duckdb', 'pyarrow', 'numpy', 'fsspec', 'rich', 'openpyxl', 'obstore',"
        " 'asyncio'}\n"
        "print(json.dumps([code, sorted(heavy & set(sys.modules))]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(publisher.folder / ".lyrikstore")],
        capture_output=True,
        text=True,
        env=publisher.variables(),
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
