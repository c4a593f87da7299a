"""Base models that write, and an adapter of one (spec §13.12.5).

Imported by workers only. Nothing here chooses a class by a name found in a file, and nothing reads
a pickle.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, cast

import torch
from peft import (
    LoraConfig,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from safetensors.torch import load, save_file
from torch import Tensor, nn
from transformers import (
    BitsAndBytesConfig,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaConfig,
    GemmaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from lyrikstore.train.formats.adapter import ADAPTER, ADAPTER_CONFIG
from lyrikstore.train.formats.architectures import family_of
from lyrikstore.train.formats.base_model import CONFIG
from lyrikstore.train.formats.decoder import DECODER_FIXED, FORMAT, PROMPT
from lyrikstore.train.requirements import SFT
from lyrikstore.train.worker.errors import TRAINED, loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.encoder import read_weights
from lyrikstore.train.worker.staging import BASE

_CLASSES: Mapping[str, tuple[Any, Any]] = {
    "gemma": (GemmaConfig, GemmaForCausalLM),
    "gemma3_text": (Gemma3TextConfig, Gemma3ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "phi3": (Phi3Config, Phi3ForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
"""``model_type`` → the classes; never by a name in a file."""

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load_decoder(
    files: StagedFiles, weights: Sequence[str], *, quantization: str, precision: str
) -> Any:
    """Return the staged base model with frozen weights.

    Args:
        files: The staging folder.
        weights: Names of the files with its weights.
        quantization: ``nf4``, or empty: as ``precision`` says.
        precision: ``fp32`` or ``bf16``.

    Raises:
        InvalidInputError: (``bad-model``) it cannot be loaded, or its weights are not those of the
            architecture the config names; (``extra-missing``) bitsandbytes is not installed.
        StorageError: (``staging-lost``) a file of it is gone.
    """
    settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
    with loading("the base model"):
        tensors: dict[str, Tensor] = {}
        for name in weights:
            tensors |= read_weights(files, f"{BASE}/{name}")
        return _build(settings, tensors, quantization, _TYPES[precision])


def _build(
    settings: Mapping[str, Any],
    tensors: dict[str, Tensor],
    quantization: str,
    dtype: torch.dtype,
) -> Any:
    configured, built = _CLASSES[settings["model_type"]]
    config = configured(**family_of(settings).arguments(settings))
    for name, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"its weights are no numbers: {name} has infinity or NaN")
    quantized: Any = None
    if quantization:
        quantized = cast("Any", BitsAndBytesConfig)(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    model, info = built.from_pretrained(
        None,
        config=config,
        state_dict=tensors,
        dtype=dtype,
        quantization_config=quantized,
        ignore_mismatched_sizes=True,  # so that they are named, below
        local_files_only=True,
        output_loading_info=True,
        trust_remote_code=False,
        attn_implementation="sdpa",
    )
    for name, held, wanted in sorted(info["mismatched_keys"]):
        raise ValueError(
            f"its weights do not fit its config: {name} is {tuple(held)}, not {tuple(wanted)}"
        )
    for key, words in (("missing_keys", "lack"), ("unexpected_keys", "have, beside its own,")):
        if odd := sorted(info[key]):
            raise ValueError(f"its weights {words} {odd[0]} ({len(odd)} in all)")
    for parameter in model.parameters():
        parameter.requires_grad_(requires_grad=False)
    return model


class AdaptedDecoder:
    """A base model with an adapter.

    Args:
        causal: The base model.
        peft: It with its adapter; None: the base alone.
        about: What ``prompt.json`` says.
        lora: Settings of the adapter, where it is new.
    """

    def __init__(
        self, causal: Any, peft: Any, about: Mapping[str, Any], lora: Mapping[str, Any] | None
    ) -> None:
        self.causal, self.peft, self.about, self._lora = causal, peft, about, lora

    @classmethod
    def fresh(
        cls, files: StagedFiles, weights: Sequence[str], config: Mapping[str, Any], precision: str
    ) -> Self:
        """Return a model whose adapter changes nothing yet.

        Args:
            files: The staging folder.
            weights: Names of the files with the base's weights.
            config: ``model``, ``prompt`` and ``lora`` settings.
            precision: What is computed in.
        """
        model, prompt, lora = config["model"], config.get("prompt", {}), config["lora"]
        quantization = model.get("quantization", "")
        causal = load_decoder(files, weights, quantization=quantization, precision=precision)
        about = {
            "answerTokens": model["answer_tokens"],
            "format": FORMAT,
            "maxTokens": model["max_tokens"],
            "precision": precision,
            "quantization": quantization,
            "system": prompt.get("system", ""),
            "task": SFT,
            "template": prompt.get("template", ""),
        }
        return cls(causal, get_peft_model(causal, _lora(lora)), about, lora)

    @classmethod
    def load(cls, files: StagedFiles, folder: str, weights: Sequence[str]) -> Self:
        """Return the model in a staged folder, ready to answer.

        Raises:
            InvalidInputError: (``bad-checkpoint``) the files are not a whole checkpoint for this
                base; (``bad-model``) the base cannot be loaded.
            StorageError: (``staging-lost``) a file is gone.
        """
        with loading(TRAINED):
            about = json.loads(files.read(f"{folder}/{PROMPT}"))
            document = json.loads(files.read(f"{folder}/{ADAPTER_CONFIG}"))
            tensors = load(files.read(f"{folder}/{ADAPTER}"))
        causal = load_decoder(
            files, weights, quantization=about["quantization"], precision=about["precision"]
        )
        with loading(TRAINED):
            lora = {
                "rank": document["r"],
                "alpha": document["lora_alpha"],
                "dropout": document["lora_dropout"],
                "targets": document["target_modules"],
                "layers": document.get("layers_to_transform"),
            }
            peft = get_peft_model(causal, _lora(lora))
            wanted = {name: one.shape for name, one in _adapter_state(peft).items()}
            if {name: one.shape for name, one in tensors.items()} != wanted:
                raise ValueError("the adapter's tensors are not those its config names")
            if not all(torch.isfinite(one).all() for one in tensors.values()):
                raise ValueError("its weights have infinity or NaN")
            set_peft_model_state_dict(peft, tensors)
        peft.eval()
        return cls(causal, peft, about, None)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by name."""
        named = self.peft.named_parameters()
        return {name: value for name, value in named if value.requires_grad}

    def save(self, folder: Path) -> None:
        """Write the adapter, in fp32, and how it is asked."""
        if self._lora is None:
            raise ValueError("only what was trained here is written")
        tensors = {
            name: value.detach().to(torch.float32).contiguous()
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


def _lora(settings: Mapping[str, Any]) -> LoraConfig:
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=float(settings["dropout"]),
        target_modules=list(settings["targets"]),
        layers_to_transform=list(settings["layers"]) if settings.get("layers") else None,
    )


def _adapter_state(peft: Any) -> dict[str, Tensor]:
    # Told nothing of embeddings, PEFT asks a hub whether the base's vocabulary has grown.
    found: dict[str, Tensor] = get_peft_model_state_dict(peft, save_embedding_layers=False)
    return found
