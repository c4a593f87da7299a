"""A real model in four bits on a processor: what it takes, and the same bytes twice."""

import hashlib
import json

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.train.formats.base_model import check_model_config
from tests.writers import gguf_file

torch = pytest.importorskip("torch")

from lyrikstore.train.worker.generation.adapter_training import DecoderLearner  # noqa: E402
from lyrikstore.train.worker.generation.decoder import AdaptedDecoder  # noqa: E402
from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer  # noqa: E402
from lyrikstore.train.worker.gguf_import.convert import write_base  # noqa: E402
from lyrikstore.train.worker.gguf_import.gguf_file import GgufFile  # noqa: E402
from lyrikstore.train.worker.hashed_read import StagedFiles  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.ci,
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing"),
]

LORA = {
    "rank": 8,
    "alpha": 16,
    "dropout": "0",
    "targets": ["q_proj", "v_proj"],
    "layers": list(range(20, 30)),
}
CONFIG = {
    "model": {"answer_tokens": 32, "max_tokens": 64, "quantization": "nf4"},
    "lora": LORA,
    "training": {
        "batch_size": 1,
        "epochs": 1,
        "learning_rate": "0.001",
        "seed": 1,
        "warmup": "0.1",
        "weight_decay": "0.01",
    },
}
MOST_BYTES = 115_000_000


@pytest.fixture(scope="module")
def smollm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smollm") / "base"
    folder.mkdir()
    with gguf_file().open("rb") as file:
        write_base(GgufFile(file, "smollm2"), folder, lambda *_: None)
    settings = check_model_config((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(settings))
    return StagedFiles(folder.parent, lambda *_: None)


def train(files, folder):
    """Take four steps, and return the digest of the adapter and what the model takes."""
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(mode=True)
    text = ConversationTokenizer(files, chat=False)
    rows = [
        {
            "id": Digest.of(bytes([at])).hex,
            "prompt": f"Question {at}: what is {at} and {at}?",
            "completion": f"It is {2 * at}, as anybody who can add up will tell.",
        }
        for at in range(8)
    ]
    encoded = text.tokenize(rows, most=64, answer_tokens=32)
    writer = AdaptedDecoder.fresh(files, ["model.safetensors"], CONFIG, "bf16", task="sft")
    size = writer.causal.get_memory_footprint()
    adapter = sum(one.numel() * one.element_size() for one in writer.parameters().values())
    fitting = DecoderLearner(writer, {"config": CONFIG, "precision": "bf16"}, encoded, encoded)
    for batch in fitting.batches(0)[:4]:
        fitting.learn(batch)
    assert fitting.step == 4
    folder.mkdir()
    writer.save(folder)
    written = (folder / "adapter_model.safetensors").read_bytes()
    return hashlib.sha256(written).hexdigest(), size - adapter


def test_it_takes_little_and_gives_the_same_bytes_twice(smollm, tmp_path):
    first, size = train(smollm, tmp_path / "first")
    second, _ = train(smollm, tmp_path / "second")
    assert first == second
    assert size <= MOST_BYTES
