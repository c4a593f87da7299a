"""A base generative model with an adapter (spec §13.12.5).

Imported by workers only. Nothing here chooses a class by a name found in a file, and nothing reads
a pickle.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load, save_file
from torch import Tensor, nn

from lyrikstore.train.formats.adapter import ADAPTER, ADAPTER_CONFIG
from lyrikstore.train.formats.decoder import DECODER_FIXED, FORMAT, PROMPT
from lyrikstore.train.requirements import CPU, training_device
from lyrikstore.train.worker.errors import TRAINED, loading
from lyrikstore.train.worker.generation.base_model import load_decoder
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.adapters import load_peft, new_adapter, settings_of


class AdaptedDecoder:
    """A base model with an adapter.

    Args:
        causal: The base model.
        peft: The base model with its adapter; None: the base alone.
        about: The content of ``prompt.json``.
        lora: Settings of a new adapter.

    Attributes:
        device: Where it computes.
    """

    def __init__(
        self, causal: Any, peft: Any, about: Mapping[str, Any], lora: Mapping[str, Any] | None
    ) -> None:
        self.causal, self.peft, self.about, self._lora = causal, peft, about, lora
        self.device: torch.device = causal.device

    @classmethod
    def fresh(
        cls,
        files: StagedFiles,
        weights: Sequence[str],
        config: Mapping[str, Any],
        precision: str,
        *,
        task: str,
    ) -> Self:
        """Return a model with an untrained adapter, which does not change its answers.

        Args:
            files: The staging folder.
            weights: Names of the files with the base's weights.
            config: ``model``, ``prompt`` and ``lora`` settings.
            precision: Precision of the computation.
            task: Name of the task.
        """
        model, prompt, lora = config["model"], config.get("prompt", {}), config["lora"]
        quantization = model.get("quantization", "")
        causal = load_decoder(
            files,
            weights,
            quantization=quantization,
            precision=precision,
            device=training_device(config),
        )
        about = {
            "answerTokens": model["answer_tokens"],
            "format": FORMAT,
            "maxTokens": model["max_tokens"],
            "precision": precision,
            "quantization": quantization,
            "system": prompt.get("system", ""),
            "task": task,
            "template": prompt.get("template", ""),
        }
        if "choices" in prompt:
            about["choices"] = prompt["choices"]
        return cls(causal, _adapted(causal, lora), about, lora)

    @classmethod
    def load(
        cls, files: StagedFiles, folder: str, weights: Sequence[str], *, device: str = CPU
    ) -> Self:
        """Return the model in a staged folder, ready to answer.

        Args:
            files: The staging folder.
            folder: Its folder there.
            weights: Names of the files with the base's weights.
            device: Where it computes.

        Raises:
            InvalidInputError: (``bad-checkpoint``) the files are not a complete checkpoint of this
            base.
            LyrikstoreError: As :func:`load_decoder`.
        """
        with loading(TRAINED):
            about = json.loads(files.read(f"{folder}/{PROMPT}"))
            document = json.loads(files.read(f"{folder}/{ADAPTER_CONFIG}"))
            tensors = load(files.read(f"{folder}/{ADAPTER}"))
        causal = load_decoder(
            files,
            weights,
            quantization=about["quantization"],
            precision=about["precision"],
            device=device,
        )
        with loading(TRAINED):
            peft = _adapted(causal, settings_of(document))
            wanted = {name: one.shape for name, one in _adapter_state(peft).items()}
            if {name: one.shape for name, one in tensors.items()} != wanted:
                raise ValueError("the adapter's tensors do not match its config")
            if not all(torch.isfinite(one).all() for one in tensors.values()):
                raise ValueError("its weights have infinity or NaN")
            load_peft().set_peft_model_state_dict(peft, tensors)
        peft.eval()
        return cls(causal, peft, about, None)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name."""
        named = self.peft.named_parameters()
        return {name: value for name, value in named if value.requires_grad}

    def enable_gradient_checkpointing(self) -> None:
        """Turn on gradient checkpointing: the backward pass computes the layers a second time."""
        current = getattr(self.causal, "activation_checkpointing_enable", None)
        enable = current or self.causal.gradient_checkpointing_enable  # of older transformers
        enable({"use_reentrant": False})
        # Else the way back went through layers before the first with an adapter, too.
        self.causal.disable_input_require_grads()

    def save(self, folder: Path) -> None:
        """Write the adapter, in fp32, and the prompt settings."""
        if self._lora is None:
            raise ValueError("only what was trained here is written")
        tensors = {
            name: value.detach().cpu().to(torch.float32).contiguous()
            for name, value in _adapter_state(self.peft).items()
        }
        save_file(tensors, folder / ADAPTER)
        document: dict[str, Any] = dict(DECODER_FIXED)
        document |= {
            "base_model_name_or_path": "",
            "lora_alpha": self._lora["alpha"],
            "lora_dropout": float(self._lora["dropout"]),
            "peft_version": version("peft"),
            "r": self._lora["rank"],
            "target_modules": sorted(self._lora["targets"]),
        }
        if self._lora.get("layers"):
            document["layers_to_transform"] = sorted(self._lora["layers"])
        (folder / ADAPTER_CONFIG).write_text(json.dumps(document), "utf-8")
        (folder / PROMPT).write_text(json.dumps(self.about), "utf-8")


def _adapted(causal: Any, settings: Mapping[str, Any]) -> Any:
    return load_peft().get_peft_model(causal, new_adapter(settings, task_type="CAUSAL_LM"))


def _adapter_state(peft: Any) -> dict[str, Tensor]:
    # Without a setting for embeddings, PEFT asks a hub whether the base's vocabulary has grown.
    read = load_peft().get_peft_model_state_dict
    found: dict[str, Tensor] = read(peft, save_embedding_layers=False)
    return found
