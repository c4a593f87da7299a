"""What is named and not there is said in one way by every command: exit code 1."""

from collections.abc import Iterator

import click
import pytest

from tests.epilogs import command_of, commands

GONE = "absent.json"
NAME = "acme/docs"
OUT = ("-o", "out.json")
ISSUE = ("issue", NAME, "-o", "out", "--permit", "train")
GRANT = (
    "grant",
    "delivery",
    "--to",
    "did:web:b.example",
    "--permit",
    "train",
    "--until",
    "9d",
    *OUT,
)
ATTEST = ("attest", "delivery", "--kind", "quality", *OUT)
WEB = ("--issuer", "did:web:a.example", "--did-document", GONE)
PRESENT = ("--challenge", "c", "--domain", "d", *OUT)
DEPLOY = ("deploy", "checkpoints/acme/x", "--to", "onnx", "-o", "out")
REVIEW = ("review", "new", NAME, "--reviewer", "did:web:a.example", *OUT)
SECRET = ("--passphrase-file", GONE)

READ = {
    ("attest", "--statement"): (*ATTEST, "--statement", GONE),
    ("attest", "--document"): (*ATTEST, "--statement", "audit.toml", "--document", GONE),
    ("attest", "--data"): (*ATTEST, "--statement", "audit.toml", "--data", GONE),
    ("attest", "--did-document"): (*ATTEST, "--statement", "audit.toml", *WEB),
    ("attest", "--supersedes"): (*ATTEST, "--statement", "audit.toml", "--supersedes", GONE),
    ("card", "--answers"): ("card", "checkpoints/acme/x", "--answers", GONE),
    ("commit", "path"): ("commit", GONE, "-d", NAME),
    ("commit", "--metadata"): ("commit", "documents", "-d", NAME, "--metadata", "absent.csv"),
    ("commit", "--licence-text"): ("commit", "documents", "-d", NAME, "--licence-text", GONE),
    ("commit", "--describe"): ("commit", "documents", "-d", NAME, "--describe", GONE),
    ("commit", "--prompts"): (
        *("commit", "documents", "-d", NAME, "--generated-by", "checkpoints/acme/x"),
        *("--prompts", GONE, "--output-terms", "https://a.example", "--output-trains", "yes"),
    ),
    ("deploy", "--probe"): (*DEPLOY, "--probe", GONE),
    ("w3c export", "target"): ("w3c", "export", GONE, "--format", "odrl"),
    ("filter", "--recipe"): ("filter", NAME, "--recipe", GONE, "--as", "acme/kept"),
    ("grant", "credential"): ("grant", GONE, *GRANT[2:]),
    ("grant", "--did-document"): (*GRANT, "--did-document", GONE),
    ("grant", "--supersedes"): (*GRANT, "--supersedes", GONE),
    ("import", "targets"): ("import", GONE),
    ("import", "--data"): ("import", "theirs", "--as", "acme/theirs", "--data", GONE),
    ("import", "--trained"): (
        *("import", "--trained", "absent", "--input", NAME, "--as", "acme/model"),
    ),
    ("permit", "--terms"): ("permit", NAME, "--terms", GONE),
    ("permit", "--supersedes"): ("permit", NAME, "--permit", "train", "--supersedes", GONE),
    ("issue", "--terms"): ("issue", NAME, "-o", "out", "--terms", GONE),
    ("issue", "--did-document"): (*ISSUE, *WEB),
    ("issue", "--supersedes"): (*ISSUE, "--supersedes", GONE),
    ("key new", "--from"): ("key", "new", "--from", GONE),
    ("key backup", "--backup-passphrase-file"): (
        *("key", "backup", *OUT, "--backup-passphrase-file", GONE),
    ),
    ("evaluate", "--predictions"): (
        *("evaluate", "checkpoints/acme/x", "--on", NAME, "--predictions", "absent.csv"),
    ),
    ("plan", "--prices"): ("plan", NAME, "--prices", GONE),
    ("log", "--add"): ("log", "timestamp", "--add", GONE),
    ("page", "--with"): ("page", *OUT, "--with", GONE),
    ("page", "--trust"): ("page", *OUT, "--with", "delivery", "--trust", GONE),
    ("page", "--compare"): ("page", "--compare", GONE),
    ("predict", "file"): ("predict", "checkpoints/acme/x", GONE),
    ("present", "grant"): ("present", GONE, *PRESENT),
    ("present", "--did-document"): ("present", "delivery/credential.json", *PRESENT, *WEB[2:]),
    ("w3c serve", "--trust"): ("w3c", "serve", "--trust", GONE),
    ("w3c sign", "credential"): ("w3c", "sign", GONE, *OUT),
    ("w3c sign", "--did-document"): ("w3c", "sign", "delivery/credential.json", *OUT, *WEB),
    ("review new", "--questions"): (*REVIEW, "--questions", GONE),
    ("review new", "--guideline"): (*REVIEW, "--guideline", GONE),
    ("review next", "folder"): ("review", "next", GONE),
    ("review export", "folder"): ("review", "export", GONE, *OUT),
    ("review sign", "target"): ("review", "sign", GONE, *OUT),
    ("review sign", "--queue"): ("review", "sign", "audit.toml", "--queue", GONE, *OUT),
    ("review import", "files"): ("review", "import", GONE),
    ("status", "path"): ("status", GONE),
    ("terms", "--trust"): ("terms", NAME, "--trust", GONE),
    ("train", "config"): ("train", GONE),
    ("train", "--collect"): ("train", "--collect", "absent"),
    ("train", "--program"): ("train", "--program", "absent"),
    ("train", "--include"): ("train", "--include", "absent"),
    ("train", "--read"): (
        *("train", "--input", NAME, "--as", "checkpoints/acme/x"),
        *("--read", "absent", "--", "true"),
    ),
    ("train", "--prices"): ("train", "audit.toml", "--prices", GONE),
    ("trust add", "--authority"): ("trust", "add", "authority", "--authority", GONE),
    ("trust add", "--did-document"): ("trust", "add", "did:web:a.example", "--did-document", GONE),
    ("trust check", "file"): ("trust", "check", GONE),
    ("verify", "--data"): ("verify", "delivery", "--data", GONE),
    ("verify", "--status"): ("verify", "delivery", "--status", GONE),
    ("verify", "--trust"): ("verify", "delivery", "--trust", GONE),
    ("witness", "file"): ("witness", GONE, *OUT),
}
"""Command and parameter that names something to be read → a command line where it is not there."""

TEXT = (
    ("attest", GONE, "--kind", "quality", "--statement", "audit.toml", *OUT),
    ("verify", GONE),
    ("verify", "foreign.json", "--resource", GONE),
    ("terms", GONE),
    ("credential", "revoke", GONE),
    ("impact", GONE),
    ("show", "acme/absent"),
    ("checkout", "acme/absent", "out"),
    ("log", "-C", "absent"),
    ("key", "new", "other", *SECRET),
)
"""What names a file, or a name, and is declared as text."""

WRITTEN = {
    *("--output", "--request", "--report", "--html", "--certificate", "card --draft"),
    *("init directory_", "clone directory_", "checkout folder", "checkout --metadata"),
}


def parameters() -> Iterator[tuple[str, str]]:
    for words in commands():
        for one in command_of(words).params:
            shared = one.name in {"store", "directory", "passphrase_file"}
            if isinstance(one.type, click.Path) and not shared:
                found = one.opts[-1] if isinstance(one, click.Option) else str(one.name)
                yield " ".join(words), found


def test_every_file_that_a_command_reads_is_tried_here() -> None:
    read = {one for one in parameters() if not {one[1], " ".join(one)} & WRITTEN}
    assert read == set(READ)


@pytest.fixture
def owner(publisher, new_person):
    for person in (publisher, new_person("other")):
        documents = person.folder / "documents"
        documents.mkdir()
        (documents / "a.txt").write_text("a")
        if person is not publisher:
            person.ok("key", "new", "--no-passphrase")
            person.ok("init")
        person.ok("commit", documents, "-d", NAME)
        to = publisher.folder / ("delivery" if person is publisher else "theirs")
        person.ok("issue", NAME, "-o", to, "--permit", "train", "--grantable", "evaluate")
    (publisher.folder / "audit.toml").write_text(
        'extent = "all"\nstandard = "none"\nmethod = "read"\nconclusion = "sound"\n'
        'limitations = ["few"]\nliability = "nobody"\n'
        'results = [{metric = "errors", value = "0"}]\n'
    )
    (publisher.folder / "foreign.json").write_text('{"type": ["VerifiableCredential"]}')
    return publisher


def test_what_is_not_there_has_one_exit_code(owner) -> None:
    for arguments in (*READ.values(), *TEXT):
        result = owner.run(*arguments, "--json")
        assert result.code == 1, (arguments, result.code, result.out[-500:], result.err)
        assert "absent" in result.error["message"], (arguments, result.err)
    assert not (owner.folder / "out").exists()
    assert not (owner.folder / "out.json").exists()


def test_another_folder_is_entered_before_anything_is_looked_for(owner, tmp_path) -> None:
    export = ("w3c", "export", "--format", "odrl")
    assert owner.ok(*export, "credential.json", "-C", "delivery").out
    assert owner.ok(*export, "delivery", "-C", owner.folder, cwd=tmp_path).out
