"""What a command says is done survives a power cut: the order of its system calls, by strace."""

import json
import re
import resource
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Person


def order(
    person: Person, trace: Path, mention: str, *arguments: object, kinds: str = ""
) -> list[str]:
    """Run a command; return its calls that settle names on the disk, those that mention a path."""
    calls = f"trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,{kinds}".rstrip(",")
    subprocess.run(
        ["strace", "-f", "-y", "-qqq", "-o", trace, "-e", calls, *person.command(*arguments)],
        cwd=person.folder,
        env=person.variables(),
        check=True,
        capture_output=True,
    )
    return [
        line.split(maxsplit=1)[1]
        for line in trace.read_text("utf-8").splitlines()
        if mention in line
    ]


def is_durable(ordered: list[str], folder: str) -> bool:
    """Return whether the content, then the name, then the name's folder went to the disk."""
    kinds = [call.partition("(")[0][:6] for call in ordered[-3:]]
    return kinds == ["fsync", "rename", "fsync"] and f"{folder}>" in ordered[-1]


@pytest.mark.faults
def test_the_list_of_remotes_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    add = ("remote", "add", "origin", tmp_path / "mirror")
    ordered = order(publisher, tmp_path / "trace", "/remotes", *add)
    assert is_durable(ordered, "/remotes"), ordered


@pytest.mark.faults
def test_a_trust_file_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    add = ("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    ordered = order(publisher, tmp_path / "trace", "/.config/lyrikstore", *add)
    assert is_durable(ordered, "/.config/lyrikstore"), ordered
    assert "trust.toml" in ordered[-2]


@pytest.mark.faults
def test_a_new_folder_of_keys_has_its_name_on_disk(new_person, tmp_path: Path) -> None:
    person = new_person("someone")
    ordered = order(person, tmp_path / "trace", "/.config", "key", "new", "--no-passphrase")
    folders = [call.partition("<")[2].partition(">")[0] for call in ordered]
    config = person.home / ".config" / "lyrikstore"
    assert {str(person.home / ".config"), str(config), str(config / "keys")} <= set(folders), (
        ordered
    )


@pytest.mark.faults
def test_a_delivery_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    # Data and evidence: a delivery whose files are empty after a power cut was acknowledged.
    (publisher.folder / "texts").mkdir()
    (publisher.folder / "texts" / "one.txt").write_text("one\n")
    publisher.ok("commit", "texts", "-d", "acme/texts")
    issue = ("issue", "acme/texts", "-o", "delivery", "--permit", "train")
    ordered = order(publisher, tmp_path / "trace", "", *issue)
    at = next(at for at, call in enumerate(ordered) if 'delivery"' in call)
    before, after = ordered[at - 1], ordered[at + 1]
    assert re.match(r"syncfs\(\d+<[^>]*/\.delivery\.new-\w+>", before), ordered
    assert re.match(rf"fsync\(\d+<{re.escape(str(publisher.folder))}>", after), ordered


@pytest.mark.faults
@pytest.mark.parametrize(
    "command",
    [
        ("w3c", "sign", "anything.json", "-o", "out.json"),
        ("key", "backup", "-o", "out.json", "--backup-passphrase-file", "passphrase"),
        ("verify", "--report", "out.json"),
        ("page", "-o", "out.json"),
    ],
    ids=lambda command: command[0],
)
def test_what_is_handed_out_is_on_disk_before_it_has_its_name(
    publisher, tmp_path: Path, command: tuple[str, ...]
) -> None:
    ready_to_sign(publisher)
    ordered = order(publisher, tmp_path / "trace", "out.json", *command, kinds="link,linkat")
    kinds = [call.partition("(")[0][:6] for call in ordered]
    assert kinds in (["fsync", "link"], ["fsync", "rename"]), ordered


def test_what_the_disk_refused_can_be_written_at_once(publisher) -> None:
    # A half-written file would be in the way: what is handed out is never overwritten.
    ready_to_sign(publisher)
    command = ("w3c", "sign", "anything.json", "-o", "out.json")
    done = subprocess.run(
        publisher.command(*command),
        cwd=publisher.folder,
        env=publisher.variables(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)),
    )
    assert done.returncode == 1, done
    assert not list(publisher.folder.glob("*out.json*"))
    publisher.ok(*command)


def ready_to_sign(person: Person) -> None:
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": "urn:example:somebody"},
    }
    (person.folder / "anything.json").write_text(json.dumps(credential))
    (person.folder / "passphrase").write_text("correct horse battery staple\n")
