"""Whoever gives `verify` a file that is no credential learns what it is, and what to give."""

import shutil

import pytest

from tests.conftest import Person

NAME = "acme/docs"


@pytest.fixture
def delivery(once, publisher):
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        (documents / "one.txt").write_text("one")
        publisher.ok("commit", documents, "-d", NAME, "--licence", "CC0-1.0")
        publisher.ok("issue", NAME, "-o", "delivery", "--permit", "train")

    once(publisher, make)
    return publisher.folder / "delivery"


FILES = {
    "contract.pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "is a PDF"),
    "notes.txt": (b"all is well\n", "is a text"),
    "empty.json": (b"", "is an empty file"),
    "big.bin": (bytes(2 << 20), "is a binary file of another kind"),
    "latin.txt": (b"caf\xe9", "is a binary file of another kind"),
    "rows.parquet": (b"PAR1\x00\x01", "is a Parquet file"),
    "list.json": (b"[1, 2]", "is JSON, but not a credential"),
    "settings.json": (b'{"a": 1.5, "b": null}', "is JSON, but not a credential"),
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
    for name, what, code in (
        ("manifest.json", "the manifest of the dataset", 5),
        ("log.tlog-proof", "a log proof", 3),
    ):
        found = person.run("verify", person.folder / "delivery" / name)
        assert (found.code, what in found.err) == (code, True), found.err
    half = person.folder / "delivery" / "half.json"
    half.write_bytes((delivery / "credential.json").read_bytes()[:2000])
    assert "damaged credential: ask its issuer" in person.run("verify", half).err
    # An edited credential is one, and nothing is said of its sort.
    whole = (delivery / "credential.json").read_text().replace('"train"', '"evaluate"')
    half.write_text(whole)
    assert "verify takes" not in person.run("verify", half).err


def test_folders_without_a_credential(delivery, publisher, new_person) -> None:
    person = new_person("buyer")
    (person.folder / "nothing").mkdir()
    shutil.copytree(delivery / "data", person.folder / "data")
    assert person.fails(1, "verify", "nothing", "--json").kind == "no-file"
    assert "lyrikstore issue" in person.fails(1, "verify", "nothing").err
    assert "credential.json --data data" in person.fails(1, "verify", "data").err
    assert publisher.fails(1, "verify", publisher.folder, "--json").kind == "no-file"


def test_a_delivery_that_is_still_packed(delivery, new_person) -> None:
    person = new_person("buyer")
    for kind in ("zip", "gztar"):
        packed = shutil.make_archive(str(person.folder / "handed"), kind, delivery)
        said = person.fails(3, "verify", packed).err
        assert "hint: if a delivery is in it, unpack it" in said


def test_words_are_parted_by_commas_or_blanks(delivery, publisher) -> None:
    issued = publisher.ok("issue", NAME, "-o", "again", "--permit", "train, evaluate research")
    assert "permits  train, evaluate, research, until" in issued.out


def test_the_stick_or_the_data_where_the_delivery_was_meant(delivery, new_person) -> None:
    person = new_person("buyer")
    there = person.folder / "stick" / "acme"
    shutil.copytree(delivery, there)
    page = ("page", "-o", "page.html", "--with")
    for command in (("verify",), ("terms",), page):
        for named in (there.parent, there / "data"):
            said = person.fails(1, *command, named).err
            assert f"hint: the delivery is {there}\n" in said
    credential = there / "credential.json"
    said = person.fails(3, "verify", credential, "--data", there).err
    assert f"hint: {there} is the delivery; the data is in it: --data {there / 'data'}\n" in said
    (there / "data" / "one.txt").write_text("two")
    said = person.fails(3, "verify", credential, "--data", there / "data").err
    assert "is the delivery" not in said


def test_a_model_named_without_its_kind(publisher) -> None:
    weights = publisher.folder / "files" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(bytes((2, 0, 0, 0, 0, 0, 0, 0)) + b"{}")
    publisher.ok("commit", "files", "-d", "acme/classifier-1")
    publisher.ok("commit", "files", "-d", "checkpoints/acme/classifier")
    said = publisher.fails(1, "verify", "acme/classifier").err
    assert "did you mean checkpoints/acme/classifier or " in said


KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
STATEMENT = """
extent = "all"
standard = "none"
method = "read"
conclusion = "fine"
limitations = ["nothing else"]
liability = "nobody"
results = [{metric = "rate", value = "0"}]
"""
TAKES_DELIVERIES = {
    "grant": ("grant", "{}", "--to", KEY, "--permit", "train", "--until", "30d", "-o", "out.json"),
    "attest": ("attest", "{}", "--kind", "quality", "--statement", "s.toml", "-o", "out.json"),
    "import": ("import", "{}"),
    "supersedes": ("issue", NAME, "-o", "new", "--permit", "train", "--supersedes", "{}"),
    "export": ("w3c", "export", "{}", "--format", "odrl"),
}


@pytest.mark.parametrize("command", TAKES_DELIVERIES)
def test_a_name_or_a_folder_of_data_where_a_delivery_is_wanted(
    delivery, publisher, command
) -> None:
    (publisher.folder / "s.toml").write_text(STATEMENT)

    def hint(given: str, code: int) -> str:
        return publisher.fails(code, *(one.format(given) for one in TAKES_DELIVERIES[command])).err

    named = hint(NAME, 1)
    assert f"no file or folder {NAME}; the name of an object in a store" in named
    assert "`lyrikstore issue REF -o FOLDER`" in named
    folder = hint("documents", 1)
    assert "no credential.json in documents" in folder
    assert "`lyrikstore issue REF -o FOLDER`" in folder
    if command in {"grant", "attest", "import"}:
        (publisher.folder / "note.txt").write_text("all is well")
        assert "lyrikstore verify" in hint("note.txt", 16 if command == "import" else 3)


def test_what_is_no_grant_is_not_presented(delivery, publisher) -> None:
    def hint(code: int, given: object) -> str:
        asked = ("--challenge", "c", "--domain", "d.example", "-o", "out.json")
        return publisher.fails(code, "present", given, *asked).err

    assert "which `lyrikstore grant` writes" in hint(1, NAME)
    for given in (delivery, delivery / "credential.json", "documents"):
        assert "not a licence grant" in hint(16, given)


def test_what_was_never_issued_is_not_revoked(delivery, publisher) -> None:
    for command in ("revoke", "suspend", "reinstate", "supersede"):
        assert "--audit" in publisher.fails(1, "credential", command, NAME).err
        manifest = delivery / "manifest.json"
        assert publisher.fails(1, "credential", command, manifest, "--json").kind == "no-credential"
        assert publisher.fails(1, "credential", command, "documents", "--json").kind == "no-file"


def test_converted_text_is_distinguished_from_edited_text(new_person) -> None:
    person = new_person("publisher")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    (person.folder / "documents").mkdir()
    (person.folder / "documents" / "one.txt").write_bytes(b"one\ntwo\n")
    person.ok("commit", "documents", "-d", NAME, "--licence", "CC0-1.0")
    person.ok("issue", NAME, "-o", "delivery", "--permit", "train")
    text = person.folder / "delivery" / "data" / "one.txt"
    text.write_bytes(b"one\r\ntwo\r\n")
    for arguments in (("delivery",), ("delivery/credential.json", "--data", "delivery/data")):
        found = person.fails(3, "verify", *arguments)
        assert "one.txt differs only in its line ends" in found.err
    files = person.fails(3, "verify", "delivery", "--json").check("data.files")
    assert files["detail"]["reason"] == "line-ends"
    text.write_bytes(b"one\r\nTWO\r\n")
    assert "line ends" not in person.fails(3, "verify", "delivery").err


def test_what_is_no_credential_has_one_line_for_all_that_was_not_looked_at(new_person) -> None:
    person = new_person("anybody")
    (person.folder / "notes.txt").write_text("all is well\n")
    lines = person.fails(3, "verify", "notes.txt").out.splitlines()
    assert sum("not looked at" in line for line in lines) == 1
    assert any(line.startswith(" ? 27 checks ") for line in lines)
    assert len(person.run("verify", "notes.txt", "--json").json["checks"]) == 28
