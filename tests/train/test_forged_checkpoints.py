"""Checkpoints that somebody else signed, of every format: refused before a number is believed."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.predict.predict import predict_file
from tests.contexts import context_of
from tests.faults.robust.models import write_base

pytestmark = pytest.mark.train
BASE = "checkpoints/acme/pattern"
CANDIDATES = {"tfidf": "tfidf/2", "embeddings": "embeddings/1", "full": "encoder/1"}
Files = dict[str, bytes]


class Forger:
    """Signs checkpoints with files and bodies of one's own."""

    def __init__(self, workshop: Any, made: Mapping[str, Any]) -> None:
        self.workshop, self.made = workshop, dict(made)
        self.files = {form: self.read(form) for form in made}
        words, other = self.files["tfidf/2"], self.files["embeddings/1"]
        about = {
            "format": "blend/1",
            "labels": made["tfidf/2"].body["labels"],
            "members": ["tfidf/2", "embeddings/1"],
            "task": "text-classification",
            "temperatures": ["1.000", "1.000"],
            "weight": "0.5",
        }
        self.files["blend/1"] = {
            "blend.json": encode(about),
            **{f"words/{name}": data for name, data in words.items()},
            **{f"other/{name}": data for name, data in other.items()},
        }
        self.made["blend/1"] = made["embeddings/1"]

    def read(self, form: str) -> Files:
        repo, manifest = self.workshop.repo, self.made[form]
        return {
            entry.path: repo.blobs.read(entry.blake3, max_bytes=1 << 24)
            for entry in repo.tree(manifest).entries
        }

    def sign(
        self, form: str, files: Files, *, inputs: Any = None, body: Mapping[str, Any] | None = None
    ) -> str:
        """Log a checkpoint of that format; return its name."""
        repo, old = self.workshop.repo, self.made[form]
        name = "checkpoints/acme/forged"
        with open_transaction(repo) as tx:
            tree = Tree.of(
                TreeEntry(path, len(data), tx.writer.put_bytes(data))
                for path, data in files.items()
            )
            tx.writer.put_bytes(tree.encode())
            tx.log_manifest(
                sign_manifest(
                    kind="checkpoint",
                    store=repo.store_id,
                    name=name,
                    parents=[repo.refs[name].id] if name in repo.refs else [],
                    inputs=old.inputs if inputs is None else inputs,
                    attachments=old.attachments,
                    tree=tree.id,
                    files=tree.files_id,
                    body={**old.body, "format": form, **(body or {})},
                    signer=signer_for("train owner"),
                    created=now(),
                )
            )
            tx.commit()
        return name

    def predict(self, name: str, folder: Any) -> Any:
        text = folder / "licence.txt"
        text.write_text("Permission is hereby granted")
        try:
            context = context_of(self.workshop.repo, cache_dir=folder / "cache")
            return predict_file(context, name, text)
        finally:
            assert not list((folder / "cache").rglob("work-*"))

    def refused(self, name: str, folder: Any, *, evaluated: bool = True) -> LyrikstoreError:
        """Return how who asks is refused, and who evaluates; nothing is logged."""
        with pytest.raises(LyrikstoreError) as caught:
            self.predict(name, folder)
        assert caught.value.hint
        assert "\n" not in caught.value.message
        assert "Traceback" not in caught.value.message
        if not evaluated:  # the same way takes long where a worker refuses
            return caught.value
        before = len(self.workshop.repo.entries())
        with pytest.raises(LyrikstoreError) as again:
            self.workshop.evaluate(name, "acme/tiny.test")
        assert again.value.kind == caught.value.kind
        self.workshop.repo.refresh()
        assert len(self.workshop.repo.entries()) == before
        assert self.workshop.leftovers == []
        return caught.value


@pytest.fixture(scope="module")
def forger(workshop, tmp_path_factory) -> Forger:
    folder = tmp_path_factory.mktemp("pattern") / "base"
    write_base(folder)
    files = [(one.name, one.read_bytes(), {}) for one in sorted(folder.iterdir())]
    workshop.put("checkpoint", BASE, files, origin="imported", format="transformers/1")
    made = {}
    for candidate, form in CANDIDATES.items():
        config = (
            workshop.tiny.replace("checkpoints/acme/minilm", BASE)
            .replace('["lora"]', f'["{candidate}"]')
            .replace("acme/tiny", f"acme/{candidate}", 1)
            .replace('keep = "every-epoch"\n', "")
        )
        made[form] = workshop.train(config).checkpoint
    return Forger(workshop, made)


FORMS = [*CANDIDATES.values(), "blend/1"]


def weights_of(files: Files) -> str:
    return max(name for name in files if name.endswith(".safetensors"))


@pytest.mark.parametrize(
    "form",
    [
        "tfidf/2",
        "blend/1",
        *(pytest.param(f"{one}/1", marks=pytest.mark.ci) for one in ("embeddings", "encoder")),
    ],
)
def test_every_format_answers_as_it_was_made(forger, form, tmp_path) -> None:
    assert forger.predict(forger.sign(form, forger.files[form]), tmp_path).candidates


@pytest.mark.parametrize("form", FORMS)
def test_a_file_more_or_less_is_another_format(forger, form, tmp_path) -> None:
    files = forger.files[form]
    for changed in (
        {**files, "more.json": b"{}"},
        {**files, "model.pkl": b"\x80\x04."},
        *({name: files[name] for name in files if name != gone} for gone in files),
    ):
        assert forger.refused(forger.sign(form, changed), tmp_path).kind == "bad-checkpoint"


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_junk_is_refused(forger, form, tmp_path) -> None:
    files = forger.files[form]
    for name in files:
        for junk in (b"", b"\x80\x04.", b"{" * 2000):
            kind = forger.refused(forger.sign(form, {**files, name: junk}), tmp_path).kind
            assert kind == ("unsafe-model" if name.endswith("tensors") else "bad-checkpoint")


@pytest.mark.parametrize(("form", "other"), [*zip(FORMS, [*FORMS[1:], FORMS[0]], strict=True)])
def test_settings_of_another_checkpoint_are_refused(forger, form, other, tmp_path) -> None:
    # Weights of the same shape are another model, which its signer answers for.
    files, theirs = forger.files[form], forger.files[other]
    last = {name.rpartition("/")[2]: data for name, data in theirs.items()}
    for name, data in files.items():
        swapped = last.get(name.rpartition("/")[2], data)
        if name.endswith(".json") and swapped != data:
            forged = forger.sign(form, {**files, name: swapped})
            assert forger.refused(forged, tmp_path).kind == "bad-checkpoint"


@pytest.mark.parametrize("form", FORMS)
def test_a_decision_out_of_range_is_refused(forger, form, tmp_path) -> None:
    for decision in ({"temperature": "0"}, {"temperature": "-1"}, {"abstainBelow": "2"}):
        name = forger.sign(form, forger.files[form], body={"decision": decision})
        assert forger.refused(name, tmp_path).kind == "bad-checkpoint"


@pytest.mark.parametrize("form", ["embeddings/1", "encoder/1", "blend/1"])
def test_a_checkpoint_without_its_base_is_refused(forger, form, tmp_path) -> None:
    old = forger.made[form]
    inputs = [one for one in old.inputs if one.role != "base"]
    name = forger.sign(form, forger.files[form], inputs=inputs)
    assert forger.refused(name, tmp_path).kind == "bad-checkpoint"


def test_a_vocabulary_is_what_its_weights_are_of(forger, tmp_path) -> None:
    files = forger.files["tfidf/2"]
    terms = parse(files["vocabulary.json"], max_bytes=1 << 24)
    for changed in (terms[:-1], [*terms, "more"], [*terms[:-1], terms[0]]):
        name = forger.sign("tfidf/2", {**files, "vocabulary.json": encode(changed)})
        assert forger.refused(name, tmp_path).kind == "bad-checkpoint"


LOADED = [
    pytest.param(form, marks=pytest.mark.ci) for form in ("embeddings/1", "encoder/1", "blend/1")
]
"""Those whose weights a worker refuses, which takes a while."""


@pytest.mark.parametrize("form", ["tfidf/2", *LOADED])
@pytest.mark.parametrize("value", [np.nan, pytest.param(np.inf, marks=pytest.mark.ci)])
def test_weights_that_are_no_numbers_are_refused(forger, form, value, tmp_path) -> None:
    files = forger.files[form]
    name = weights_of(files)
    tensors = {one: np.array(some) for one, some in load(files[name]).items()}
    first = min(tensors)
    tensors[first].flat[0] = value
    forged = forger.sign(form, {**files, name: save(tensors)})
    short = form == "tfidf/2"
    assert forger.refused(forged, tmp_path, evaluated=short).kind == "bad-checkpoint"


@pytest.mark.parametrize("form", ["tfidf/2", *LOADED])
def test_weights_of_another_shape_are_refused(forger, form, tmp_path) -> None:
    files = forger.files[form]
    name = weights_of(files)
    tensors = {one: np.array(some) for one, some in load(files[name]).items()}
    first = min(tensors)
    for changed in (
        {**tensors, first: tensors[first][:-1]},
        {one: some for one, some in tensors.items() if one != first},
        {**tensors, "more": tensors[first]},
    ):
        forged = forger.sign(form, {**files, name: save(changed)})
        assert forger.refused(forged, tmp_path).kind == "bad-checkpoint"


def test_weights_that_only_say_they_are_large_are_refused(forger, tmp_path) -> None:
    files = forger.files["embeddings/1"]
    head = encode({"weight": {"dtype": "F64", "shape": [1 << 40], "data_offsets": [0, 1 << 43]}})
    data = struct.pack("<Q", len(head)) + head
    name = forger.sign("embeddings/1", {**files, "classifier.safetensors": data})
    assert forger.refused(name, tmp_path).kind == "unsafe-model"
