"""Any program trains on verified copies, and only what may be kept comes out."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lyrikstore.canon.digest import Digest
from tests.cli.any_trainer import MODEL, READS, body_of, give_rows, refused, shell, train
from tests.cli.small_runs import entries, leftovers, lines, rows
from tests.conftest import REPOSITORY, Person
from tests.pages import blocks

pytestmark = pytest.mark.sandbox
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


@pytest.fixture
def trainer(publisher: Person) -> Person:
    return give_rows(publisher)


@pytest.mark.ci
def test_a_script_in_pytorch(trainer) -> None:
    (trainer.folder / "train.py").write_text(PYTORCH)
    command = (sys.executable, "train.py", "{input}", "{output}")
    said = trainer.ok(*train(*command, more=("--read", "train.py")))
    assert "loss 0." in said.out + said.err
    made = body_of(trainer, MODEL)
    assert made["origin"] == "trained"
    assert made["format"] == "files/1"
    run = body_of(trainer, "runs/acme/model")
    assert run["order"]["function"] == "foreign"
    assert run["execution"]["command"] == list(command)
    report = trainer.ok("verify", MODEL, "--json").json
    assert report["verdict"] == "trusted"
    assert trainer.ok("log", MODEL, "--json").json["versions"]
    assert trainer.ok("impact", "acme/rows", "--json").out
    trainer.ok("card", MODEL, "-o", "CARD.md")
    card = (trainer.folder / "CARD.md").read_text("utf-8")
    assert "order, losses and settings are its own" in card


@pytest.mark.ci
def test_the_script_of_the_page_reads_rows_of_two_sources_and_refuses_none(trainer) -> None:
    (script,) = [one for one in blocks("any-trainer.md", "python") if "# train.py" in one]
    (trainer.folder / "train.py").write_text(script)
    for name, path in (("more", "rows.jsonl"), ("letters", "a.txt")):
        (trainer.folder / name).mkdir()
        (trainer.folder / name / path).write_text(lines(rows(4)))
        roles = ("--text", "text", "--label", "label") if name == "more" else ()
        trainer.ok("commit", name, "-d", f"acme/{name}", *roles)
        trainer.ok("permit", f"acme/{name}", "--permit", "train")
    trainer.ok("filter", "acme/rows", "acme/more", "--as", "acme/both")
    command = ("--read", "train.py", "--", sys.executable, "train.py", "{input}", "{output}")
    trainer.ok("train", "--input", "acme/both", "--as", "acme/model", *command)
    asked = ("train", "--input", "acme/letters", "--as", "acme/none", "--json", *command)
    assert trainer.fails(18, *asked).kind == "worker-failed"


def test_a_command_is_confined_and_the_run_says_by_what(trainer) -> None:
    extra = trainer.home / "extra.txt"
    extra.write_text("more data\n")
    git = ("git", "-C", str(trainer.folder), "-c", "user.name=a", "-c", "user.email=a@b.example")
    for arguments in (("init", "-q"), ("add", "rows"), ("commit", "-qm", "rows")):
        subprocess.run([*git, *arguments], check=True)
    (trainer.folder / "new.txt").write_text("not committed\n")
    text = f"cat {extra} rows/rows.jsonl new.txt > {{output}}/notes.txt; echo x > new.txt"
    found = trainer.ok(*shell(text, more=("--read", str(extra), "--json"))).json
    assert found["format"] == "files/1"
    assert (found["confinement"], found["confinementCause"]) == ("bubblewrap", None)
    assert found["openedReads"] == [str(extra)]
    assert (found["openedNetwork"], found["openedVariables"]) == (False, [])
    assert (trainer.folder / "new.txt").read_text() == "not committed\n"
    run = body_of(trainer, "runs/acme/model")
    assert run["execution"].pop("version")[:1].isdigit()
    assert run["execution"] == {
        "by": "command",
        "command": ["sh", "-c", READS + text],
        "confinement": "bubblewrap",
        "opened": {"reads": [{"path": str(extra), "blake3": Digest.of_file(extra).hex}]},
    }
    assert len(run["repository"]["commit"]) == 40
    assert run["repository"]["changes"].startswith("blake3:")
    assert "observed" not in body_of(trainer, MODEL)
    report = trainer.ok("verify", MODEL, "--json")
    assert report.json["verdict"] == "trusted"
    assert report.check("runs")["state"] == "pass"
    assert not any("not confined" in one for one in report.json["notProven"])


def test_what_ran_unconfined_is_called_so(trainer) -> None:
    extra = trainer.home / "extra.txt"
    extra.write_text("more data\n")
    text = f"cat {extra} > {{output}}/notes.txt"
    found = trainer.ok(*shell(text, more=("--unconfined", "--json"))).json
    assert (found["confinement"], found["confinementVersion"]) == ("none", None)
    execution = body_of(trainer, "runs/acme/model")["execution"]
    assert execution["confinement"] == "none"
    assert execution["cause"] == found["confinementCause"]
    report = trainer.ok("verify", MODEL, "--json")
    assert report.check("runs")["state"] == "warn"
    assert report.check("runs")["detail"]["reason"] == "unconfined"
    assert any("not confined" in one for one in report.json["notProven"])
    trainer.ok("card", MODEL, "-o", "CARD.md")
    first, *_ = (trainer.folder / "CARD.md").read_text("utf-8").split("In figures")
    assert "confined by nothing" in first
    assert "nobody observed" in first


def test_a_model_of_no_records_is_not_sealed(trainer) -> None:
    listed = "ls {input}/*.csv; wc -c < {output}/../input.none; echo {} > {output}/config.json"
    for more in ((), ("--unconfined",)):
        result = refused(trainer, 18, *train("sh", "-c", listed, more=more), announced=True)
        assert result.kind == "nothing-read"


def test_where_no_sandbox_can_be_had_nothing_is_announced(trainer, tmp_path) -> None:
    # As a system without bubblewrap is, seen by who has only what this folder has on PATH.
    (tmp_path / "sitecustomize.py").write_text(
        "import lyrikstore.train.external.sandbox as sandbox\n"
        "sandbox._programs = lambda environment: iter(())\n"
    )
    path = f"{tmp_path}:{REPOSITORY}:{REPOSITORY / 'cli'}"
    alone = Person(trainer.home, trainer.folder, {**trainer.environment, "PYTHONPATH": path})
    result = refused(alone, 16, *shell("echo x > {output}/notes.txt"))
    assert result.kind == "no-sandbox"
    assert result.error["details"] == {"cause": "no-bubblewrap"}
    alone.ok(*shell("echo x > {output}/notes.txt", more=("--unconfined",)))
    cause = body_of(trainer, "runs/acme/model")["execution"]["cause"]
    assert cause == "no-bubblewrap"


def test_what_is_opened_must_not_change(trainer) -> None:
    extra = trainer.home / "extra.txt"
    extra.write_text("one")
    staged = trainer.folder / ".lyrikstore" / "staging"

    def change() -> None:
        for _ in range(1200):
            if any(staged.glob("work-*/output/begun.txt")):
                extra.write_text("two")
                return
            time.sleep(0.05)

    text = f"echo x > {{output}}/begun.txt; until grep -q two {extra}; do sleep 0.05; done"
    changing = threading.Thread(target=change)
    changing.start()
    result = refused(trainer, 3, *shell(text, more=("--read", str(extra))), announced=True)
    changing.join()
    assert result.kind == "input-changed"


def test_what_may_not_be_opened(trainer) -> None:
    keys = trainer.home / ".config" / "lyrikstore" / "keys"
    assert refused(trainer, 16, *shell("true", more=("--read", str(keys)))).kind == "secret-found"
    asked = ("--env", "LYRIKSTORE_PASSPHRASE")
    assert refused(trainer, 16, *shell("true", more=asked)).kind == "bad-opening"
    trainer.fails(2, *shell("true", more=("--unconfined", "--network")))
    trainer.fails(2, "train", "train.toml", "--network")


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
    command = ("train", "--input", "acme/bare", "--as", "acme/model", "--", "touch", "ran")
    assert refused(trainer, 14, *command).kind == "rights-missing"
    assert not (trainer.folder / "ran").exists()
    more = ("--purpose", "commercialUse")
    assert refused(trainer, 14, *shell("true", more=more)).kind == "rights-missing"
    for arguments, code in (
        (("train",), 2),
        (("train", "--input", "acme/rows", "--", "true"), 2),
        (train("no-such-program"), 16),
        (("train", "--input", "acme/rows", "--as", "acme/model"), 16),
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
    more = ("--unconfined",) if name.endswith("folder") else ()  # else it cannot be removed
    found = refused(trainer, 18, *shell(OUTPUTS[name], more=more), announced=True)
    assert found.kind == "bad-output", found.err


def test_too_many_files_are_refused(trainer) -> None:
    text = "cd {output} && seq 10001 | sed 's/$/.txt/' | xargs touch"
    assert refused(trainer, 18, *shell(text), announced=True).kind == "bad-output"


def test_a_copy_is_not_to_be_written_to(trainer) -> None:
    write = "chmod u+w {input}/rows.jsonl || true; echo more >> {input}/rows.jsonl"
    assert refused(trainer, 18, *shell(write), announced=True).kind == "worker-failed"
    for text in (
        "chmod u+w {input}/rows.jsonl; echo more >> {input}/rows.jsonl; echo x > {output}/n.txt",
        "chmod u+w {input}; echo more > {input}/more.jsonl; echo x > {output}/notes.txt",
        "cd {input} && chmod u+w . && ln -sf /etc/passwd rows.jsonl; echo x > {output}/a.txt",
    ):
        result = trainer.fails(3, *shell(text, more=("--unconfined", "--json")))
        assert result.kind == "input-changed"
    assert MODEL not in entries(trainer)
    assert leftovers(trainer) == []


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("exit 7", ()),
        ("kill -9 $$", ()),
        ("kill -9 0", ()),
        ("kill -9 $PPID", ("--unconfined",)),
        ("kill -9 -$PPID", ("--unconfined",)),
    ],
)
def test_a_command_that_fails_gives_nothing(trainer, text, more) -> None:
    text = f"echo x > {{output}}/notes.txt; echo last words; {text}; sleep 20"
    result = refused(trainer, 18, *shell(text, more=more), announced=True)
    assert result.kind == "worker-failed"
    assert "last words" in result.error["details"]["log"]


def test_nothing_of_a_command_outlives_it(trainer) -> None:
    mark = f"{os.getpid()}.25"
    text = (
        f"echo x > {{output}}/notes.txt; (setsid sleep {mark} && echo y > {{output}}/notes.txt) & "
        f"nohup sleep {mark} >/dev/null 2>&1 & sleep 0.2"
    )
    trainer.ok(*shell(text))
    found = trainer.ok(*shell(text, more=("--unconfined", "--json"))).json
    assert [one["reason"] for one in found["warnings"]] == ["left-running"]
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    trainer.ok("checkout", MODEL, "there")
    assert (trainer.folder / "there" / "notes.txt").read_text() == "x\n"


@pytest.mark.parametrize("killed", ["$PPID", "-$PPID", "$$"])
def test_nothing_of_a_command_outlives_its_supervisor(trainer, killed) -> None:
    mark = f"{os.getpid()}.125"
    text = f"setsid sleep {mark} & sleep {mark} & sleep 0.2; kill -9 {killed}; sleep {mark}"
    more = ("--unconfined",)
    assert refused(trainer, 18, *shell(text, more=more), announced=True).kind == "worker-failed"
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


def test_what_forks_and_ends_again_and_again_is_ended(trainer) -> None:
    mark = f"{os.getpid()}.5"
    text = (
        "import os, sys, time\n"
        "open(sys.argv[3])\n"
        "until = time.monotonic() + 30\n"
        "if os.fork():\n"
        "    time.sleep(0.2)\n"
        "    sys.exit(open(sys.argv[1] + '/notes.txt', 'w').write('x') != 1)\n"
        "os.setsid()\n"
        "while time.monotonic() < until:\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
    )
    for more in ((), ("--unconfined",)):
        words = (sys.executable, "-c", text, "{output}", mark, "{input}/rows.jsonl")
        trainer.ok(*train(*words, more=more))
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_stops_us_stops_the_command(trainer, how) -> None:
    mark = f"{os.getpid()}.{50 + how}"
    arguments = shell(f"(setsid sleep {mark}) & echo has begun; sleep {mark}")
    process = subprocess.Popen(
        trainer.command(*arguments),
        cwd=trainer.folder,
        env=trainer.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while (line := process.stderr.readline()) and b"has begun" not in line:
        pass
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
