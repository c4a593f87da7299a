"""Encoders of every family that is loaded, as today's transformers saves them."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.train.formats.architectures import FAMILIES
from lyrikstore.train.formats.base_model import check_fit, check_model_config
from tests.sweep import thinned

pytestmark = pytest.mark.train

WIDTH, LAYERS = 16, 2
COMMON = {
    "vocab_size": 30522,  # MiniLM's tokenizer, which stands in for each of them
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 66,
}
SETTINGS = {
    "bert": ("Bert", COMMON),
    "distilbert": (
        "DistilBert",
        {
            "vocab_size": 30522,
            "dim": WIDTH,
            "n_layers": LAYERS,
            "n_heads": 2,
            "hidden_dim": 32,
            "max_position_embeddings": 66,
        },
    ),
    "modernbert": (
        "ModernBert",
        COMMON
        | {
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "cls_token_id": 1,
            "sep_token_id": 2,
        },
    ),
    "roberta": ("Roberta", COMMON),
    "xlm-roberta": ("XLMRoberta", COMMON),
}
KINDS = sorted(SETTINGS)
TEXTS = ["The tenant pays the rent.", "No.", "A party may end this agreement with notice of a year"]


@dataclass(frozen=True)
class Saved:
    """A model that transformers saved, and the vectors of the texts by itself."""

    folder: Path
    vectors: list[list[float]]


def save(kind: str, folder: Path, tokenizer: Path, head: str = "Model") -> Saved:
    import torch
    import transformers
    from tokenizers import Tokenizer

    stem, settings = SETTINGS[kind]
    torch.manual_seed(7)
    model = getattr(transformers, stem + head)(getattr(transformers, f"{stem}Config")(**settings))
    model.eval().save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    (folder / "README.md").write_text("tiny, random")
    encoder = getattr(model, model.base_model_prefix, model)
    read = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read.no_padding()
    with torch.inference_mode():
        hidden = [encoder(torch.tensor([read.encode(text).ids])) for text in TEXTS]
    return Saved(folder, [one.last_hidden_state[0].mean(0).tolist() for one in hidden])


@pytest.fixture(scope="module")
def saved(tmp_path_factory, model_folder):
    found = {}
    for kind in KINDS:
        for head in ("Model", "ForMaskedLM"):
            folder = tmp_path_factory.mktemp(kind.replace("-", ""))
            found[kind, head] = save(kind, folder, model_folder / "tokenizer.json", head)
    return found


def put(workshop, name, one):
    files = sorted((path.name, path.read_bytes(), {}) for path in one.folder.iterdir())
    return workshop.put("checkpoint", name, files, origin="imported", format="transformers/1")


def config_of(saved, kind, head="Model"):
    return json.loads((saved[kind, head].folder / "config.json").read_bytes())


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_the_guard_with_every_setting_that_shapes_it(saved, kind, head):
    settings = check_model_config((saved[kind, head].folder / "config.json").read_bytes())
    assert FAMILIES[kind].counts.keys() <= settings.keys()
    assert "transformers_version" not in settings


@pytest.mark.parametrize("head", ["Model", "ForMaskedLM"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_the_vectors_that_transformers_gives(saved, kind, head, workshop):
    import torch

    from lyrikstore.train.snapshot import copy_base
    from lyrikstore.train.worker.hashed_read import StagedFiles
    from lyrikstore.train.worker.models.encoder import TextEncoder, load_base, pooled
    from lyrikstore.train.worker.staging import open_staging

    one = saved[kind, head]
    base = put(workshop, f"checkpoints/acme/{kind}-{head.lower()}", one)
    with open_staging(workshop.repo.root) as staging:
        copy_base(workshop.repo, base, staging)
        staged = StagedFiles(staging.path, lambda *_: None)
        encoder, text = load_base(staged, 64), TextEncoder(staged, 64)
        with torch.inference_mode():
            found = pooled(encoder.eval(), text.batch(text.encode(TEXTS)), "mean")
    # Together, padded to the longest: a wrong padding token or mask would show.
    assert torch.allclose(found, torch.tensor(one.vectors), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [
        {"auto_map": {"AutoModel": "evil--repo.Model"}},
        {"quantization_config": {}},
        {"_attn_implementation": "evil/kernel"},
        {"is_decoder": True},
        {"vocab_size": 10**9},
        {"max_position_embeddings": 0},
        {"rope_parameters": {"full_attention": {"rope_theta": 1.0, "rope_type": "yarn"}}},
        {"rope_parameters": {"x": {}}},
        {"layer_types": ["full_attention"]},
        {"layer_types": ["full_attention", "evil"]},
        {"pad_token_id": 30522},
        {"initializer_range": True},
    ],
)
def test_what_no_such_model_has_is_refused(saved, kind, change):
    document = config_of(saved, kind) | change
    with pytest.raises(PolicyError) as caught:
        check_model_config(json.dumps(document).encode())
    assert caught.value.kind == "unsafe-model"


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_and_the_class_have_to_be_of_one_family(saved, kind):
    other = KINDS[KINDS.index(kind) - 1]
    document = config_of(saved, kind) | {"model_type": other}
    with pytest.raises(PolicyError) as caught:
        check_model_config(json.dumps(document).encode())
    assert caught.value.kind == "unknown-model"


@given(kind=st.sampled_from(KINDS), name=st.text(max_size=12), value=st.from_type(type(None)))
def test_no_setting_is_let_through_unknown(saved, kind, name, value):
    document = config_of(saved, kind)
    known = document.keys() | FAMILIES[kind].dropped | FAMILIES[kind].others.keys()
    if name in known:
        return
    with pytest.raises(PolicyError):
        check_model_config(json.dumps(document | {name: value}).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_has_to_fit(saved, kind):
    settings = check_model_config((saved[kind, "Model"].folder / "config.json").read_bytes())
    most = 64 if kind.endswith("roberta") else 66
    family = FAMILIES[kind]
    check_fit(settings, targets=family.targets, layers=[1], max_tokens=most)
    for wrong in (
        {"targets": ["lm_head"]},
        {"layers": [LAYERS]},
        {"max_tokens": most + 1},
    ):
        with pytest.raises(InvalidInputError):
            check_fit(settings, **{"targets": [], "layers": [], "max_tokens": 8} | wrong)


@pytest.mark.parametrize(
    ("kind", "candidate"),
    thinned([("distilbert", "full"), ("modernbert", "lora"), ("roberta", "embeddings")], 1),
)
def test_it_is_trained_sealed_and_measured(saved, kind, candidate, workshop):
    base = f"checkpoints/acme/{kind}-base"
    if base not in workshop.repo.refs:
        put(workshop, base, saved[kind, "ForMaskedLM"])
    text = workshop.tiny.replace("acme/minilm", f"acme/{kind}-base")
    text = text.replace('targets = ["query", "value"]\n', "")
    text = text.replace('["lora"]', f'["{candidate}"]').replace(
        "checkpoints/acme/tiny", f"checkpoints/acme/{kind}-{candidate}"
    )
    result = workshop.train(text)
    if candidate == "lora":
        assert result.run.body["config"]["lora"]["targets"] == sorted(FAMILIES[kind].targets)
    body = workshop.evaluate(result.checkpoint.name, "acme/tiny.test").body
    assert body["model"].keys() >= {"accuracy", "macroF1"}
