"""The graph of an encoder says how far a text is from the classes of the training data."""

import numpy as np
import pytest

from lyrikstore.train.worker.models.network import Network
from lyrikstore.train.worker.models.unlike import ClassDistances

pytestmark = [pytest.mark.train, pytest.mark.ci, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("unit", [True])
def test_onnx_runtime_measures_as_the_sealed_model(unit: bool) -> None:
    import onnxruntime
    import torch
    from transformers import BertConfig, BertModel

    from lyrikstore.train.worker.export.onnx_model import encoder_model, finished
    from lyrikstore.train.worker.models.encoder import pooled
    from lyrikstore.train.worker.models.model import unit_rows

    torch.manual_seed(1)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=40, intermediate_size=32, max_position_embeddings=16, **shape)
    encoder = BertModel(config, add_pooling_layer=False).eval()
    draw = np.random.default_rng(1)
    weight, bias = draw.normal(size=(3, 16)), draw.normal(size=3)
    distances = ClassDistances(
        unit_rows(draw.normal(size=(2, 16))).astype(np.float32),
        draw.uniform(0.01, 0.1, 16).astype(np.float32),
    )
    network = Network(encoder, "mean", unit=unit, weight=weight, bias=bias, max_tokens=16)
    model = finished(encoder_model(network, None, 1.0, distances), {})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    ids = draw.integers(0, 40, (4, 9))
    mask = np.ones_like(ids)
    mask[1, 5:] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    logits, values = session.run(["logits", "unlike"], given)
    with torch.inference_mode():
        batch = torch.from_numpy(ids), torch.from_numpy(mask)
        vectors = pooled(encoder, batch, "mean").to(torch.float64).numpy()
    read = unit_rows(vectors) if unit else vectors
    assert np.allclose(logits, read @ weight.T + bias, atol=1e-4)
    assert np.allclose(values, distances.of(unit_rows(vectors)), atol=1e-4)
