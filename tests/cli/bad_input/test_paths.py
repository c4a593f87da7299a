"""Paths that name no file, a pipe, a circle or too much: refused, and not waited for."""

import os
import subprocess

import pytest

from tests.cli.bad_input.refusing import NAME, refused


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
        ("w3c", "export", "delivery", "--format", "odrl"),
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
    assert (done.returncode, "no folder can be made in ." in done.stderr) == (1, True), done.stderr
    assert not [e for e in publisher.ok("log", "--audit").out.splitlines() if "credential" in e]


def test_a_card_for_a_folder_that_is_missing_is_refused_before_the_store_is_asked(
    publisher,
) -> None:
    refused = publisher.fails(1, "card", "checkpoints/a/b", "-o", "none/card.md", "--json")
    assert refused.kind == "no-folder"


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
