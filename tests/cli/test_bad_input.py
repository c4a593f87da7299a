"""Bad input gets one line, the next step and the right exit code; nothing is lost."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

NAME = "acme/licences"


@pytest.fixture
def folder(publisher, corpus):
    """Return a folder of documents that was committed once."""
    documents, _ = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", NAME)
    return documents


def refused(person, code, *arguments):
    """Run a command that must fail cleanly and leave the store as it was, byte for byte."""
    before = stored(person)
    assert before
    result = person.fails(code, *arguments)
    lines = [line for line in result.err.splitlines() if line.startswith(("error: ", "{"))]
    assert len(lines) == 1, result.err
    assert stored(person) == before
    return result


def stored(person) -> dict[str, bytes]:
    store = person.folder / ".lyrikstore"
    return {
        str(path.relative_to(store)): path.read_bytes() if path.is_file() else b""
        for path in store.rglob("*")
    }


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
    whole = ("commit", documents, "-d", NAME, "--metadata", sheet, "--license", "CC-BY-4.0")
    publisher.ok(*whole, "--describe", described)
    (documents / "new.txt").write_text("new")
    # What `status` proposes to paste states all of it again.
    proposed = publisher.run("status").err
    assert f"--metadata {sheet.name} --license CC-BY-4.0 --describe FILE" in proposed
    err = refused(publisher, 16, "commit", documents, "-d", NAME).err
    assert "the metadata sheet" in err
    assert "the licence (CC-BY-4.0)" in err
    assert "the description (confidentiality)" in err
    assert refused(publisher, 16, *whole, "--json").kind == "unsaid"
    dry = publisher.ok("commit", documents, "-d", NAME, "-n", "--json").json
    assert len(dry["unsaid"]) == 3
    assert "or --yes" in publisher.ok("commit", documents, "-d", NAME, "-n").err
    assert "--yes" not in publisher.ok("commit", documents, "-d", NAME, "-n", "--yes").err
    assert publisher.ok("commit", documents, "-d", NAME, "--yes", "--json").json["changed"]


def test_a_licence_text_leaves_only_with_a_yes(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    text = publisher.folder / "nda.txt"
    text.write_text("Nobody tells anybody.\n")
    commit = ("commit", documents, "-d", NAME, "--json")
    nda = ("--license", "LicenseRef-Acme-NDA")

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
    other = refused(publisher, 16, *commit, "--license", "MIT")
    assert other.kind == "unsaid"
    assert len(other.error["details"]["unsaid"]) == 1
    assert stated() == first
    publisher.ok(*commit, "--license", "MIT", "--yes")
    assert stated() == ("MIT", [])
    publisher.ok(*commit, "--license", "MIT", "--licence-text", text)
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


@pytest.mark.parametrize("what", ["/dev/zero", "loop"])
def test_a_file_that_is_endless_or_a_circle(publisher, folder, what) -> None:
    (publisher.folder / "loop").symlink_to("loop")
    refused(publisher, 16, "filter", NAME, "--recipe", what, "--as", "acme/x")
    refused(publisher, 16, "issue", NAME, "-o", "out", "--terms", what)
    refused(publisher, 16, "commit", folder, "-d", NAME, "--describe", what)
    refused(publisher, 16, "commit", folder, "-d", NAME, "--licence-text", what)
    refused(publisher, 16, "commit", what, "-d", "acme/x")
    refused(publisher, 16, "card", "checkpoints/acme/x", "--answers", what)
    refused(publisher, 1, "status", what)


def test_a_passphrase_file_that_is_too_long(publisher) -> None:
    long = publisher.folder / "long"
    long.write_text("x" * 2000)
    refused(publisher, 12, "key", "backup", "-o", "keys", "--passphrase-file", long)


def test_what_is_no_file_is_not_waited_for(new_person) -> None:
    person = new_person("buyer")
    folder = person.folder / "delivery"
    folder.mkdir()
    os.mkfifo(folder / "credential.json")
    (person.folder / "text.json").write_text("{}")
    for command in (
        ("verify", "delivery"),
        ("verify", "/dev/zero"),
        ("verify", "text.json", "--resource", "delivery/credential.json"),
        ("verify", "text.json", "--status", "delivery/credential.json"),
        ("terms", "delivery"),
        ("export", "delivery", "--format", "odrl"),
    ):
        result = person.run(*command, "--json", timeout=60)
        assert (result.code, result.kind) == (16, "unreadable"), command
        assert "not a regular file" in result.error["message"]
    # What lies beside a credential is not chosen by whoever verifies: it is passed over.
    assert person.run("verify", "text.json", "--json", timeout=60).code == 3
    (folder / "credential.json").rename(person.folder / "beside.json")
    assert person.run("verify", "text.json", "--json", timeout=60).code == 3


def test_sheets_and_trust_files_are_no_pipes_or_devices(publisher, folder) -> None:
    config = publisher.home / ".config" / "lyrikstore"
    for name in ("piped.csv", "piped.xlsx"):
        os.mkfifo(publisher.folder / name)
        command = ("commit", folder, "-d", "acme/piped", "--metadata", name, "--json")
        result = publisher.fails(16, *command, timeout=60)
        assert "not a regular file" in result.error["message"]
    (publisher.folder / "zero.csv").symlink_to("/dev/zero")
    command = ("commit", folder, "-d", "acme/piped", "--metadata", "zero.csv", "--json")
    assert "not a regular file" in publisher.fails(16, *command, timeout=60).error["message"]
    with (publisher.folder / "huge.csv").open("wb") as file:
        file.truncate((512 << 20) + 1)
    command = ("commit", folder, "-d", "acme/piped", "--metadata", "huge.csv", "--json")
    assert "larger than 512 MiB" in publisher.fails(16, *command, timeout=60).error["message"]
    # A sheet that was replaced since the last commit.
    sheet = publisher.folder / "good.csv"
    sheet.write_text("path,x\na.txt,1\n")
    (publisher.folder / "small").mkdir()
    (publisher.folder / "small" / "a.txt").write_text("a")
    publisher.ok("commit", "small", "-d", "acme/small", "--metadata", sheet)
    sheet.unlink()
    os.mkfifo(sheet)
    publisher.run("status", "small", timeout=60)

    trust = config / "trust.toml"
    trust.unlink()
    os.mkfifo(trust)
    for command in (("trust", "list"), ("verify",)):
        result = publisher.fails(16, *command, "--json", timeout=60)
        assert result.kind == "unreadable"
        assert str(trust) in result.error["message"]


def test_a_passphrase_may_come_through_a_pipe(new_person) -> None:
    person = new_person("piper")
    pipe = person.folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'echo secret > "$0"', pipe]):
        person.ok("key", "new", "--passphrase-file", pipe, timeout=60)


def test_keys_and_stores_that_do_not_fit(publisher, folder, new_person) -> None:
    stranger = new_person("stranger")
    assert stranger.fails(10, "log", NAME).err
    assert stranger.fails(12, "init").err

    stranger.ok("key", "new", "--no-passphrase")
    result = stranger.fails(12, "commit", folder, "-d", NAME, "--store", publisher.folder)
    assert "read-only for you" in result.err

    secret = publisher.folder / "secret"
    secret.write_text("right\n")
    publisher.ok("key", "new", "second", "--passphrase-file", secret)
    secret.write_text("wrong\n")
    (folder / "new.txt").write_text("new")
    result = refused(
        publisher,
        12,
        "commit",
        folder,
        "-d",
        NAME,
        "--signer",
        "second",
        "--passphrase-file",
        secret,
    )
    assert "passphrase" in result.err


def test_a_store_of_a_newer_format_is_left_alone(publisher, folder) -> None:
    marker = publisher.folder / ".lyrikstore" / "format"
    old = marker.read_bytes()
    marker.write_bytes(b"lyrikstore 99\n")
    for arguments in (("log", NAME), ("commit", folder, "-d", NAME), ("verify",)):
        result = publisher.run(*arguments)
        assert result.code not in {0, 4}
        assert "format 99" in result.err
    marker.write_bytes(old)
    publisher.ok("verify")


def test_a_copied_store_cannot_fork_the_log(publisher, folder) -> None:
    copy = publisher.folder / "copy"
    shutil.copytree(publisher.folder / ".lyrikstore", copy / ".lyrikstore")
    (folder / "new.txt").write_text("in the original")
    publisher.ok("commit", folder, "-d", NAME)
    (folder / "new.txt").write_text("in the copy")
    result = publisher.fails(15, "commit", folder, "-d", NAME, "--store", copy, "--json")
    assert result.kind == "copied-store"
    publisher.ok("verify")


def test_a_read_only_store_reads(publisher, folder) -> None:
    if os.geteuid() == 0:
        mounted = publisher.folder / "mounted"
        mounted.mkdir()
        store = publisher.folder / ".lyrikstore"
        script = 'mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" && shift 2 && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, "sh", str(store), str(mounted)]
        if subprocess.run([*command, "true"], capture_output=True).returncode:
            pytest.skip("NOT RUN: this machine cannot mount")
    else:
        mounted = publisher.folder / ".lyrikstore"
        for path in (mounted, *mounted.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = []

    def run(*arguments):
        return subprocess.run(
            [*command, *publisher.command(*arguments, "--store", mounted)],
            cwd=publisher.folder,
            env=publisher.variables(),
            capture_output=True,
            text=True,
        )

    assert run("log", NAME).returncode == 0
    verified = run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    (folder / "new.txt").write_text("new")
    refused_commit = run("commit", str(folder), "-d", NAME)
    assert refused_commit.returncode == 1, refused_commit.stderr
    assert "Traceback" not in refused_commit.stderr
    assert "read-only" in refused_commit.stderr


def test_a_delivery_into_a_folder_that_was_deleted_is_refused_and_not_waited_for(
    publisher, folder
) -> None:
    # A folder that was deleted while somebody stood in it is a folder still, and takes no files.
    command = publisher.command(
        "issue", NAME, "-o", "delivery", "--permit", "train", "--store", publisher.folder
    )
    (publisher.folder / "gone").mkdir()
    done = subprocess.run(
        ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", *command],
        cwd=publisher.folder,
        env=publisher.variables(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, "nothing can be made in ." in done.stderr) == (1, True), done.stderr
    assert not [e for e in publisher.ok("log", "--audit").out.splitlines() if "credential" in e]


def test_a_card_for_a_folder_that_is_missing_is_refused_before_the_store_is_asked(
    publisher,
) -> None:
    refused = publisher.fails(1, "card", "checkpoints/a/b", "-o", "none/card.md", "--json")
    assert refused.kind == "no-folder"


def test_a_full_disk_is_said_and_loses_nothing(publisher, folder) -> None:
    small = publisher.folder / "small"
    small.mkdir()
    store = publisher.folder / ".lyrikstore"
    script = (
        'mount -t tmpfs -o size=3m none "$1" && cp -a "$2" "$1/" && shift 2 && "$@"; code=$?; '
        "exit $code"
    )
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(small), str(store)]
    if os.geteuid() or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("NOT RUN: this machine cannot mount a small file system")
    (folder / "big.bin").write_bytes(os.urandom(8 << 20))
    inner = " ".join(
        f"'{word}'" for word in publisher.command("commit", folder, "-d", NAME, "--store", small)
    )
    check = " ".join(f"'{word}'" for word in publisher.command("verify", "--store", small))
    done = subprocess.run(
        [*command, "sh", "-c", f"{inner}; echo commit $?; {check}; echo verify $?"],
        cwd=publisher.folder,
        env=publisher.variables(),
        capture_output=True,
        text=True,
    )
    assert "commit 1" in done.stdout, done.stdout + done.stderr
    assert "verify 0" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "full" in done.stderr or "space" in done.stderr


def test_usage_errors_suggest_and_exit_2(publisher) -> None:
    assert publisher.run("verfy").code == 2
    assert publisher.run("commit").code == 2
    assert publisher.run("filter", NAME).code == 2


def test_a_credential_that_is_not_there(new_person) -> None:
    nobody = new_person("nobody")  # without a store, too
    assert nobody.fails(1, "verify", "nothing.json", "--json").kind == "no-file"
    assert nobody.fails(1, "verify", "delivery/c", "--data", "x", "--json").kind == "no-file"


def test_too_many_status_lists_are_refused_not_left_out(new_person) -> None:
    buyer = new_person("buyer")
    lists = buyer.folder / "lists"
    lists.mkdir()
    for number in range(1001):  # the last by name could be the one that revokes
        (lists / f"{number:04d}.json").write_bytes(b"{}")
    (buyer.folder / "credential.json").write_bytes(b"{}")
    said = buyer.run("verify", "credential.json", "--status", "lists")
    assert said.code == 16, said.err
    assert "more than 1000 files" in said.err


def test_a_store_is_not_made_over_something_else(new_person) -> None:
    person = new_person("somebody")
    person.ok("key", "new", "--no-passphrase")
    (person.folder / ".lyrikstore").mkdir()
    (person.folder / ".lyrikstore" / "mine.txt").write_text("mine")
    person.fails(15, "init")
    assert len(person.ok("key", "list", "--json").json["keys"]) == 1


def test_a_name_nobody_logged(publisher, folder) -> None:
    assert publisher.fails(1, "log", "acme/nothing", "--json").kind == "no-ref"
    assert publisher.run("why", NAME, "nothing.txt").code == 1


def test_control_c_in_a_commit_leaves_the_store_whole(publisher, folder) -> None:
    for number in range(3000):
        (folder / f"{number}.txt").write_text(f"text {number} " * 50)
    before = publisher.ok("log", "--audit", "--json").json
    process = subprocess.Popen(
        publisher.command("commit", folder, "-d", NAME),
        cwd=publisher.folder,
        env=publisher.variables(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.45)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    if process.returncode == 130:
        assert "interrupted" in err
        assert publisher.ok("log", "--audit", "--json").json == before
    else:
        assert process.returncode == 0  # it was done before the signal came
    assert publisher.run("verify").code == 0


def test_broken_pipe_and_full_standard_output(publisher, folder) -> None:
    process = subprocess.Popen(
        publisher.command("log", "--audit", "--json"),
        cwd=publisher.folder,
        env=publisher.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode in {0, 141}
    assert "Traceback" not in err
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            publisher.command("log", NAME),
            cwd=publisher.folder,
            env=publisher.variables(),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
