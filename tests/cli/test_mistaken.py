"""Whoever gives `verify` a file that is no credential learns what it is, and what to give."""

import shutil

import pytest

NAME = "acme/docs"


@pytest.fixture
def delivery(publisher):
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "one.txt").write_text("one")
    publisher.ok("commit", documents, "-d", NAME, "--license", "CC0-1.0")
    publisher.ok("issue", NAME, "-o", "delivery", "--permit", "train")
    return publisher.folder / "delivery"


FILES = {
    "contract.pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "is a PDF"),
    "notes.txt": (b"all is well\n", "is a text"),
    "empty.json": (b"", "is an empty file"),
    "big.bin": (bytes(2 << 20), "is a file of another sort"),
    "latin.txt": (b"caf\xe9", "is a file of another sort"),
    "rows.parquet": (b"PAR1\x00\x01", "is a Parquet file"),
    "list.json": (b"[1, 2]", "is JSON that says nothing of a credential"),
    "settings.json": (b'{"a": 1.5, "b": null}', "is JSON that says nothing of a credential"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_sort(new_person, name) -> None:
    person = new_person("anybody")
    content, what = FILES[name]
    (person.folder / name).write_bytes(content)
    found = person.run("verify", name)
    assert found.code == 3
    assert f"{name} {what}" in found.err
    assert "`issue`" in found.err
    assert "--data FOLDER" in found.err
    assert person.run("verify", name, "--json").json["verdict"] == "invalid"


def test_parts_of_a_delivery(delivery, new_person) -> None:
    person = new_person("buyer")
    shutil.copytree(delivery, person.folder / "delivery")
    for name, what in (
        ("manifest.json", "a manifest of kind 'dataset'"),
        ("log.tlog-proof", "a log proof"),
    ):
        found = person.run("verify", person.folder / "delivery" / name)
        assert (found.code, what in found.err) == (3, True), found.err
    half = person.folder / "delivery" / "half.json"
    half.write_bytes((delivery / "credential.json").read_bytes()[:2000])
    assert "damaged: get it again" in person.run("verify", half).err
    # An edited credential is one, and nothing is said of its sort.
    whole = (delivery / "credential.json").read_text().replace('"train"', '"evaluate"')
    half.write_text(whole)
    assert "verify takes" not in person.run("verify", half).err


def test_folders_without_a_credential(delivery, publisher, new_person) -> None:
    person = new_person("buyer")
    (person.folder / "nothing").mkdir()
    shutil.copytree(delivery / "data", person.folder / "data")
    assert "the folder is empty" in person.fails(1, "verify", "nothing").err
    assert "lyrikstore issue" in person.fails(1, "verify", "nothing").err
    assert "credential.json --data data" in person.fails(1, "verify", "data").err
    assert "it holds a store" in publisher.fails(1, "verify", publisher.folder).err
