"""What the formulas say of real models: their numbers, and what they keep for the way back."""

from typing import Any

import pytest

from lyrikstore.train.plan import formulas
from lyrikstore.train.plan.shapes import EncoderShape

pytestmark = pytest.mark.train
TARGETS = {
    "bert": ("dense", "key", "query", "value"),
    "roberta": ("dense", "key", "query", "value"),
    "distilbert": ("k_lin", "lin1", "lin2", "out_lin", "q_lin", "v_lin"),
    "modernbert": ("Wi", "Wo", "Wqkv"),
}


def make(family: str, layers: int) -> Any:
    """Return a small encoder of a family, with random weights."""
    import transformers as hub

    sizes = {
        "hidden_size": 128,
        "intermediate_size": 320,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "vocab_size": 100,
    }
    special = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 1)
    match family:
        case "bert":
            return hub.BertModel(hub.BertConfig(**sizes), add_pooling_layer=False)
        case "roberta":
            return hub.RobertaModel(hub.RobertaConfig(**sizes), add_pooling_layer=False)
        case "distilbert":
            settings = {"dim": 128, "hidden_dim": 320, "n_layers": layers, "n_heads": 4}
            return hub.DistilBertModel(hub.DistilBertConfig(vocab_size=100, **settings))
        case _:
            config = hub.ModernBertConfig(**sizes, pad_token_id=0, **special)
            return hub.ModernBertModel(config)


def shape_of(model: Any) -> EncoderShape:
    return EncoderShape.of_settings(model.config.to_dict())


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by an old name
@pytest.mark.parametrize("family", TARGETS)
def test_the_numbers_of_a_model_are_counted_exactly(family: str) -> None:
    import peft

    model = make(family, 3)
    shape = shape_of(model)
    assert shape.parameters == sum(one.numel() for one in model.parameters())
    wrapped = peft.get_peft_model(
        model.requires_grad_(requires_grad=False),
        peft.LoraConfig(r=4, target_modules=list(TARGETS[family])),
    )
    learns = sum(one.numel() for one in wrapped.parameters() if one.requires_grad)
    assert shape.adapter_parameters(TARGETS[family], 4, 3) == learns


@pytest.mark.parametrize(
    ("family", "half"),
    [*((one, False) for one in TARGETS), *((one, True) for one in ("bert", "distilbert"))],
)
@pytest.mark.parametrize("length", [32, 96])
def test_what_a_layer_keeps_of_a_token_is_counted(family: str, length: int, half: bool) -> None:
    def of(layers: int, texts: int) -> int:
        return kept(make(family, layers), (texts, length), half=half)

    # Of more texts: in bf16 weights are kept once more, however few they are.
    counted = (of(5, 4) - of(2, 4) - of(5, 2) + of(2, 2)) / (3 * 2 * length)
    said = formulas.activation_bytes_per_token(shape_of(make(family, 2)), length, half=half)
    assert said == pytest.approx(counted, rel=0.03)


def kept(model: Any, size: tuple[int, int], *, half: bool) -> int:
    """Return the bytes that a model keeps of some sequences for its gradients."""
    import torch

    own = {one.untyped_storage().data_ptr() for one in model.parameters()}
    found: dict[int, int] = {}
    held = []

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held.append(tensor)  # so that no other gets its place
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(2, 99, size)
    mask = torch.ones_like(ids)
    mask[0, -1] = 0  # as where texts differ in length
    model.train()
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=half)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), autocast:
        model(input_ids=ids, attention_mask=mask)
    return sum(found.values())
