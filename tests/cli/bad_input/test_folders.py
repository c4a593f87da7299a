"""Files, sheets and licences that cannot be committed, or leave only with a yes."""

import os
import subprocess
from pathlib import Path

from tests.cli.bad_input.refusing import NAME, refused


def test_special_files_and_names_are_refused_by_name(publisher, folder, tmp_path) -> None:
    os.mkfifo(folder / "pipe")
    assert refused(publisher, 16, "commit", folder, "-d", NAME, "--json").kind == "bad-files"
    (folder / "pipe").unlink()
    os.mkfifo(folder / ".lyrikignore")
    assert refused(publisher, 16, "commit", folder, "-d", NAME, "--json").kind == "bad-ignore"
    (folder / ".lyrikignore").unlink()

    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    result = refused(publisher, 16, "commit", folder, "-d", NAME)
    assert "link.txt" in result.err
    (folder / "link.txt").unlink()

    (folder / "Twin.txt").write_text("a")
    (folder / "twin.txt").write_text("b")
    assert refused(publisher, 16, "commit", folder, "-d", NAME, "--json").kind == "bad-files"
    (folder / "Twin.txt").unlink()
    (folder / "twin.txt").unlink()

    (folder / "caf\u00e9.txt").write_text("a")
    (folder / "cafe\u0301.txt").write_text("b")
    refused(publisher, 16, "commit", folder, "-d", NAME)
    (folder / "caf\u00e9.txt").unlink()
    (folder / "cafe\u0301.txt").unlink()

    (folder / "e.V.").write_text("a")
    mapped = publisher.ok("commit", folder, "-d", NAME, "--map-names", "-n", "--json").json[
        "mapped"
    ]
    assert mapped == [{"path": "e.V", "originalPath": "e.V."}]
    assert "e.V.  as  e.V" in publisher.ok("commit", folder, "-d", NAME, "--map-names", "-n").out
    (folder / "e.V.").unlink()

    (folder / "line\nbreak.txt").write_text("a")
    result = refused(publisher, 16, "commit", folder, "-d", NAME)
    assert "line\nbreak" not in result.err
    (folder / "line\nbreak.txt").unlink()

    raw = os.fsencode(folder) + b"/\xff\xfe.txt"
    Path(os.fsdecode(raw)).write_bytes(b"a")
    refused(publisher, 16, "commit", folder, "-d", NAME)
    os.unlink(raw)


def test_an_unreadable_file_is_named(publisher, folder) -> None:
    victim = min(folder.iterdir())
    victim.write_text("new content")
    victim.chmod(0)
    # Root reads everything, unless it gives that power up.
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    done = subprocess.run(
        [
            *(without if os.geteuid() == 0 else []),
            *publisher.command("commit", folder, "-d", NAME),
        ],
        cwd=publisher.folder,
        env=publisher.variables(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 16, done.stderr
    assert victim.name in done.stderr
    assert "chmod" in done.stderr
    victim.chmod(0o644)
    assert publisher.run("verify").code == 0


def test_sheets_are_checked_and_orphans_named(publisher, folder, corpus) -> None:
    path = publisher.folder / "sheet.csv"
    good = path.read_text("utf-8")
    first = good.splitlines()[1]

    path.write_text(good + first + "\n")
    assert (
        first.split(",")[0]
        in refused(publisher, 16, "commit", folder, "-d", NAME, "--metadata", path).err
    )

    broken = publisher.folder / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 not really a workbook")
    assert (
        refused(publisher, 16, "commit", folder, "-d", NAME, "--metadata", broken, "--json").kind
        == "bad-sheet"
    )

    path.write_text(good + "nowhere.txt,x,y,,long\n")
    (folder / "unlisted.txt").write_text("I am in no sheet")
    result = refused(publisher, 16, "commit", folder, "-d", NAME, "--metadata", path, "--json")
    assert result.kind == "orphan-rows"
    result = publisher.ok(
        "commit", folder, "-d", NAME, "--metadata", path, "--allow-orphans", "--json"
    )
    assert result.json["orphanRows"] == ["nowhere.txt"]
    assert result.json["orphanFiles"] == ["unlisted.txt"]


def test_a_pdf_is_stored_but_no_text_filter_reads_it(publisher, folder) -> None:
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    publisher.ok("commit", folder, "-d", NAME)
    (publisher.folder / "r.toml").write_text(
        'recipe = 1\n[[step]]\nuse = "redact/1"\npatterns = ["email"]\n'
    )
    result = refused(
        publisher, 16, "filter", NAME, "--recipe", "r.toml", "--as", "acme/clean", "--json"
    )
    assert result.kind == "no-reader"


def test_losing_files_needs_a_yes(publisher, folder) -> None:
    for victim in sorted(folder.iterdir())[: len(list(folder.iterdir())) // 2]:
        victim.unlink()
    assert "--yes" in refused(publisher, 16, "commit", folder, "-d", NAME).err
    assert "--yes" in publisher.ok("commit", folder, "-d", NAME, "-n").err
    assert publisher.ok("commit", folder, "-d", NAME, "--yes", "--json").json["removed"]


def test_a_sheet_a_licence_or_a_description_leaves_only_with_a_yes(publisher, corpus) -> None:
    documents, sheet = corpus.write(publisher.folder)
    described = publisher.folder / "about.toml"
    described.write_text('confidentiality = "amber"\n')
    whole = ("commit", documents, "-d", NAME, "--metadata", sheet, "--licence", "CC-BY-4.0")
    publisher.ok(*whole, "--describe", described)
    (documents / "new.txt").write_text("new")
    # What `status` proposes to paste states all of it again.
    proposed = publisher.run("status").err
    assert f"--metadata {sheet.name} --licence CC-BY-4.0 --describe FILE" in proposed
    err = refused(publisher, 16, "commit", documents, "-d", NAME).err
    assert "the metadata sheet" in err
    assert "the licence (CC-BY-4.0)" in err
    assert "the description (confidentiality)" in err
    assert refused(publisher, 16, *whole, "--json").kind == "unsaid"
    dry = publisher.ok("commit", documents, "-d", NAME, "-n", "--json").json
    assert len(dry["unsaid"]) == 3
    assert "or add --yes" in publisher.ok("commit", documents, "-d", NAME, "-n").err
    assert "--yes" not in publisher.ok("commit", documents, "-d", NAME, "-n", "--yes").err
    assert publisher.ok("commit", documents, "-d", NAME, "--yes", "--json").json["changed"]


def test_a_licence_text_leaves_only_with_a_yes(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    text = publisher.folder / "nda.txt"
    text.write_text("Nobody tells anybody.\n")
    commit = ("commit", documents, "-d", NAME, "--json")
    nda = ("--licence", "LicenseRef-Acme-NDA")

    def stated() -> tuple[str, list[str]]:
        manifest = publisher.ok("show", NAME, "--json").json["manifest"]
        attached = [one["id"] for one in manifest["attachments"] if one["role"] == "licence-text"]
        assert attached == [manifest["body"]["licence"][key] for key in ("textDigest",) if attached]
        return manifest["body"]["licence"]["expression"], attached

    assert refused(publisher, 16, *commit, "--licence-text", text).kind == "bad-licence"
    publisher.ok(*commit, *nda, "--licence-text", text)
    first = stated()
    assert not publisher.ok(*commit, *nda).json["changed"]  # the same licence, hence its text
    (documents / "new.txt").write_text("new")
    assert publisher.ok(*commit, *nda).json["changed"]
    assert stated() == first
    publisher.ok("issue", NAME, "-o", "delivery", "--permit", "train")
    assert (publisher.folder / "delivery" / "LICENCE.txt").read_bytes() == text.read_bytes()
    other = refused(publisher, 16, *commit, "--licence", "MIT")
    assert other.kind == "unsaid"
    assert len(other.error["details"]["unsaid"]) == 1
    assert stated() == first
    publisher.ok(*commit, "--licence", "MIT", "--yes")
    assert stated() == ("MIT", [])
    publisher.ok(*commit, "--licence", "MIT", "--licence-text", text)
    publisher.ok(*commit, *nda, "--licence-text", text)
    assert stated() == first


def test_cells_that_a_spreadsheet_program_would_run_are_said(publisher, folder) -> None:
    (folder / "a.txt").write_text("a")
    sheet = publisher.folder / "cells.csv"
    sheet.write_text('path,one,two,three\na.txt,"=cmd|\' /C calc\'!A0",-1.5,"@SUM(1)"\n')
    publisher.ok("commit", folder, "-d", "acme/cells", "--metadata", sheet)
    out = publisher.ok("checkout", "acme/cells", "cells", "--metadata", "out.csv").out
    assert "2 cells begin like formulas" in out


def test_a_checked_out_sheet_gives_the_same_tree(publisher, folder) -> None:
    (folder / "quoted.txt").write_text("q")
    sheet = publisher.folder / "odd.csv"
    sheet.write_text(
        'file,"a;b;c",Path,note\nquoted.txt,"x;y","p, q","line\r\nbreak ""quoted"" "\n', "utf-8"
    )
    made = publisher.ok("commit", folder, "-d", "acme/odd", "--metadata", sheet, "--key", "file")
    assert made.code == 0
    tree = publisher.ok("show", "acme/odd", "--json").json["manifest"]["tree"]
    out = publisher.ok("checkout", "acme/odd", "again", "--metadata", "again.csv", "--json").json
    again = publisher.ok(
        *("commit", "again", "-d", "acme/odd2", "--metadata", "again.csv"),
        *("--key", out["keyColumn"], "--json"),
    ).json
    assert again["tree"] == tree
    assert publisher.fails(15, "checkout", "acme/odd", "more", "--metadata", "again.csv")
    publisher.ok("commit", folder, "-d", "acme/bare")
    publisher.fails(17, "checkout", "acme/bare", "bare", "--metadata", "bare.csv")
