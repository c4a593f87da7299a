"""The commands that train, measure, answer and describe, to be treated as badly as the others.

The model has one layer and a vocabulary of some hundred words: what is tried is the way from the
data to a signed checkpoint, not what is learned. Training, evaluating and predicting happen in a
process of their own, which the faults reach as they reach the command.
"""

import contextlib
import json
import shutil
import struct
import time
from pathlib import Path
from typing import Any

from tests.faults.robust.outcome import Finding
from tests.faults.robust.signing import WORKS
from tests.faults.robust.subject import Answer, Subject, contents
from tests.faults.robust.work import Work

BASE, MODEL, RESULT = "checkpoints/acme/base", "checkpoints/acme/small", "evaluations/acme/small"
EPOCHS = 2
KINDS = ("warranty", "payment")
SIZES = {"train": 12, "validation": 6, "test": 6}
CONFIG = f"""purpose = "train"
name = "{MODEL}"
[data]
train = "acme/train"
validation = "acme/validation"
test = "acme/test"
label = "kind"
[model]
base = "{BASE}"
max_tokens = 16
[lora]
rank = 2
alpha = 2
targets = ["query", "value"]
[training]
epochs = {EPOCHS}
keep = "every-epoch"
batch_size = 4
threads = 1
"""
WORDS = [f"word{number}" for number in range(100)]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WIDTH, LONGEST = 8, 32
LINGER = 20.0
"""Seconds that a worker may outlive its command."""


def write_base(folder: Path) -> None:
    """Write a small BERT encoder: weights that are a pattern, a tokenizer of whole words."""
    folder.mkdir()
    tokens = [*SPECIAL, *KINDS, *WORDS]
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "max_position_embeddings": LONGEST,
        "type_vocab_size": 2,
        "vocab_size": len(tokens),
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    numbers = {token: number for number, token in enumerate(tokens)}
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(numbers)))
    (folder / "model.safetensors").write_bytes(_weights(len(tokens)))


def _tokenizer(numbers: dict[str, int]) -> dict[str, Any]:
    added = [
        {
            "id": numbers[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in SPECIAL
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "BertProcessing",
            "sep": ["[SEP]", numbers["[SEP]"]],
            "cls": ["[CLS]", numbers["[CLS]"]],
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": "[UNK]"},
    }


def _weights(words: int) -> bytes:
    layer = "encoder.layer.0"
    square, line = [WIDTH, WIDTH], [WIDTH]
    shapes: dict[str, list[int]] = {
        "embeddings.word_embeddings.weight": [words, WIDTH],
        "embeddings.position_embeddings.weight": [LONGEST, WIDTH],
        "embeddings.token_type_embeddings.weight": [2, WIDTH],
    }
    for name in (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ):
        shapes |= {f"{layer}.{name}.weight": square, f"{layer}.{name}.bias": line}
    for name in ("embeddings", f"{layer}.attention.output", f"{layer}.output"):
        shapes |= {f"{name}.LayerNorm.{part}": line for part in ("weight", "bias")}
    shapes |= {"pooler.dense.weight": square, "pooler.dense.bias": line}
    header, data = {}, b""
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [(7 * n % 13 - 6) / 20 for n in range(count)]
        if name.endswith("LayerNorm.weight"):
            values = [1.0] * count
        start, data = len(data), data + struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def _write_part(folder: Path, part: str) -> None:
    folder.mkdir()
    rows = ["path,kind"]
    for number in range(SIZES[part]):
        kind = KINDS[number % 2]
        words = [WORDS[(number * 17 + 5 * n + len(part)) % len(WORDS)] for n in range(8)]
        (folder / f"{number:02d}.txt").write_text(f"{kind} {' '.join(words)}\n")
        rows.append(f"{number:02d}.txt,{kind}")
    folder.with_suffix(".csv").write_text("\n".join(rows) + "\n")


def _supply(subject: Subject) -> None:
    """Commit a base model and three parts of data, with the right to train on them."""
    write_base(subject.work / "base")
    subject.acknowledge(subject.must("commit", "base", "-d", BASE, "--json"), subject.work / "base")
    for part in SIZES:
        _write_part(subject.work / part, part)
        name = f"acme/{part}"
        sheet = f"{part}.csv"
        answer = subject.must("commit", part, "-d", name, "--metadata", sheet, "--json")
        subject.acknowledge(answer, subject.work / part)
        subject.must("issue", name, "-o", f"given-{part}", "--permit", "train,evaluate")
    (subject.work / "train.toml").write_text(CONFIG)


def _model(subject: Subject) -> None:
    _supply(subject)
    subject.must("train", "train.toml")


def _measured(subject: Subject) -> None:
    _model(subject)
    subject.must("evaluate", MODEL, "--on", "acme/test")


def _versions(subject: Subject, name: str) -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = (subject.ask("log", name, "--json").json or {}).get(
        "versions", []
    )
    return versions


def _all_or_none(subject: Subject) -> list[Finding]:
    """Return what is wrong with the checkpoints that are there: those of a run come together."""
    made = _versions(subject, MODEL)
    if not made:
        return []
    if len(made) % EPOCHS:
        return [Finding("undetected", f"{len(made)} checkpoints of runs that make {EPOCHS}")]
    return _holds(subject, MODEL)


def _holds(subject: Subject, name: str) -> list[Finding]:
    verdict = subject.ask("verify", name, "--json")
    if verdict.code == 0:
        return verdict.manners()
    return [Finding("undetected", f"{name}: verify exits {verdict.code}: {verdict.out[-600:]}")]


def _trained(subject: Subject, _answer: Answer) -> list[Finding]:
    """Judge a run that said it is done: its checkpoints are there, whole, and linked to it."""
    made = [
        version["id"] for version in _versions(subject, MODEL) if version["id"] not in subject.truth
    ]
    if not made or len(made) % EPOCHS:  # more of them: the run before died after its last word
        return [Finding("lost", f"a run was done, and {len(made)} checkpoints came of it")]
    findings = _holds(subject, MODEL)
    for identity in made:
        target = subject.base / "made"
        findings += subject.ask("checkout", identity, target).manners(may_fail=False)
        subject.truth[identity] = contents(target)  # hashed by checkout; to be found again later
        shutil.rmtree(target, ignore_errors=True)
    return findings + _nothing_lies_about(subject)


def _nothing_lies_about(subject: Subject) -> list[Finding]:
    # Of the command that was killed, too: whoever works next removes it.
    # `predict`, which may read a store that it cannot write, works in the cache.
    places = (subject.store, *subject.home.glob(".cache/lyrikstore/*"))
    left = [path.name for place in places for path in (place / "staging").glob("work-*")]
    return [Finding("other", f"left behind: {left}")] if left else []


def _evaluated(subject: Subject, _answer: Answer) -> list[Finding]:
    if not _versions(subject, RESULT):
        return [Finding("lost", "it was evaluated, and there is no evaluation")]
    return _holds(subject, RESULT) + _nothing_lies_about(subject)


def _answered(subject: Subject) -> None:
    _model(subject)
    answer = subject.must(*PREDICT)
    (subject.work / "answer.json").write_text(json.dumps(answer.json["predictions"]))


def _predicted(subject: Subject, answer: Answer) -> list[Finding]:
    predictions = (answer.json or {}).get("predictions")
    if predictions != json.loads((subject.work / "answer.json").read_text("utf-8")):
        return [Finding("undetected", f"predict said {predictions} with exit 0")]
    return _nothing_lies_about(subject)


def _no_card(subject: Subject) -> None:
    (subject.work / "CARD.md").unlink(missing_ok=True)


def _described(subject: Subject, _answer: Answer) -> list[Finding]:
    verdict = subject.ask("verify", "CARD.md", "--json")
    if verdict.code == 0:
        return verdict.manners()
    return [Finding("undetected", f"the card: exit {verdict.code}: {verdict.out[-600:]}")]


def _worker_ends(subject: Subject) -> list[Finding]:
    # It loads libraries for some seconds, in which it notices nothing.
    give_up = time.monotonic() + LINGER
    while at_work := _workers(subject):
        if time.monotonic() > give_up:
            return [Finding("hang", f"worker {at_work} outlived its command by {LINGER:g} s")]
        time.sleep(0.02)
    return []


def _workers(subject: Subject) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if place.readlink().is_relative_to(subject.store / "staging"):
                found.append(place.parent.name)
    return found


def _after_a_kill(subject: Subject) -> list[Finding]:
    return _worker_ends(subject) + _all_or_none(subject)


PREDICT = ("predict", MODEL, "test/00.txt", "--json")
_WORKS = (
    Work(
        "train",
        lambda _: ["train", "train.toml"],
        prepare=_supply,
        check_result=_trained,
        beside=_after_a_kill,
        slow=True,
    ),
    Work(
        "evaluate",
        lambda _: ["evaluate", MODEL, "--on", "acme/test"],
        prepare=_model,
        check_result=_evaluated,
        beside=_worker_ends,
        slow=True,
    ),
    Work(
        "predict",
        lambda _: [*PREDICT],
        prepare=_answered,
        check_result=_predicted,
        beside=_worker_ends,
        slow=True,
    ),
    Work(
        "card",
        lambda _: ["card", MODEL, "-o", "CARD.md"],
        prepare=_measured,
        before=_no_card,
        check_result=_described,
    ),
)
MODELS = {work.name: work for work in _WORKS}
"""The commands under test that have to do with a model, by name."""
ALL = WORKS | MODELS
"""All commands under test."""
