"""Where a generative model is computed, as far as a machine without a GPU can tell."""

import pytest

from lyrikstore.canon.errors import InvalidInputError
from tests.train.generation.test_equalities import CONFIG, RECORDS, stage
from tests.writers import write_model

torch = pytest.importorskip("torch")

from lyrikstore.train.worker import device  # noqa: E402
from lyrikstore.train.worker.generation import base_model as base  # noqa: E402
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder  # noqa: E402
from lyrikstore.train.worker.generation.loss import completion_loss, pack_rows  # noqa: E402
from lyrikstore.train.worker.training.resume_state import set_state, state_tensors  # noqa: E402

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")]
WITH_GPU = torch.cuda.is_available()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", ["Llama", "Gemma3"])
def test_everything_is_where_the_model_computes(tmp_path, monkeypatch, kind, again):
    # PyTorch refuses to compute with tensors of two devices; `meta` stands for the GPU here.
    monkeypatch.setattr(base, "open_device", lambda *_: torch.device("meta"))
    more = {"head_dim": 8, "sliding_window": 256} if kind == "Gemma3" else {}
    files = stage(write_model(tmp_path / kind, kind, **more))
    writer = AdaptedDecoder.fresh(files, ["model.safetensors"], CONFIG, "fp32", task="sft")
    if again:
        writer.enable_gradient_checkpointing()
    writer.peft.train()
    parameters = writer.parameters()
    optimizer = torch.optim.AdamW(parameters.values())
    rows = pack_rows([RECORDS]).to(writer.device)
    loss = completion_loss(writer.causal, rows) / len(rows.targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
    optimizer.step()
    named = [*writer.peft.named_parameters(), *writer.peft.named_buffers(), ("loss", loss)]
    assert {one.device.type for _, one in named} == {"meta"}
    assert all(one.grad is not None for one in parameters.values())


@pytest.mark.skipif(WITH_GPU, reason="this machine has a GPU")
def test_without_a_gpu_there_is_nothing_to_open():
    with pytest.raises(InvalidInputError) as error:
        device.open_device("cuda", "fp32")
    assert error.value.kind == "no-accelerator"
    assert device.open_device("cpu", "fp32").type == "cpu"


def test_a_state_has_the_random_numbers_of_every_device(monkeypatch):
    # What PyTorch says of a GPU is simulated; a state that forgot it would deal other dropouts.
    held = {"state": torch.tensor([1, 2], dtype=torch.uint8)}
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: held["state"])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda new, _: held.update(state=new))
    gpu = torch.device("cuda", 0)
    found = device.random_state(gpu)
    assert sorted(found) == ["random", "randomCuda"]
    assert list(device.random_state(torch.device("cpu"))) == ["random"]
    held["state"] = torch.zeros(2, dtype=torch.uint8)
    device.set_random_state(found, gpu)
    assert held["state"].tolist() == [1, 2]
    value = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([value])
    before = state_tensors({"one": value}, optimizer)
    drawn = torch.rand(3)
    set_state(before, {"one": value}, optimizer)
    assert torch.equal(torch.rand(3), drawn)
