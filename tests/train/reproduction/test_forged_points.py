"""Points of honest training, and a model that is made of another one (spec §13.14.1)."""

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.reproduction.replay import replay_segments
from lyrikstore.verify.store.object import verify_object
from tests.contexts import context_of

pytestmark = pytest.mark.train
OWNER = signer_for("train owner")
POINT = "point"


def forged(repo: Any, checkpoint: Any) -> Any:
    """Log another version of a checkpoint: a weight of its last point and of its files is moved."""
    points = checkpoint.attachments_in(POINT)
    point = load(repo.blobs.read(points[-1].id, max_bytes=1 << 26))
    files = {
        one.path: repo.blobs.read(one.blake3, max_bytes=1 << 26)
        for one in repo.tree(checkpoint).entries
    }
    moved = 0
    for path in [one for one in files if one.endswith(".safetensors")]:
        tensors = load(files[path])
        for name, value in tensors.items():
            for other, known in point.items():
                if not value.any() or other[:8] != "weights." or known.shape != value.shape:
                    continue
                if np.array_equal(known, value):
                    point[other] = tensors[name] = value + np.float32(0.5)
                    moved += 1
        files[path] = save(tensors, {"format": "pt"})
    assert moved
    with open_transaction(repo) as tx:
        tree = Tree.of(
            TreeEntry(path, len(data), tx.writer.put_data(data)) for path, data in files.items()
        )
        tx.writer.put_bytes(tree.encode())
        data = save(point)
        kept = [one for one in checkpoint.attachments if one.role != "sha256sums"]
        kept.remove(points[-1])
        manifest = sign_manifest(
            kind="checkpoint",
            store=repo.store_id,
            name=checkpoint.name,
            parents=[checkpoint.id],
            inputs=checkpoint.inputs,
            tree=tree.id,
            files=tree.files_id,
            body=checkpoint.body,
            attachments=[*kept, Attachment(POINT, tx.writer.put_data(data), len(data))],
            signer=OWNER,
            created=now(),
        )
        tx.log_manifest(manifest)
        tx.commit()
    return manifest


def logged(repo: Any, like: Any, name: str, body: Any) -> Any:
    """Log what a reproduction could have said."""
    with open_transaction(repo) as tx:
        manifest = sign_manifest(
            kind=like.kind,
            store=repo.store_id,
            name=name,
            inputs=like.inputs,
            body=body,
            signer=OWNER,
            created=now(),
        )
        tx.log_manifest(manifest)
        tx.commit()
    return manifest


@pytest.mark.ci
def test_a_model_that_is_made_of_a_forged_point_is_a_mismatch(workshop) -> None:
    config = workshop.tiny.replace("acme/tiny", "acme/points", 1).replace("every-epoch", "best")
    made = workshop.train(config + "[replay]\nsteps = 2\nkeep = true\n")

    def again() -> Any:
        return replay_segments(workshop.context(), made.run.name, 99, nonce=bytes(32))

    honest = again()
    assert honest.verdict == "match"
    # All are drawn, whatever the head: a head that was never signed is found all the same.
    segments, before = honest.manifest.body["segments"], honest.manifest.body["segments"]["head"]
    heads = ({}, {"root": "0" * 64}, {"size": honest.log_index + 1}, {"size": before["size"] - 1})
    for number, change in enumerate(heads):
        body = {**honest.manifest.body, "segments": {**segments, "head": {**before, **change}}}
        claimed = logged(workshop.repo, honest.manifest, f"reproductions/acme/head{number}", body)
        report = verify_object(
            context_of(workshop.repo, trust=workshop.trust, clock=now), claimed.id
        )
        assert report.check("runs").state == ("fail" if change else "pass"), change
    model = forged(workshop.repo, made.checkpoint)
    found = again().manifest.body
    assert found["compared"] == [{"checkpoint": str(model.id), "differs": ["segments"]}]
    assert (found["verdict"], "reasons" in found) == ("mismatch", False)
