"""``train`` on base models that do not fit, with too little memory, or on a disk that fills up."""

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_runs import (
    BASE,
    ENCODERS,
    WORDS,
    configure,
    entries,
    leftovers,
    parts,
    refused,
    supply,
    supply_base,
)
from tests.conftest import Person

pytestmark = pytest.mark.train
MIB = 1 << 20


def someone(root: Path) -> Person:
    person = Person(root / "home", root / "work")
    person.home.mkdir(parents=True)
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("commit", supply_base(person), "-d", BASE)
    supply(person, "small", parts())
    return person


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return somebody with a store, a small encoder and data."""
    return someone(tmp_path_factory.mktemp("owner"))


def other_settings(**settings: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        found = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(found | settings))

    return change


def tokens_beyond(folder: Path) -> None:
    found = json.loads((folder / "tokenizer.json").read_text())
    words: dict[str, int] = found["model"]["vocab"]
    found["model"]["vocab"] = {one: n + 1000 * (one in WORDS) for one, n in words.items()}
    (folder / "tokenizer.json").write_text(json.dumps(found))


def numbers(value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "model.safetensors"
        data = bytearray(path.read_bytes())
        start = 8 + int.from_bytes(data[:8], "little")
        count = (len(data) - start) // 4
        data[start:] = struct.pack(f"<{count}f", *[value] * count)
        path.write_bytes(data)

    return change


def slow(*values: object) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("change", "candidate", "said"),
    [
        (tokens_beyond, "embeddings", "token 1"),
        slow(tokens_beyond, "lora", "token 1"),
        slow(tokens_beyond, "full", "token 1"),
        (numbers(float("nan")), "lora", "NaN"),
        slow(numbers(float("inf")), "full", "infinity"),
        slow(numbers(3e38), "embeddings", "infinity"),
        slow(other_settings(hidden_size=16, intermediate_size=16), "embeddings", "do not fit"),
        slow(other_settings(vocab_size=50), "lora", "do not fit"),
    ],
)
def test_a_base_that_does_not_fit_is_a_bad_model(owner, change, candidate, said) -> None:
    name = f"base{sum(one.startswith('checkpoints/') for one in entries(owner))}"
    folder = supply_base(owner, name)
    change(folder)
    owner.ok("commit", folder, "-d", f"checkpoints/acme/{name}")
    config = configure(owner, "small", base=f"checkpoints/acme/{name}", candidates=[candidate])
    result = refused(owner, 16, "train", config, announced=True)
    assert result.kind == "bad-model"
    assert said in result.error["message"]


def test_a_tokenizer_beyond_a_limit_is_refused_before_anything_is_logged(owner) -> None:
    """ATTACK A100: it fills every text up to a thousand million tokens."""
    folder = supply_base(owner, "hostile")
    found = json.loads((folder / "tokenizer.json").read_text())
    found["padding"] = {"strategy": {"Fixed": 10**9}, "direction": "Right", "pad_token": "[PAD]"}
    (folder / "tokenizer.json").write_text(json.dumps(found))
    owner.ok("commit", folder, "-d", "checkpoints/acme/hostile")
    config = configure(owner, "small", base="checkpoints/acme/hostile", candidates=["embeddings"])
    assert refused(owner, 14, "train", config).kind == "unsafe-model"


def test_more_tokens_than_a_base_reads_are_refused_before_anything_is_logged(owner) -> None:
    config = configure(owner, "small", base=BASE)
    path = owner.folder / config
    path.write_text(path.read_text().replace("max_tokens = 16", "max_tokens = 64"))
    for command in ("plan", "train"):
        assert refused(owner, 16, command, config).kind == "bad-config"


@pytest.mark.parametrize("candidate", ["tfidf", *ENCODERS])
def test_a_budget_of_memory_that_does_not_suffice_is_refused(owner, candidate) -> None:
    budget = "[budget]\nmemory_gb = 0.01\n"
    base = "linear" if candidate == "tfidf" else BASE
    config = configure(owner, "small", base=base, candidates=[candidate], more=budget)
    for command in ("plan", "train"):
        assert refused(owner, 14, command, config).kind == "over-budget"


class Limited(Person):
    """Somebody whose commands, and what they start, get so much of something."""

    limit = ("--as=max",)

    def command(self, *arguments: object) -> list[str]:
        return ["prlimit", *self.limit, *super().command(*arguments)]


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="NOT RUN, install util-linux")
@pytest.mark.parametrize(
    ("candidate", "mib"),
    [("tfidf", 400), slow("embeddings", 800), slow("lora", 500), slow("full", 500)],
)
def test_a_worker_without_memory_says_so(owner, candidate, mib) -> None:
    person = Limited(owner.home, owner.folder)
    person.limit = (f"--as={mib * MIB}",)
    base = "linear" if candidate == "tfidf" else BASE
    config = configure(owner, "small", base=base, candidates=[candidate])
    result = refused(person, 18, "train", config, announced=True)
    assert result.kind == "out-of-memory"


DIVERGES = "learning_rate = 1\nfull_learning_rate = 1\nhead_learning_rate = 1\n"


@pytest.mark.slow
@pytest.mark.parametrize("candidate", ["lora", "full"])
def test_a_rate_that_is_far_too_great_gives_a_model_or_says_so(owner, candidate) -> None:
    config = configure(
        owner, "small", base=BASE, candidates=[candidate], training=f"{DIVERGES}warmup = 0"
    )
    path = owner.folder / config
    path.write_text(path.read_text().replace("epochs = 1", "epochs = 20"))
    result = owner.run("train", config, "--json")
    assert result.code in {0, 18}
    if result.code:
        assert (result.kind, "learning_rate" in result.error["hint"]) == ("diverged", True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system in memory that can be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("NOT RUN, only root can mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def leave(disk: Path, kib: int) -> None:
    """Leave so much of a file system free."""
    state = os.statvfs(disk)
    used = (state.f_blocks - state.f_bfree) * state.f_bsize
    size = used + (kib << 10) if kib else 256 << 20
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="NOT RUN, only root can mount")
@pytest.mark.parametrize("candidate", ["tfidf", slow("lora")])
def test_a_disk_that_fills_up_leaves_at_most_an_announcement(disk, candidate) -> None:
    person = someone(disk / "someone")
    base = "linear" if candidate == "tfidf" else BASE
    config = configure(person, "small", base=base, candidates=[candidate])
    ends = set()
    for kib in range(4, 400, 12 if candidate == "tfidf" else 24):
        before = len(entries(person))
        leave(disk, kib)
        result = person.run("train", config, "--json")
        leave(disk, 0)
        assert leftovers(person) == []
        after = entries(person)[before:]
        if result.code == 0:
            break
        assert (result.code, result.kind) == (1, "disk-full"), result.err
        assert result.error["hint"]
        # Also that of the attempt before, if its disk was full between its log and its signature.
        # So is a checkpoint whose log was full, but for the file that is written after it.
        kinds = {"runs", "checkpoints"} if " signed/" in result.error["message"] else {"runs"}
        assert {one.partition("/")[0] for one in after} <= kinds
        ends.add((bool(after), result.error["message"].partition(":")[0]))
        assert person.ok("verify", "acme/small.train", "--json").json["verdict"] != "invalid"
    assert result.code == 0, ends
    assert {announced for announced, _ in ends} == {False, True}, ends
