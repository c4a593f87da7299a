"""The chain from a trained base model back to the imported model (spec §13.15.1)."""

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.bases.weights import with_weights
from lyrikstore.train.formats import adapter, encoder
from lyrikstore.train.formats.base_model import MAX_HEADER_BYTES, WEIGHTS, check_weights
from lyrikstore.verify.evaluation.external_answers import EXTERNAL

MAX_STAGES = 32
"""Longest chain of runs, each of which starts from the previous one's model."""


def first_base(repo: Repository, manifest: Manifest) -> Manifest:
    """Return the imported model that a base was trained from; an imported base itself.

    Args:
        repo: The store.
        manifest: A checkpoint.

    Raises:
        InvalidInputError: (``not-a-model``) it is an adapter, or has no weights to start from;
            (``weights-elsewhere``) its weights are not in this store.
    """
    if manifest.kind != "checkpoint":
        raise InvalidInputError(
            "not-a-model",
            f"{manifest.name} is not a checkpoint",
            hint="import the base model with: lyrikstore commit DIR -d checkpoints/…",
        )
    if manifest.body["origin"] == EXTERNAL:
        raise InvalidInputError(
            "weights-elsewhere",
            f"{manifest.name} is a model whose weights are not in this store",
            hint="commit its weights, if you have them: lyrikstore commit DIR -d checkpoints/…",
        )
    for _ in range(MAX_STAGES):
        if manifest.body["origin"] == "imported":
            return manifest
        named = manifest.inputs_in("base")
        if manifest.body["format"] != encoder.FORMAT or len(named) != 1:
            break
        manifest = repo.manifest(named[0].id)
    if manifest.body["format"] == adapter.FORMAT:
        raise InvalidInputError(
            "not-a-model",
            f"{manifest.name} is an adapter, and training cannot start from an adapter alone",
            hint=f"merge it first: lyrikstore checkpoint merge {manifest.name} --as NAME",
        )
    raise InvalidInputError(
        "not-a-model",
        f"{manifest.name} cannot be a base model",
        hint="use an imported model, or one with the format encoder/1",
    )


def trained_weights(repo: Repository, manifest: Manifest) -> bytes:
    """Return the weights of a base as one file, after all stages of training.

    Args:
        repo: The store.
        manifest: A checkpoint for which :func:`first_base` returns a model.

    Raises:
        VerificationError, IncompleteError, StorageError: It is damaged, missing, or cannot be read.
        LyrikstoreError: As :func:`with_weights`.

    Cost: the files of two models in memory.
    """
    tree = present_tree(repo, manifest)
    if manifest.body["origin"] == "imported":
        return _weights_of(repo, tree, WEIGHTS)
    before = trained_weights(repo, repo.manifest(manifest.inputs_in("base")[0].id))
    return with_weights(before, _weights_of(repo, tree, encoder.ENCODER), manifest.name)


def _weights_of(repo: Repository, tree: Tree, name: str) -> bytes:
    entry = tree.by_path[name]
    data = repo.blobs.read(entry.blake3, max_bytes=repo.blobs.size(entry.blake3))
    length = min(int.from_bytes(data[:8], "little"), MAX_HEADER_BYTES)
    check_weights(name, data[: 8 + length], len(data))
    return data
