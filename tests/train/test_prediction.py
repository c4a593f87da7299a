"""Answers of a sealed model: one text, what has no text, and a model that was forged."""

import os

import pytest

from lyrikstore.canon.errors import (
    EmptyResultError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.canon.json import encode
from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.predict.predict import predict_file
from tests.contexts import context_of

pytestmark = [pytest.mark.train]


def test_prediction(workshop, trained, tmp_path):
    path = tmp_path / "licence.txt"
    path.write_text("Permission is hereby granted, free of charge, to any person. " * 20)
    store, cache = workshop.repo.root, tmp_path / "cache" / "of-a-store"

    def state():  # a store may lie where nothing can be written
        return {(one, one.stat().st_mtime_ns) for one in (store, *store.rglob("*"))}

    before = state()
    context = context_of(workshop.repo, cache_dir=cache)
    found = predict_file(context, "checkpoints/acme/family", path)
    assert state() == before
    assert not list(cache.rglob("work-*"))
    assert {label for label, _ in found.candidates} == {"apache", "bsd", "mit"}
    assert abs(sum(score for _, score in found.candidates) - 10**6) < 10
    assert found.confidence == found.candidates[0][1]
    assert found.abstained or found.answer == (found.candidates[0][0],)
    assert found.cut_off
    assert found.tokens == 32


@pytest.mark.parametrize(
    ("name", "data", "error", "kind"),
    [
        ("a.txt", b"", InvalidInputError, "no-text"),
        ("a.txt", b"\x00\xfe\x81\x00\x8d", InvalidInputError, "undecodable"),
        ("a.pdf", b"%PDF-1.7", InvalidInputError, "broken"),
        ("a", b"%PDF-1.7", InvalidInputError, "broken"),
        ("a.rtf", b"{\\rtf1}", InvalidInputError, "old-office"),
        ("a.csv", b"text,label\n", EmptyResultError, "no-records"),
        ("a.csv", b"words\nfree of charge\n", InvalidInputError, "text-missing"),
        ("a.csv", b"text\none\ntwo\n", InvalidInputError, "too-many"),
        ("a.jsonl", b'{"text": "one"\n', InvalidInputError, "bad-record"),
        ("a.jsonl.gz", b"no gzip", InvalidInputError, "bad-record"),
        ("a.parquet", b"PAR1", InvalidInputError, "bad-record"),
        (None, None, NotFoundError, "no-file"),
        ("folder/", None, EmptyResultError, "no-records"),
        ("fifo|", None, InvalidInputError, "not-a-file"),
    ],
)
def test_prediction_refuses(workshop, trained, tmp_path, name, data, error, kind):
    path = tmp_path / (name or "absent").rstrip("/|")
    if data is not None:
        path.write_bytes(data)
    elif name == "folder/":
        path.mkdir()
    elif name == "fifo|":
        os.mkfifo(path)
    with pytest.raises(error) as caught:
        predict_file(context_of(workshop.repo), "checkpoints/acme/family", path)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("path", "changes", "error", "kind"),
    [
        (
            "adapter_config.json",
            {"target_modules": r"(([a-z]+)+\.?)+Q"},
            FormatError,
            "bad-checkpoint",
        ),
        ("adapter_config.json", {"r": 10**12}, FormatError, "bad-checkpoint"),
        ("classifier.json", {"labels": ["mit", "apache", "bsd"]}, FormatError, "bad-checkpoint"),
        ("classifier.safetensors", None, PolicyError, "unsafe-model"),
    ],
)
def test_a_checkpoint_that_somebody_else_wrote_reaches_no_library(
    workshop, trained, tmp_path, path, changes, error, kind
):
    repo, made = workshop.repo, trained.checkpoint
    entries = list(repo.tree(made).entries)
    data = b"\x80\x04." if changes is None else encode(workshop.read_json(made, path) | changes)
    name = "checkpoints/acme/forged"
    with open_transaction(repo) as tx:
        changed = TreeEntry(path, len(data), tx.writer.put_bytes(data))
        tree = Tree.of(changed if entry.path == path else entry for entry in entries)
        tx.writer.put_bytes(tree.encode())
        tx.log_manifest(
            sign_manifest(
                kind="checkpoint",
                store=repo.store_id,
                name=name,
                parents=[repo.refs[name].id] if name in repo.refs else [],
                inputs=made.inputs,
                attachments=made.attachments,
                tree=tree.id,
                files=tree.files_id,
                body=made.body,
                signer=signer_for("train owner"),
                created=now(),
            )
        )
        tx.commit()
    text = tmp_path / "licence.txt"
    text.write_text("Permission is hereby granted")
    with pytest.raises(error, match=path) as caught:
        predict_file(context_of(repo, cache_dir=tmp_path / "cache"), name, text)
    assert caught.value.kind == kind
    assert not list((tmp_path / "cache").rglob("work-*"))
