"""Staging, sealing, environment and metrics: what needs no model."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError, StorageError
from lyrikstore.objects.io.private_folder import sweep
from lyrikstore.train import environment
from lyrikstore.train.environment import (
    SOURCES,
    check_device,
    describe_code,
    describe_environment,
)
from lyrikstore.train.formats.adapter import FILES, FORMAT
from lyrikstore.train.formats.formats import FORMATS
from lyrikstore.train.seal import seal
from lyrikstore.train.worker import metrics
from lyrikstore.train.worker.process import clean_environment
from lyrikstore.train.worker.staging import open_staging
from tests.kinds import refused

BASE = Digest.of(b"base")
LORA = FORMATS[FORMAT]


def test_staging_is_private_and_gone_afterwards(tmp_path):
    with open_staging(tmp_path) as staging:
        assert staging.path.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "staging").stat().st_mode & 0o777 == 0o700
        assert sweep(tmp_path) == 0  # alive
        (staging.path / "file").write_bytes(b"x")
    assert not staging.path.exists()


def test_staging_behind_a_link_is_refused(tmp_path):
    victim = tmp_path / "victim"
    (victim / "work-of-years").mkdir(parents=True)
    victim.chmod(0o755)
    store = tmp_path / "store"
    store.mkdir()
    (store / "staging").symlink_to(victim)
    with pytest.raises(StorageError) as caught, open_staging(store):
        pass
    assert caught.value.kind == "linked-folder"
    with pytest.raises(StorageError):
        sweep(store)
    assert victim.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in victim.iterdir()] == ["work-of-years"]


def test_a_dead_process_folder_is_swept_but_not_a_link_out(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from lyrikstore.train.worker.staging import open_staging\n"
        "with open_staging(Path(sys.argv[1])) as s:\n"
        "    (s.path / 'secret').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert len(list((tmp_path / "staging").glob("work-*"))) == 1
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "staging" / "work-link").symlink_to(outside)
    assert sweep(tmp_path) == 1
    assert outside.is_dir()
    assert not list((tmp_path / "staging").glob("work-*/secret"))


def test_nothing_of_the_caller_leaks_into_the_worker(tmp_path):
    base = {
        "PATH": "/bin",
        "HF_TOKEN": "t",
        "WANDB_API_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "CLEARML_LOG_MODEL": "true",
        "PYTHONSTARTUP": "/evil",
        "LD_PRELOAD": "/evil.so",
        "HTTPS_PROXY": "http://proxy",
        "HOME": "/home/ada",
    }
    environment = clean_environment(tmp_path, base, 1)
    assert environment["PATH"] == "/bin"
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["HOME"].startswith(str(tmp_path))
    # The sources that a worker loads are those of this process.
    assert (Path(environment["PYTHONPATH"]) / "lyrikstore" / "context.py").is_file()
    for name in base.keys() - {"PATH", "HOME"}:
        assert name not in environment


def test_regressions_are_computed_in_one_thread(tmp_path):
    environment = clean_environment(tmp_path, {}, 4)
    threads = {name: environment[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")}
    assert threads == {"OMP": "4", "MKL": "4", "OPENBLAS": "1"}


def test_the_parent_loads_no_machine_learning_library():
    script = (
        "import sys\n"
        "from lyrikstore.train import train_run, evaluate_checkpoint, predict_file\n"
        "heavy = {'torch', 'transformers', 'peft', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "assert not heavy - {'numpy'}, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_environment_and_code_are_recorded():
    about = describe_environment(3)
    assert about["threads"] == 3
    assert {"torch", "transformers", "peft"} <= about["packages"].keys()
    assert describe_code() == describe_code()
    assert describe_code()["digest"].startswith("blake3:")


def test_what_is_missing_to_train_is_named(monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    with refused("extra-missing"):
        describe_environment(3)
    with refused("bad-device"):
        check_device("tpu", "text-classification")


DECIDE_NOTHING = (
    "lyrikstore.verify.evaluation.answers",  # the unit of scores in predictions
    *(  # how evaluations are judged
        f"lyrikstore.verify.evaluation.{name}"
        for name in ("evidence", "figures", "lines", "predictions", "recompute", "tasks")
    ),
    "lyrikstore.verify.evaluation.slices",  # which records are told apart in an evaluation
    "lyrikstore.verify.evaluation.words",  # names of models
    "lyrikstore.verify.rights.judge",
    "lyrikstore.verify.store.statements.segments",  # which points are kept to replay from
)


def test_what_trains_and_chooses_is_in_the_digest_of_the_code():
    """Sources that decide results moved out of the folder once, and no digest had them."""
    package = Path(environment.__file__).parents[1]
    covered = tuple(f"lyrikstore.{folder.replace('/', '.')}" for folder in SOURCES)
    trains = [package / "train" / "candidates.py", *(package / "train" / "worker").rglob("*.py")]
    for source in (*trains, *(package / SOURCES[1]).rglob("*.py")):
        named = re.findall(
            r"^ *from (lyrikstore\.verify\S*) import", source.read_text(), re.MULTILINE
        )
        assert [one for one in named if not one.startswith((*covered, *DECIDE_NOTHING))] == []


class Blobs:
    """Takes blobs as a transaction's writer does."""

    def __init__(self):
        self.stored = {}

    def put_bytes(self, data):
        digest = Digest.of(data)
        self.stored[digest] = data
        return digest

    put_data = put_bytes


def weights(data=b"\0" * 8):
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "work" / "out"
    folder.mkdir(parents=True)
    for name in FILES:
        if name.endswith(".json"):
            (folder / name).write_text('{"target_modules": ["b", "a"], "r": 1.0}')
        else:
            (folder / name).write_bytes(weights())
    return folder


def test_sealing_gives_one_tree_whatever_order_and_place(output):
    blobs = Blobs()
    sealed = seal(output, blobs, LORA, base=BASE, private=output.parent)
    config = blobs.stored[sealed.tree.by_path["adapter_config.json"].blake3]
    assert json.loads(config) == {
        "base_model_name_or_path": str(BASE),
        "r": 1,
        "target_modules": ["a", "b"],
    }
    (output / "adapter_config.json").write_text('{ "r": 1, "target_modules": ["a", "b"] }')
    assert seal(output, Blobs(), LORA, base=BASE, private=output.parent).tree_id == sealed.tree_id
    assert blobs.stored[sealed.sums].count(b"\n") == len(FILES)
    assert Digest.of(blobs.stored[sealed.tree_id]) == sealed.tree_id


def _extra(folder):
    (folder / "training_args.bin").write_bytes(b"\x80\x04.")


def _missing(folder):
    (folder / "classifier.json").unlink()


def _pickle(folder):
    (folder / "adapter_model.safetensors").write_bytes(b"\x80\x04" + b"x" * 100)


def _trailing(folder):
    (folder / "adapter_model.safetensors").write_bytes(weights() + b"x")


def _link(folder):
    (folder / "classifier.json").unlink()
    (folder / "classifier.json").symlink_to("/etc/hostname")


def _fifo(folder):
    (folder / "classifier.json").unlink()
    os.mkfifo(folder / "classifier.json")


def _private(folder):
    (folder / "classifier.json").write_text(json.dumps({"from": str(folder)}))


def _not_json(folder):
    (folder / "classifier.json").write_text("{'a': 1}")


def _key(folder):
    key = {"kty": "OKP", "crv": "Ed25519", "d": "a" * 43}
    (folder / "classifier.json").write_text(json.dumps({"deep": [key]}))


@pytest.mark.parametrize(
    "spoil", [_extra, _missing, _pickle, _trailing, _fifo, _private, _not_json, _key]
)
def test_sealing_refuses(output, spoil):
    spoil(output)
    with pytest.raises(RunFailedError) as caught:
        seal(output, Blobs(), LORA, base=BASE, private=output.parent)
    assert caught.value.kind == ("secret-found" if spoil is _key else "bad-output")


def test_sealing_follows_no_link(output):
    _link(output)
    with pytest.raises(OSError, match="classifier"):
        seal(output, Blobs(), LORA, base=BASE, private=output.parent)


def test_latency_is_nearest_rank():
    assert metrics.latency([float(n) for n in range(1, 101)]) == {
        "p50": "50.00",
        "p95": "95.00",
        "n": 100,
    }
    assert metrics.decimal(-0.00001) == "0.0000"


def test_no_source_reads_the_environment_or_unpickles():
    folder = Path(metrics.__file__).parent
    for path in folder.rglob("*.py"):
        text = path.read_text("utf-8")
        # Not that of a program which is written into a folder, where it is a text.
        used = {getattr(one, "attr", getattr(one, "id", "")) for one in ast.walk(ast.parse(text))}
        assert not used & {"environ", "environb", "getenv"}, path
        assert "torch.load(" not in text, path
        assert "import pickle" not in text, path
        assert len(text.splitlines()) <= 400, path
