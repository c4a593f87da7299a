"""What a command says is done survives a power cut: the order of its system calls, by strace."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Person


def order(person: Person, trace: Path, mention: str, *arguments: object) -> list[str]:
    """Run a command; return its calls that settle names on the disk, those that mention a path."""
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2"
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


def is_durable(told: list[str], folder: str) -> bool:
    """Return whether the content, then the name, then the name's folder went to the disk."""
    kinds = [call.partition("(")[0][:6] for call in told[-3:]]
    return kinds == ["fsync", "rename", "fsync"] and f"{folder}>" in told[-1]


@pytest.mark.faults
def test_the_list_of_remotes_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    add = ("remote", "add", "origin", tmp_path / "mirror")
    told = order(publisher, tmp_path / "trace", "/remotes", *add)
    assert is_durable(told, "/remotes"), told


@pytest.mark.faults
def test_a_trust_file_is_on_disk_before_it_has_its_name(publisher, tmp_path: Path) -> None:
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    add = ("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    told = order(publisher, tmp_path / "trace", "/.config/lyrikstore", *add)
    assert is_durable(told, "/.config/lyrikstore"), told
    assert "trust.toml" in told[-2]


@pytest.mark.faults
def test_a_new_folder_of_keys_has_its_name_on_disk(new_person, tmp_path: Path) -> None:
    person = new_person("someone")
    told = order(person, tmp_path / "trace", "/.config", "key", "new", "--no-passphrase")
    folders = [call.partition("<")[2].partition(">")[0] for call in told]
    config = person.home / ".config" / "lyrikstore"
    assert {str(person.home / ".config"), str(config), str(config / "keys")} <= set(folders), told
