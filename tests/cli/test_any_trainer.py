"""Any program trains on verified copies, and only what may be kept comes out."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.cli.small_runs import entries, leftovers, lines, rows
from tests.conftest import Person, Result

pytestmark = pytest.mark.disk  # of what is read below /dev nothing is noted
MODEL = "checkpoints/acme/model"
# A classifier of two labels by the first letter: PyTorch, safetensors, nothing of ours.
PYTORCH = """
import json, sys, pathlib, torch
from safetensors.torch import save_file
torch.manual_seed(0)
folder, output = map(pathlib.Path, sys.argv[1:3])
rows = [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.open()]
inputs = torch.tensor([[row["text"].count("alpha"), row["text"].count("beta")] for row in rows])
labels = torch.tensor([row["label"] == "b" for row in rows], dtype=torch.long)
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
for step in range(30):
    loss = torch.nn.functional.cross_entropy(model(inputs.float()), labels)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
print(f"loss {loss.item():.4f}")
save_file(model.state_dict(), output / "model.safetensors")
(output / "labels.json").write_text(json.dumps(["a", "b"]))
"""

TERMS = """
[[partition]]
name = "all"
permits = ["train"]
limits = { territory = ["DE"] }
"""


@pytest.fixture
def trainer(publisher: Person) -> Person:
    """Give somebody with rows that may be trained on."""
    folder = publisher.folder / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(24)))
    publisher.ok("commit", folder, "-d", "acme/rows", "--text", "text", "--label", "label")
    publisher.ok("permit", "acme/rows", "--permit", "train")
    return publisher


def train(*command: str, name: str = "acme/model", more: tuple[str, ...] = ()) -> tuple[str, ...]:
    return ("train", "--input", "acme/rows", "--output", name, *more, "--", *command)


def shell(text: str, **more: object) -> tuple[str, ...]:
    return train("sh", "-c", text, **more)


def refused(person: Person, code: int, *arguments: str, announced: bool = False) -> Result:
    """Run what has to fail, with a next step, and leave at most the announcement of a run."""
    before = entries(person)
    at = arguments.index("--")
    result = person.fails(code, *arguments[:at], "--json", *arguments[at:])
    assert result.error["hint"], result.err
    after = entries(person)[len(before) :]
    assert after == (["runs/acme/model"] if announced else [])
    assert leftovers(person) == []
    return result


def body_of(person: Person, ref: str) -> dict:
    return person.ok("show", ref, "--json").json["manifest"]["body"]


def test_a_script_in_pytorch(trainer) -> None:
    (trainer.folder / "train.py").write_text(PYTORCH)
    said = trainer.ok(*train(sys.executable, "train.py", "{input}", "{output}"))
    assert "loss 0." in said.out + said.err
    made = body_of(trainer, MODEL)
    assert made["origin"] == "trained"
    assert made["format"] == "files/1"
    run = body_of(trainer, "runs/acme/model")
    assert run["order"]["function"] == "foreign"
    assert run["execution"]["command"] == [sys.executable, "train.py", "{input}", "{output}"]
    report = trainer.ok("verify", MODEL, "--json").json
    assert report["verdict"] == "trusted"
    assert trainer.ok("log", MODEL, "--json").json["versions"]
    assert trainer.ok("impact", "acme/rows", "--json").out
    trainer.ok("card", MODEL, "-o", "CARD.md")
    card = (trainer.folder / "CARD.md").read_text("utf-8")
    assert "order, losses and settings are its own" in card


@pytest.mark.faults
def test_what_a_command_reads_and_writes_elsewhere_is_listed(trainer) -> None:
    extra = trainer.home / "extra.txt"
    extra.write_text("more data\n")
    git = ("git", "-C", str(trainer.folder), "-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "rows"], check=True)
    subprocess.run([*git, "commit", "-qm", "rows"], check=True)
    (trainer.folder / "new.txt").write_text("not committed\n")
    text = (
        f"cat {extra} rows/rows.jsonl new.txt {{input}}/rows.jsonl > {{output}}/notes.txt; "
        f"echo x > {trainer.home}/left.txt"
    )
    found = trainer.ok(*shell(text, more=("--json",))).json
    assert found["format"] == "files/1"
    seen = found["observed"]
    assert seen["undeclaredReads"] == ["~/extra.txt"]
    assert seen["repositoryReads"] == ["new.txt", "rows/rows.jsonl"]
    assert seen["undeclaredWrites"] == ["~/left.txt"]
    run = body_of(trainer, "runs/acme/model")
    assert run["execution"]["observed"] == "reads-and-writes"
    assert len(run["repository"]["commit"]) == 40
    assert run["repository"]["changes"].startswith("blake3:")
    made = body_of(trainer, MODEL)["observed"]
    assert made["undeclaredReads"] == 1
    assert made["connections"] == 0


def test_nobody_need_look(trainer) -> None:
    found = trainer.ok(*shell("cp {input}/rows.jsonl {output}/", more=("--no-observe", "--json")))
    assert found.json["observed"] is None
    assert body_of(trainer, "runs/acme/model")["execution"]["observed"] == "nothing"
    assert "observed" not in body_of(trainer, MODEL)


def test_it_is_not_ours_to_load(trainer) -> None:
    trainer.ok(*shell("echo text > {output}/notes.txt"))
    (trainer.folder / "some.txt").write_text("alpha")
    for arguments in (
        ("predict", MODEL, "some.txt"),
        ("evaluate", MODEL, "--on", "acme/rows"),
        ("monitor", MODEL, "--on", "acme/rows"),
        ("deploy", MODEL, "--to", "onnx", "-o", "out"),
    ):
        result = trainer.fails(16, *arguments, "--json")
        assert result.kind == "not-ours", result.err
        assert result.error["hint"]
    trainer.ok("checkout", MODEL, "there")
    assert (trainer.folder / "there" / "notes.txt").read_text() == "text\n"


def test_the_guard_is_that_of_every_run(trainer) -> None:
    bare = trainer.folder / "bare"
    bare.mkdir()
    (bare / "rows.jsonl").write_text(lines(rows(4)))
    trainer.ok("commit", bare, "-d", "acme/bare", "--text", "text")
    command = ("train", "--input", "acme/bare", "--output", "acme/model", "--", "touch", "ran")
    assert refused(trainer, 14, *command).kind == "rights-missing"
    assert not (trainer.folder / "ran").exists()
    more = ("--purpose", "commercialUse")
    assert refused(trainer, 14, *shell("true", more=more)).kind == "rights-missing"
    for arguments, code in (
        (("train",), 2),
        (("train", "--input", "acme/rows", "--", "true"), 2),
        (train("no-such-program"), 16),
        (("train", "--input", "acme/rows", "--output", "acme/model"), 16),
        (shell("true", name="Bad Name"), 16),
        (shell("true", more=("--format", "onnx/1")), 16),
        (shell("true", more=("--use", "place=DE")), 16),
        (shell("true", more=("--test", "acme/rows")), 16),
    ):
        assert trainer.run(*arguments).code == code, arguments
    assert "runs/acme/model" not in entries(trainer)


OUTPUTS = {
    "nothing": "true",
    "a pickle": "printf '\\200\\004N.' > {output}/model.pkl",
    "a pickle, called weights": "printf '\\200\\004N.aaaaaaaaaaaaaa' > {output}/a.safetensors",
    "a pickle, called a vocabulary": "printf '\\200\\004N.' > {output}/tokenizer.model",
    "code": "echo 'import os' > {output}/modeling.py",
    "a link": "ln -s /etc/passwd {output}/notes.txt",
    "a linked folder": "ln -s /etc {output}/notes",
    "a named pipe": "mkfifo {output}/notes.txt",
    "control characters": "printf x > \"{output}/$(printf 'a\\033b.txt')\"",
    "twins": "echo a > {output}/a.txt; echo b > {output}/A.txt",
    "holes": "truncate -s 8T {output}/model.safetensors",
    "another folder": "rmdir {output}; ln -s /etc {output}",
    "no folder": "rmdir {output}",
    "a long text": "truncate -s 1G {output}/notes.txt",
    "no text": "head -c 9 /dev/zero > {output}/notes.txt",
    "no JSON": "echo '{{\"a\": 1, \"a\": 2}}' | sed 's/{{/{/;s/}}/}/' > {output}/config.json",
    "a private path": "dirname {output} > {output}/notes.txt",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_is_refused(trainer, name) -> None:
    found = refused(trainer, 18, *shell(OUTPUTS[name]), announced=True)
    assert found.kind == "bad-output", found.err


def test_too_many_files_are_refused(trainer) -> None:
    text = "cd {output} && seq 10001 | sed 's/$/.txt/' | xargs touch"
    assert refused(trainer, 18, *shell(text), announced=True).kind == "bad-output"


def test_a_copy_is_not_to_be_written_to(trainer) -> None:
    for text in (
        "echo more >> {input}/rows.jsonl; echo x > {output}/notes.txt",
        "echo more > {input}/more.jsonl; echo x > {output}/notes.txt",
        "rm -f {input}/rows.jsonl; ln -s /etc/passwd {input}/rows.jsonl; echo x > {output}/a.txt",
    ):
        result = trainer.fails(3, *shell(text, more=("--json",)))
        assert result.kind == "input-changed"
    assert MODEL not in entries(trainer)
    assert leftovers(trainer) == []


@pytest.mark.parametrize(
    "text", ["exit 7", "kill -9 $$", "kill -9 $PPID", "kill -9 0", "kill -9 -$PPID"]
)
def test_a_command_that_fails_gives_nothing(trainer, text) -> None:
    text = f"echo x > {{output}}/notes.txt; echo last words; {text}; sleep 20"
    result = refused(trainer, 18, *shell(text), announced=True)
    assert result.kind == "worker-failed"
    assert "last words" in result.error["details"]["log"]


def test_nothing_of_a_command_outlives_it(trainer) -> None:
    mark = f"{os.getpid()}.25"
    text = (
        f"echo x > {{output}}/notes.txt; (setsid sleep {mark} && echo y > {{output}}/notes.txt) & "
        f"nohup sleep {mark} >/dev/null 2>&1 & sleep 0.2"
    )
    found = trainer.ok(*shell(text, more=("--json",))).json
    assert [one["reason"] for one in found["warnings"]] == ["left-running"]
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    trainer.ok("checkout", MODEL, "there")
    assert (trainer.folder / "there" / "notes.txt").read_text() == "x\n"


@pytest.mark.parametrize("killed", ["$PPID", "-$PPID", "$$"])
def test_nothing_of_a_command_outlives_its_supervisor(trainer, killed) -> None:
    mark = f"{os.getpid()}.125"
    text = f"setsid sleep {mark} & sleep {mark} & sleep 0.2; kill -9 {killed}; sleep {mark}"
    assert refused(trainer, 18, *shell(text), announced=True).kind == "worker-failed"
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_what_forks_and_ends_again_and_again_is_ended(trainer) -> None:
    mark = f"{os.getpid()}.5"
    text = (
        "import os, sys, time\n"
        "until = time.monotonic() + 30\n"
        "if os.fork():\n"
        "    time.sleep(0.2)\n"
        "    sys.exit(open(sys.argv[1] + '/notes.txt', 'w').write('x') != 1)\n"
        "os.setsid()\n"
        "while time.monotonic() < until:\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
    )
    trainer.ok(*train(sys.executable, "-c", text, "{output}", mark))
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_stops_us_stops_the_command(trainer, how) -> None:
    mark = f"{os.getpid()}.{50 + how}"
    started = trainer.folder / "started"
    arguments = shell(f"touch {started}; (setsid sleep {mark}) & sleep {mark}")
    process = subprocess.Popen(
        trainer.command(*arguments),
        cwd=trainer.folder,
        env=trainer.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(600):
        if started.exists():
            break
        time.sleep(0.05)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode
    for _ in range(200):
        left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        if mark not in left:
            break
        time.sleep(0.05)
    assert mark not in left
    assert MODEL not in entries(trainer)
    trainer.ok(*shell("echo x > {output}/notes.txt"))
    assert leftovers(trainer) == []


def test_what_another_tool_left(trainer) -> None:
    out = trainer.folder / "out"
    out.mkdir()
    (out / "model.txt").write_text(f"trained in {out}\n")
    (out / "training_args.bin").write_bytes(b"\x80\x04N.")
    asked = ("--input", "acme/rows", "--output", "acme/model")
    made = trainer.ok("import", "--trained", "out", *asked, "--json").json
    assert made["format"] == "files/1"
    assert made["leftOut"] == ["training_args.bin"]
    assert made["observed"] is None
    run = body_of(trainer, "runs/acme/model")
    assert run["execution"] == {"by": "ended", "observed": "nothing"}
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
    asked = ("import", "--trained", "model", "--input", "acme/rows", "--output", "acme/model")
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
        "import json, os, sys; "
        "json.dump(sys.argv[1:], open(os.path.join(sys.argv[3], 'paths.json'), 'w')); "
        "open(os.path.join(sys.argv[3], 'paths.txt'), 'w').write(' '.join(sys.argv[1:]))"
    )
    person.ok(
        *("train", "--input", "acme/one", "--input", "acme/two", "--output", "acme/model", "--"),
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
    asked = ("train", "--input", "acme/rows", "--output", "acme/model")
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
    assert found["observed"] is None
    assert trainer.ok("verify", MODEL, "--json").json["verdict"] == "trusted"
    trainer.ok("card", MODEL, "-o", "CARD.md")
    assert "remote, not observed" in (trainer.folder / "CARD.md").read_text("utf-8")
    trainer.ok("checkout", MODEL, "there")
    tree = trainer.ok("show", "acme/rows", "--json").json["manifest"]["tree"]
    assert (trainer.folder / "there" / "notes.txt").read_text() == f"a job read {tree}\n"
    assert trainer.fails(1, "train", "--collect", "job", "--json").kind == "no-run"


def test_what_a_job_takes_along(trainer) -> None:
    code = trainer.folder / "code"
    (code / "deep").mkdir(parents=True)
    for name in ("train.sh", "deep/more.sh", ".env", "deep/.env.local", "deep/my.pem", "my.key"):
        (code / name).write_text("true\n")
    (trainer.folder / "more").mkdir()
    (trainer.folder / "more" / "train.sh").write_text("true\n")
    before = entries(trainer)

    def export(place: str, *program: str) -> tuple[str, ...]:
        asked = ("train", "--input", "acme/rows", "--output", "acme/model", "--json", "-o", place)
        named = (word for one in program for word in ("--program", one))
        job = ("--export-job", "skypilot", "--region", "aws/eu-central-1")
        return (*asked, *job, *named, "--", "true")

    for arguments, kind in (
        (export("code/job", "code"), "bad-program"),
        (export("job", "."), "bad-program"),
        (export("job", "code/train.sh", "more/train.sh"), "bad-program"),
        (export("job", ".lyrikstore"), "bad-program"),
    ):
        assert trainer.fails(16, *arguments).kind == kind
    assert entries(trainer) == before
    assert sorted(one.name for one in code.iterdir()) == [".env", "deep", "my.key", "train.sh"]
    trainer.ok(*export("job", "code"))
    # The folder in which the store lies, called by a dot.
    trainer.ok(*export(str(trainer.home / "job"), "."))
    for job, found in ((trainer.folder / "job", ["code"]), (trainer.home / "job", None)):
        taken = [one.name for one in (job / "program").rglob("*")]
        assert found is None or [one.name for one in (job / "program").iterdir()] == found
        assert {"train.sh", "more.sh"} <= set(taken)
        assert not {".lyrikstore", ".env", ".env.local", "my.pem", "my.key"} & set(taken)


def test_where_a_job_may_run(trainer) -> None:
    folder = trainer.folder / "german"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(rows(4, seed=9)))
    trainer.ok("commit", folder, "-d", "acme/german", "--text", "text")
    (trainer.folder / "terms.toml").write_text(TERMS)
    trainer.ok("permit", "acme/german", "--terms", "terms.toml")
    before = entries(trainer)

    def export(region: str, *more: str, data: str = "acme/german") -> tuple[str, ...]:
        asked = ("train", "--input", data, "--output", "acme/model", *more, "--json")
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
