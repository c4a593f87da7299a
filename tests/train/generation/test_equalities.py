"""What training computes of a generative model, beside what others compute of the same."""

import json
import warnings

import pytest

from lyrikstore.canon.digest import Digest
from tests.writers import write_model

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from lyrikstore.train.formats.base_model import check_model_config  # noqa: E402
from lyrikstore.train.worker.generation.base_model import load_decoder  # noqa: E402
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder  # noqa: E402
from lyrikstore.train.worker.generation.loss import (  # noqa: E402
    completion_loss,
    hidden_states,
    pack_rows,
)
from lyrikstore.train.worker.generation.tokenized import TokenizedConversation  # noqa: E402
from lyrikstore.train.worker.hashed_read import StagedFiles  # noqa: E402

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")]

FAMILIES = ["Llama", "Mistral", "Qwen2", "Qwen3", "Gemma", "Gemma3", "Phi3"]
CONFIG = {
    "model": {"answer_tokens": 16, "max_tokens": 64},
    "lora": {
        "rank": 4,
        "alpha": 8,
        "dropout": "0",
        "targets": ["q_proj", "v_proj", "down_proj"],
        "layers": [],
    },
}


def stage(folder):
    """Stage a model's folder as a worker finds it, its settings checked."""
    settings = check_model_config((folder / "config.json").read_bytes())
    base = folder.parent / f"staged-{folder.name}" / "base"
    base.mkdir(parents=True)
    (base / "config.json").write_text(json.dumps(settings))
    for name in ("model.safetensors", "tokenizer.json"):
        (base / name).write_bytes((folder / name).read_bytes())
    return StagedFiles(base.parent, lambda *_: None)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return stage(write_model(tmp_path_factory.mktemp("models") / "llama"))


@pytest.fixture
def causal(llama):
    return load_decoder(llama, ["model.safetensors"], quantization="", precision="fp32")


def records_of(*lengths):
    """Return records of (prompt, completion) lengths with tokens of no meaning."""
    draw = torch.Generator().manual_seed(7)

    def some(count):
        return torch.randint(10, 49000, (count,), generator=draw).tolist()

    return [
        TokenizedConversation(
            Digest.of(bytes([at])), some(prompt), [*some(completion - 1), 2], cut=False
        )
        for at, (prompt, completion) in enumerate(lengths)
    ]


RECORDS = records_of((9, 5), (3, 12), (14, 3), (5, 7), (2, 2))


def seen_through_a_mask(causal, rows):
    """Return the vectors of all tokens by a mask of tokens × tokens."""
    lengths = rows.tokens.shape[1]
    owners = (rows.positions == 0).long().cumsum(1)
    mask = (owners[:, :, None] == owners[:, None, :]) & torch.ones((lengths, lengths)).tril().bool()
    found = causal.model(
        input_ids=rows.tokens,
        attention_mask=mask[:, None],
        position_ids=rows.positions,
        use_cache=False,
    )
    return found.last_hidden_state


@pytest.mark.parametrize("kind", FAMILIES)
def test_packed_records_do_not_see_each_other(tmp_path, kind):
    more = {"head_dim": 8} if kind.startswith("Gemma") else {}
    more |= {"pad_token_id": 0} if kind == "Phi3" else {}
    more |= {"sliding_window": 256} if kind in {"Mistral", "Gemma3"} else {}
    files = stage(write_model(tmp_path / kind, kind, **more))
    causal = load_decoder(files, ["model.safetensors"], quantization="", precision="fp32")
    with torch.no_grad():
        rows = pack_rows([RECORDS[:3], RECORDS[3:]])
        packed = causal.lm_head(hidden_states(causal, rows))
        for row, records in enumerate((RECORDS[:3], RECORDS[3:])):
            at = 0
            for one in records:
                alone = torch.tensor([one.prompt + one.completion])
                wanted = causal(input_ids=alone, use_cache=False).logits[0]
                found = packed[row, at : at + one.length]
                assert torch.allclose(found, wanted, atol=1e-4), (kind, row)
                at += one.length
        dense, segments = seen_through_a_mask(causal, rows), hidden_states(causal, rows)
        real = rows.segments.back > 0
        real[0] = True
        assert torch.allclose(*(one.flatten(0, 1)[real] for one in (dense, segments)), atol=1e-5)


def test_the_loss_is_that_of_transformers_and_its_gradient_too(llama, causal):
    total, count = 0.0, 0
    for one in RECORDS:
        tokens = torch.tensor([one.prompt + one.completion])
        labels = torch.tensor([[-100] * len(one.prompt) + one.completion])
        with torch.no_grad():
            mean = causal(input_ids=tokens, labels=labels, use_cache=False).loss
        total, count = total + float(mean) * len(one.completion), count + len(one.completion)
    rows = pack_rows([RECORDS])
    with torch.no_grad():
        assert abs(float(completion_loss(causal, rows)) / count - total / count) < 1e-4
    # In parts and computed again, it has the gradient of the whole.
    writer = AdaptedDecoder.fresh(llama, ["model.safetensors"], CONFIG, "fp32", task="sft")
    for value in writer.parameters().values():
        torch.nn.init.normal_(value, std=0.02)
    completion_loss(writer.causal, rows).backward()
    ours = {name: one.grad.clone() for name, one in writer.parameters().items()}
    writer.peft.zero_grad()
    logits = writer.causal.lm_head(hidden_states(writer.causal, rows)).flatten(0, 1)[
        rows.before_targets
    ]
    torch.nn.functional.cross_entropy(logits, rows.targets, reduction="sum").backward()
    for name, value in writer.parameters().items():
        assert torch.allclose(ours[name], value.grad, atol=1e-3), name


class Largest(TorchDispatchMode):
    """Notes the most numbers of a tensor that is computed."""

    most = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        found = function(*arguments, **(named or {}))
        for one in found if isinstance(found, (list, tuple)) else [found]:
            if isinstance(one, torch.Tensor):
                self.most = max(self.most, one.numel())
        return found


def test_nothing_of_a_row_is_tokens_times_tokens(llama):
    writer = AdaptedDecoder.fresh(llama, ["model.safetensors"], CONFIG, "fp32", task="sft")
    writer.peft.train()
    rows = pack_rows([records_of(*[(5, 7)] * 30, (1, 1), (90, 58))])
    tokens = rows.tokens.shape[1]
    found = []
    for vectors in (hidden_states, seen_through_a_mask):
        with Largest() as largest:
            vectors(writer.causal, rows).square().mean().backward()
        gradient = [one.grad.clone() for one in writer.parameters().values()]
        writer.peft.zero_grad()
        found.append((largest.most, gradient))
    (most, ours), (other, theirs) = found
    assert most < tokens * tokens <= other
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(ours, theirs, strict=True))


def test_records_of_like_length_go_together():
    rows = pack_rows([records_of((8, 2), (3, 3), (1, 1)), records_of((4, 5))])
    assert [one.tolist() for one in rows.segments.groups] == [
        [[*range(10)], [*range(18, 27), 0], [*range(10, 16), 0, 0, 0, 0]],
        [[16, 17]],
    ]
    places = torch.cat([one.flatten() for one in rows.segments.groups])
    assert places[rows.segments.back].tolist() == [*range(27), *[0] * 9]


def test_layers_that_are_computed_again_give_the_same_gradient(llama):
    rows, found = pack_rows([RECORDS]), []
    for again in (False, True):
        torch.manual_seed(1)
        writer = AdaptedDecoder.fresh(llama, ["model.safetensors"], CONFIG, "fp32", task="sft")
        if again:
            writer.enable_gradient_checkpointing()
        writer.peft.train()
        kept = []

        def keep(one, kept=kept):
            kept.append(one.numel())
            return one

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            loss = completion_loss(writer.causal, rows)
        loss.backward()
        found.append((sum(kept), [one.grad for one in writer.parameters().values()]))
    (kept, whole), (fewer, recomputed) = found
    assert fewer < kept / 2
    assert all(torch.equal(*pair) for pair in zip(whole, recomputed, strict=True))


def test_the_loss_is_that_of_trl(llama, causal, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trl = pytest.importorskip("trl")
        datasets = pytest.importorskip("datasets")
        transformers = pytest.importorskip("transformers")
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_file=str(llama.folder / "base" / "tokenizer.json"),
            pad_token="<|im_end|>",
            eos_token="<|im_end|>",
        )
        data = datasets.Dataset.from_list(
            [
                {
                    "input_ids": one.prompt + one.completion,
                    "completion_mask": [0] * len(one.prompt) + [1] * len(one.completion),
                }
                for one in RECORDS
            ]
        )
        settings = trl.SFTConfig(
            output_dir=str(tmp_path),
            use_cpu=True,
            bf16=False,
            per_device_train_batch_size=len(RECORDS),
            completion_only_loss=True,
            max_length=64,
            report_to="none",
        )
        trainer = trl.SFTTrainer(
            model=causal, args=settings, train_dataset=data, processing_class=tokenizer
        )
        batch = next(iter(trainer.get_train_dataloader()))
        with torch.no_grad():
            theirs = float(trainer.compute_loss(trainer.model, batch))
    rows = pack_rows([RECORDS])
    with torch.no_grad():
        ours = float(completion_loss(causal, rows)) / len(rows.targets)
    assert abs(ours - theirs) < 1e-4


FOUR_BITS = CONFIG | {"model": CONFIG["model"] | {"quantization": "nf4"}}


def test_four_bits_leave_adapters_whole_and_fetch_nothing(llama):
    import sys

    writer = AdaptedDecoder.fresh(llama, ["model.safetensors"], FOUR_BITS, "fp32", task="sft")
    kinds = {type(one).__name__ for one in writer.causal.modules()}
    assert "Linear4bit" in kinds
    assert {one.dtype for one in writer.parameters().values()} == {torch.float32}
    assert sys.modules.get("kernels") is None
    with torch.no_grad():
        assert torch.isfinite(completion_loss(writer.causal, pack_rows([RECORDS])))


def test_four_bits_learn_after_they_answered_as_before(llama):
    # On processors with AVX-512 BF16 bitsandbytes packed them anew at the first answer: no gradient
    # came through any more, so of a run only the first epoch had learnt.
    writer = AdaptedDecoder.fresh(llama, ["model.safetensors"], FOUR_BITS, "fp32", task="sft")
    for value in writer.parameters().values():
        torch.nn.init.normal_(value, std=0.02)
    held = {name: one.data.clone() for name, one in writer.causal.named_parameters()}
    rows, found = pack_rows([RECORDS]), []
    for _ in range(2):
        writer.peft.train()
        writer.peft.zero_grad()
        completion_loss(writer.causal, rows).backward()
        found.append({name: one.grad.clone() for name, one in writer.parameters().items()})
        writer.peft.eval()
        with torch.inference_mode():
            completion_loss(writer.causal, rows)
    first, second = found
    assert all(one.abs().max() > 0 for one in first.values())
    assert all(torch.equal(first[name], second[name]) for name in first)
    now = dict(writer.causal.named_parameters())
    assert all(torch.equal(one, now[name].data) for name, one in held.items())
