"""Base models whose weights are not those of their config are refused, and never half loaded."""

import json

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.base_model import check_model_config
from tests.writers import write_model

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from lyrikstore.train.worker.generation.base_model import load_decoder  # noqa: E402
from lyrikstore.train.worker.hashed_read import StagedFiles  # noqa: E402

pytestmark = pytest.mark.train

HEAD, TABLE = "lm_head.weight", "model.embed_tokens.weight"
UP = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return settings and weights of a small model."""
    folder = write_model(tmp_path_factory.mktemp("models") / "llama")
    settings = check_model_config((folder / "config.json").read_bytes())
    return settings, load_file(folder / "model.safetensors")


def load(folder, settings, *shards, quantization=""):
    base = folder / "base"
    base.mkdir()
    (base / "config.json").write_text(json.dumps(settings))
    names = [f"model-{number}.safetensors" for number in range(len(shards))]
    for name, tensors in zip(names, shards, strict=True):
        save_file(tensors, base / name)
    files = StagedFiles(folder, lambda *_: None)
    return load_decoder(files, names, quantization=quantization, precision="fp32")


def without(tensors, *names):
    return {name: one for name, one in tensors.items() if name not in names}


@pytest.mark.parametrize("quantization", ["", "nf4"])
def test_weights_may_lie_in_several_files(whole, tmp_path, quantization):
    settings, tensors = whole
    first = dict(list(tensors.items())[:5])
    model = load(tmp_path, settings, first, without(tensors, *first), quantization=quantization)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert not any(one.is_meta or one.requires_grad for one in model.parameters())
    kept = type(model.get_parameter(UP)).__name__
    assert kept == ("Params4bit" if quantization else "Parameter")
    assert torch.equal(model.model.norm.weight, tensors["model.norm.weight"])


def test_a_head_that_is_said_to_be_tied_may_be_there_if_it_is(whole, tmp_path):
    settings, tensors = whole
    load(tmp_path, settings, tensors | {HEAD: tensors[TABLE].clone()})


@pytest.mark.parametrize(
    "other",
    [
        lambda tensors: [without(tensors, UP)],
        lambda tensors: [tensors | {"model.layers.2.mlp.up_proj.weight": tensors[UP].clone()}],
        lambda tensors: [tensors | {UP: tensors[UP].T.contiguous()}],
        lambda tensors: [tensors | {UP: tensors[UP] * torch.nan}],
        # ATTACK: a later file puts other weights in the place of those that were looked at.
        lambda tensors: [tensors, {UP: tensors[UP] + 1}],
        # ATTACK: names that are attributes of the model, and no weights of it.
        lambda tensors: [tensors | {"forward": torch.zeros(1)}],
        lambda tensors: [tensors | {"model.rotary_emb.original_inv_freq": torch.zeros(1)}],
        lambda tensors: [tensors | {HEAD: tensors[TABLE] + 1}],
        lambda tensors: [tensors | {UP: tensors[UP].to(torch.int8)}],
        lambda tensors: [tensors | {UP: tensors[UP].double() + 1e300}],
        lambda tensors: [tensors | {"odd_rotary_emb.inv_freq": torch.zeros(1)}],
    ],
)
def test_other_weights_are_refused(whole, tmp_path, other):
    settings, tensors = whole
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path, settings, *other(tensors))
    assert caught.value.kind == "bad-model"
