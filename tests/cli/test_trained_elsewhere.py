"""What another tool left, and jobs for another machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.any_trainer import MODEL, body_of, give_rows
from tests.cli.small_runs import entries, lines, rows
from tests.conftest import Person

TERMS = """
[[partition]]
name = "all"
permits = ["train"]
limits = { territory = ["DE"] }
"""


@pytest.fixture
def trainer(publisher: Person) -> Person:
    return give_rows(publisher)


def test_what_another_tool_left(trainer) -> None:
    out = trainer.folder / "out"
    out.mkdir()
    (out / "model.txt").write_text(f"trained in {out}\n")
    (out / "training_args.bin").write_bytes(b"\x80\x04N.")
    asked = ("--input", "acme/rows", "--as", "acme/model")
    made = trainer.ok("import", "--trained", "out", *asked, "--json").json
    assert made["format"] == "files/1"
    assert made["leftOut"] == ["training_args.bin"]
    assert (made["confinement"], made["confinementCause"]) == ("none", "ended")
    run = body_of(trainer, "runs/acme/model")
    assert run["execution"] == {"by": "ended", "confinement": "none", "cause": "ended"}
    assert trainer.ok("verify", MODEL, "--json").json["verdict"] == "trusted"
    trainer.ok("card", MODEL, "-o", "CARD.md")
    card = (trainer.folder / "CARD.md").read_text("utf-8")
    assert "not announced" in card
    assert "before the first step" not in card
    trainer.ok("log", "runs/acme/model", "--html", "run.html")
    trainer.ok("checkout", MODEL, "there")
    assert (trainer.folder / "there" / "model.txt").read_text() == "trained in .\n"
    before = entries(trainer)
    (out / "model.pkl").write_bytes(b"\x80\x04N.")
    assert trainer.fails(18, "import", "--trained", "out", *asked, "--json").kind == "bad-output"
    trainer.fails(16, "import", "--trained", "rows/rows.jsonl", *asked)
    trainer.fails(14, "import", "--trained", "there", *asked, "--purpose", "commercialUse")
    for arguments in (("import",), ("import", *asked), ("import", "--trained", "out", "out")):
        trainer.fails(2, *arguments)
    assert entries(trainer) == before


def test_a_folder_of_the_users_own_may_be_called_as_words_are(trainer) -> None:
    out = trainer.folder / "model"
    out.mkdir()
    asked = ("import", "--trained", "model", "--input", "acme/rows", "--as", "acme/model")
    token = json.dumps({"vocab": {str(out): 1}})
    (out / "tokenizer.json").write_text(token)
    (out / "config.json").write_text(json.dumps({"model_type": "a", "_name_or_path": f"{out}/a"}))
    (out / "notes.txt").write_text(f"{out} {out}s x{out} {out}.bak file://{out}, {out}.\n")
    # What cannot be sealed is found before anything is logged.
    before = entries(trainer)
    (out / "wrong.json").write_text("{")
    assert trainer.fails(18, *asked, "--json").kind == "bad-output"
    assert entries(trainer) == before
    (out / "wrong.json").unlink()
    trainer.ok(*asked)
    trainer.ok("checkout", MODEL, "there")
    there = trainer.folder / "there"
    assert (there / "tokenizer.json").read_text() == token
    found = json.loads((there / "config.json").read_text())
    assert found == {"model_type": "a", "_name_or_path": "./a"}
    assert (there / "notes.txt").read_text() == f". {out}s x{out} {out}.bak file://., ..\n"


def test_files_name_copies_by_what_they_are(new_person) -> None:
    person = new_person("Jürgen")
    person.folder = person.folder / "Übung"
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    for name in ("one", "two"):
        (person.folder / name).mkdir()
        (person.folder / name / "rows.jsonl").write_text(lines(rows(4, seed=len(name))))
        (person.folder / name / "more.jsonl").write_text(lines(rows(2, seed=ord(name[0]))))
        person.ok("commit", person.folder / name, "-d", f"acme/{name}", "--text", "text")
        person.ok("permit", f"acme/{name}", "--permit", "train")
    text = (
        "import json, os, sys; open(sys.argv[1]); "
        "json.dump(sys.argv[1:], open(os.path.join(sys.argv[3], 'paths.json'), 'w')); "
        "open(os.path.join(sys.argv[3], 'paths.txt'), 'w').write(' '.join(sys.argv[1:]))"
    )
    person.ok(
        *("train", "--input", "acme/one", "--input", "acme/two", "--as", "acme/model", "--"),
        *(sys.executable, "-c", text, "{input}/rows.jsonl", "{input2}", "{output}"),
    )
    person.ok("checkout", MODEL, "there")
    trees = [
        person.ok("show", f"acme/{name}", "--json").json["manifest"]["tree"]
        for name in ("one", "two")
    ]
    wanted = [f"{trees[0]}/rows.jsonl", trees[1], "."]
    assert json.loads((person.folder / "there" / "paths.json").read_text()) == wanted
    assert (person.folder / "there" / "paths.txt").read_text() == " ".join(wanted)


def test_a_job_elsewhere(trainer) -> None:
    (trainer.folder / "train.sh").write_text("cp $LYRIKSTORE_INPUT/rows.jsonl $1/\n")
    asked = ("train", "--input", "acme/rows", "--as", "acme/model")
    job = ("--export-job", "skypilot", "--region", "aws/eu-central-1", "--program", "train.sh")
    command = ("--", "sh", "train.sh", "{output}")
    made = trainer.ok(*asked, *job, "-o", "job", "--json", *command).json
    assert made["jobTerritory"] == "DE"
    run = body_of(trainer, "runs/acme/model")
    assert run["config"]["use"]["territory"] == ["DE"]
    assert run["execution"]["job"]["digest"] == made["jobDigest"]
    assert run["execution"]["territory"] == "DE"
    folder = trainer.folder / "job"
    task = yaml.safe_load((folder / "job.yaml").read_text())
    assert task["resources"]["infra"] == "aws/eu-central-1"
    assert task["run"].splitlines()[-1] == "sh train.sh /tmp/lyrikstore/output"
    for place in (*task["file_mounts"].values(), task["workdir"]):
        assert (folder / place).exists()
    assert (folder / "program" / "train.sh").exists()
    result = trainer.fails(1, "train", "--collect", "job", "--json")
    assert result.kind == "no-file"
    (folder / "output").mkdir()
    (folder / "output" / "notes.txt").write_text("a job read /tmp/lyrikstore/input\n")
    found = trainer.ok("train", "--collect", "job", "--json").json
    assert (found["confinement"], found["confinementCause"]) == ("none", "elsewhere")
    report = trainer.ok("verify", MODEL, "--json")
    assert report.json["verdict"] == "trusted"
    assert report.check("runs")["detail"]["reason"] == "unconfined"
    trainer.ok("card", MODEL, "-o", "CARD.md")
    assert "remote, not observed" in (trainer.folder / "CARD.md").read_text("utf-8")
    trainer.ok("checkout", MODEL, "there")
    tree = trainer.ok("show", "acme/rows", "--json").json["manifest"]["tree"]
    assert (trainer.folder / "there" / "notes.txt").read_text() == f"a job read {tree}\n"
    assert trainer.fails(1, "train", "--collect", "job", "--json").kind == "no-run"


def test_what_a_job_takes_along(trainer) -> None:
    code = trainer.folder / "code"
    (code / "deep").mkdir(parents=True)
    for name in ("train.sh", "deep/more.sh", ".env", "deep/notes.txt"):
        (code / name).write_text("true\n")
    (trainer.folder / "more").mkdir()
    (trainer.folder / "more" / "train.sh").write_text("true\n")
    before = entries(trainer)

    def export(place: str, *program: str, include: tuple[str, ...] = ()) -> tuple[str, ...]:
        asked = ("train", "--input", "acme/rows", "--as", "acme/model", "--json", "-o", place)
        named = [word for one in program for word in ("--program", one)]
        named += [word for one in include for word in ("--include", one)]
        job = ("--export-job", "skypilot", "--region", "aws/eu-central-1")
        return (*asked, *job, *named, "--", "true")

    for arguments, kind in (
        (export("code/job", "code"), "bad-program"),
        (export("job", "code"), "bad-program"),  # Git tracks nothing of it
        (export("job", "code/train.sh", "more/train.sh"), "bad-program"),
        (export("job", ".lyrikstore"), "bad-program"),
        (export("job", "code", include=("code",)), "secret-found"),
        (export("job", "code", include=("more",)), "bad-program"),
    ):
        assert trainer.fails(16, *arguments).kind == kind
    assert entries(trainer) == before
    assert [one.name for one in trainer.folder.glob("*job*")] == []
    git = ("git", "-C", trainer.folder)
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "code/train.sh"], check=True)
    made = trainer.ok(*export("job", "code", include=("code/deep",))).json
    assert (made["jobFiles"], made["jobLeftOut"]) == (3, 1)
    # The folder in which the store lies, called by a dot.
    trainer.ok(*export(str(trainer.home / "job"), "."))
    for job, found in (
        (trainer.folder / "job", {"train.sh", "more.sh", "notes.txt"}),
        (trainer.home / "job", {"train.sh"}),
    ):
        taken = {one.name for one in (job / "program").rglob("*") if one.is_file()}
        assert taken == found


def test_a_private_key_is_never_sealed(trainer) -> None:
    key = Path(trainer.home / ".config/lyrikstore/keys/default").read_text()
    before = entries(trainer)
    out = trainer.folder / "out"
    out.mkdir()
    (out / "train.log").write_text(f"step 1\n{key}step 2\n")
    asked = ("--input", "acme/rows", "--as", "acme/model")
    error = trainer.fails(18, "import", "--trained", "out", *asked, "--json").error
    assert error["kind"] == "secret-found"
    assert error["details"]["holds"] == {"train.log": "private key (OpenSSH)"}
    assert key.splitlines()[2] not in json.dumps(error)
    error = trainer.fails(16, "commit", "out", "-d", "checkpoints/acme/base", "--json").error
    assert error["kind"] == "secret-found"
    assert entries(trainer) == before


def test_where_a_job_may_run(trainer) -> None:
    folder = trainer.folder / "german"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(4, seed=9)))
    trainer.ok("commit", folder, "-d", "acme/german", "--text", "text")
    (trainer.folder / "terms.toml").write_text(TERMS)
    trainer.ok("permit", "acme/german", "--terms", "terms.toml")
    before = entries(trainer)

    def export(region: str, *more: str, data: str = "acme/german") -> tuple[str, ...]:
        asked = ("train", "--input", data, "--as", "acme/model", *more, "--json")
        return (*asked, "--export-job", "skypilot", "--region", region, "-o", "job", "--", "true")

    for arguments, kind, code in (
        (export("aws/us-east-1"), "rights-missing", 14),
        (export("aws/us-east-1", "--use", "territory=DE"), "wrong-territory", 14),
        (export("aws/eu-central-1", "--use", "territory=DE,US"), "rights-missing", 14),
        (export("aws/eu-central-9"), "unknown-region", 16),
        (export("aws/eu-central-1=US"), "unknown-region", 16),
        (export("nowhere"), "unknown-region", 16),
    ):
        result = trainer.fails(code, *arguments)
        assert result.kind == kind, result.err
    assert entries(trainer) == before
    assert not (trainer.folder / "job").exists()
    assert trainer.ok(*export("lambda/europe-1=DE")).json["jobTerritory"] == "DE"
    assert trainer.fails(15, *export("aws/eu-central-1")).kind == "exists"
    trainer.fails(2, "train", "--region", "aws/eu-central-1", "train.toml")
