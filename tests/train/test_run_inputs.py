"""Texts, labels, base models and configs that no run can learn from: refused, with the reason."""

import json
import tracemalloc

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.train.snapshot import MAX_TEXT_BYTES, CopiedFields, copy_datasets
from lyrikstore.train.worker.staging import open_staging
from tests.train.stored import size

pytestmark = [pytest.mark.train]


def copy(workshop, manifest, staging, label) -> None:
    fields = CopiedFields(label)
    copy_datasets(workshop.repo, [manifest], fields=fields, staging=staging, name="x.jsonl")


def test_a_text_that_is_too_long_is_refused_before_it_is_read(workshop, tmp_path):
    long = b" " * (MAX_TEXT_BYTES + 1)
    manifest = workshop.put_dataset("datasets/acme/long", [("a.txt", long, {"family": "mit"})])
    del long
    tracemalloc.start()
    try:
        with (
            open_staging(tmp_path) as staging,
            pytest.raises(InvalidInputError, match=r"a\.txt: longer than") as caught,
        ):
            copy(workshop, manifest, staging, "family")
        assert caught.value.kind == "too-large"
        assert tracemalloc.get_traced_memory()[1] < MAX_TEXT_BYTES // 4
    finally:
        tracemalloc.stop()


def test_a_misspelt_label_column_is_met_with_the_near_one(workshop, tmp_path):
    manifest = workshop.put(
        "dataset",
        "datasets/acme/labelled",
        [("a.txt", b"text", {"family": "mit"})],
        reader="document/1",
        records=1,
        bytes=4,
        fileCount=1,
        origin="committed",
        descriptor={},
        metadata={
            "columns": ["family", "package"],
            "key": "path",
            "sheetDigest": "blake3:" + "0" * 64,
            "orphanRows": 0,
            "orphanFiles": 0,
        },
    )
    with (
        open_staging(tmp_path) as staging,
        pytest.raises(InvalidInputError, match="'famly'") as caught,
    ):
        copy(workshop, manifest, staging, "famly")
    assert caught.value.kind == "label-missing"
    assert "'family'" in caught.value.hint


@pytest.mark.parametrize("label", ["{}", "{}" + "x" * 200])
def test_more_labels_than_an_evaluation_holds_are_refused_before_the_run(workshop, label):
    count = 1001 if label == "{}" else 400
    files = [
        (f"{number:04}.txt", b"text", {"family": label.format(number)}) for number in range(count)
    ]
    workshop.permit(workshop.put_dataset("datasets/acme/many", files), "train")
    before = size(workshop)
    with pytest.raises(InvalidInputError, match=f"{count:,} different values") as caught:
        workshop.train(workshop.tiny.replace("acme/tiny.train", "acme/many"))
    assert caught.value.kind == "too-many-labels"
    assert size(workshop) == before


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("pickle", {"pytorch_model.bin": b"\x80\x04."}, "unsafe-model"),
        ("disguised", {"model.safetensors": b"\x80\x04." + b"x" * 99}, "unsafe-model"),
        ("code", {"modeling.py": b"import os"}, "unsafe-model"),
        (
            "remote",
            {"config.json": b'{"architectures":["BertModel"],"auto_map":{}}'},
            "unknown-model",
        ),
        ("partial", {"tokenizer.json": None}, "unknown-model"),
    ],
)
def test_unsafe_bases_are_refused_before_anything_is_logged(workshop, name, changes, kind):
    workshop.put_base(f"checkpoints/acme/{name}", changes)
    before = size(workshop)
    with pytest.raises(PolicyError) as caught:
        workshop.train(workshop.tiny.replace("acme/minilm", f"acme/{name}"))
    assert caught.value.kind == kind
    assert size(workshop) == before
    assert not workshop.leftovers


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (('label = "family"', 'label = "nothing"'), "label-missing"),
        (("acme/tiny.validation", "acme/tiny.train"), "same-data"),
        (('targets = ["query", "value"]', 'targets = ["lm_head"]'), "bad-config"),
        (("max_tokens = 16", "max_tokens = 1024"), "bad-config"),
        (('label = "family"', 'label = "package"'), "label-unknown"),
        (("checkpoints/acme/minilm", "datasets/acme/tiny.train"), "not-a-model"),
    ],
)
def test_inputs_that_cannot_be_trained_on(workshop, change, kind):
    text = workshop.tiny.replace(*change)
    assert text != workshop.tiny
    before = size(workshop)
    with pytest.raises(LyrikstoreError) as caught:
        workshop.train(text)
    assert caught.value.kind == kind
    assert isinstance(caught.value, (InvalidInputError, FormatError))
    assert size(workshop) == before


@pytest.mark.ci
def test_weights_of_another_shape_fail_the_run_and_leave_only_its_announcement(workshop):
    config = json.loads((workshop.model / "config.json").read_bytes())
    config["num_hidden_layers"] = 7
    workshop.put_base("checkpoints/acme/seven", {"config.json": json.dumps(config).encode()})
    before = size(workshop)
    with pytest.raises(InvalidInputError) as caught:
        workshop.train(
            workshop.tiny.replace("acme/minilm", "acme/seven").replace('acme/tiny"', 'acme/n"')
        )
    assert caught.value.kind == "bad-model"
    assert "the base model cannot be loaded: ValueError: its weights lack" in caught.value.message
    assert "commit a complete copy" in caught.value.hint
    assert "\n" not in caught.value.message
    assert size(workshop) == before + 2  # the run and its transaction
    assert "checkpoints/acme/n" not in workshop.repo.refs
    assert not workshop.leftovers


@pytest.mark.ci
def test_a_tokenizer_that_builds_nothing_is_the_models_fault(workshop):
    workshop.put_base("checkpoints/acme/mute", {"tokenizer.json": b'{"model":{"type":"None"}}'})
    with pytest.raises(PolicyError) as caught:
        workshop.train(
            workshop.tiny.replace("acme/minilm", "acme/mute").replace('acme/tiny"', 'acme/m"')
        )
    assert caught.value.kind == "unsafe-model"
    assert not workshop.leftovers
