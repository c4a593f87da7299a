"""What the tasks have in common whose models give labels (spec §13.1)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.requirements import CPU, DEVICE, RECOMPUTES
from lyrikstore.train.targets import Target

if TYPE_CHECKING:
    from lyrikstore.train.serving.model import ModelWorkers, ServedModel
    from lyrikstore.train.worker.fitting.written import Report
    from lyrikstore.train.worker.hashed_read import StagedFiles


class LabellingTask:
    """Of some labels a record has one or several."""

    name: ClassVar[str]
    generative: ClassVar[bool] = False
    candidates: ClassVar[tuple[str, ...]] = ("tfidf", "embeddings", "lora", "full", "blend")
    devices: ClassVar[tuple[str, ...]] = (CPU,)

    def defaults(self, section: str) -> Mapping[str, Any]:
        """Return nothing."""
        del section
        return {}

    def check_config(self, document: Mapping[str, Any]) -> None:
        """Refuse a config without a field for the label, or with what generative models have."""
        data, model, training = (document.get(name, {}) for name in ("data", "model", "training"))
        if "deploy" in document:
            raise InvalidInputError(
                "bad-config",
                "deploy names what serves models that write",
                hint="leave it out: lyrikstore deploy says what a model with labels can go to",
            )
        if "label" not in data:
            raise InvalidInputError(
                "bad-config", "data: 'label' is missing", hint='name the field: label = "FIELD"'
            )
        for place, name in (
            *(("data", name) for name in ("prompt", "completion", "messages") if name in data),
            *(("training", name) for name in (RECOMPUTES, DEVICE) if name in training),
            *(("model", name) for name in ("quantization", "answer_tokens") if name in model),
            *(("model", n) for n in model.get("candidates", ()) if n not in self.candidates),
            *(("prompt", name) for name in document.get("prompt", ())),
        ):
            raise InvalidInputError(
                "bad-config",
                f"[{place}] {name} is for models that write",
                hint='leave it out, or say task = "sft"',
            )

    def served(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: "ModelWorkers"
    ) -> "ServedModel":
        """Return a checkpoint as what is deployed; probabilities are compared."""
        from lyrikstore.train.serving.labels import ServedLabels

        return ServedLabels(checkpoint, run, target, workers)

    def probe(
        self, job: Mapping[str, Any], files: "StagedFiles", report: "Report"
    ) -> dict[str, Any]:
        """Return the probabilities of a sealed model."""
        from lyrikstore.train.worker.predicting.predict import predict

        return predict({**job, "explain": False}, files, report)

    def ask(
        self, job: Mapping[str, Any], files: "StagedFiles", reader: Any, report: "Report"
    ) -> dict[str, Any]:
        """Return the probabilities of a deployed one."""
        from lyrikstore.train.worker.export.labels import ask_labels

        return ask_labels(job, files, reader, report)
