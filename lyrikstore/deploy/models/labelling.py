"""Models that give labels, deployed: probabilities are compared (spec §14.7.2–4)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import storage_error
from lyrikstore.deploy.models.model import Files, ModelWorkers, Served, differing
from lyrikstore.deploy.models.probe import DeployCheck, Scores, compare, made_probe
from lyrikstore.deploy.models.targets import Target
from lyrikstore.deploy.models.usage import usage_files
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.formats.base_model import TOKENIZER
from lyrikstore.train.formats.word_counts import VOCABULARY
from lyrikstore.train.trained import read_scores, stage_checkpoint
from lyrikstore.train.worker.staging import BASE, CHECKPOINT, TEST, Staging
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules

_NAMES = frozenset(
    {
        *("config.json", "model.safetensors", "onnx/model.onnx"),
        *("tokenizer.json", "tokenizer_config.json"),
        *("words/tokenizer.json", "words/tokenizer_config.json"),
    }
)
"""Files that a worker writes."""


class LabellingModel:
    """A staged checkpoint that gives labels.

    Args:
        repo: The store.
        checkpoint: The checkpoint; it is staged.
        run: Its run.
        target: Where it goes.
        workers: What loads it.
    """

    def __init__(
        self,
        repo: Repository,
        checkpoint: Manifest,
        run: Manifest,
        target: Target,
        workers: ModelWorkers,
    ) -> None:
        body = checkpoint.body
        self._checkpoint, self._target, self._workers = checkpoint, target, workers
        self._validation = int(run.body["order"]["records"]["validation"])
        self._labels: Sequence[str] = body["labels"]
        self._task, self._rule = body["task"], AnswerRule.of_body(body)
        self._reads = stage_checkpoint(repo, checkpoint, workers.staging)
        self._texts: Sequence[str] = ()
        self._sealed: Scores
        self._about = {
            "checkpoint": str(checkpoint.id),
            "decision": body.get("decision", {}),
            "format": body["format"],
            "labels": list(self._labels),
            "needsBase": bool(checkpoint.inputs_in("base")),
            "seed": 0,
            "target": target.name,
            "task": body["task"],
        }

    def answer(self, texts: Sequence[str] | None) -> int:
        """Ask the sealed model the probe records; return how many they are."""
        staging = self._workers.staging
        self._texts = made_probe(_vocabularies(staging), self._labels) if texts is None else texts
        with staging.create(TEST) as write:
            for text in self._texts:
                record = {"id": Digest.of(text.encode()).hex, "labels": [], "text": text}
                write(json.dumps({**record, "fields": {}}).encode("ascii") + b"\n")
        job = {"job": "predict", "records": len(self._texts), "explain": False, **self._about}
        result = self._workers.run(job, (*self._reads, TEST))
        self._sealed = read_scores(staging, result, len(self._texts), len(self._labels))
        return len(self._texts)

    def export(self) -> dict[str, str]:
        """Write the files of the target; return name → BLAKE3."""
        return dict(self._workers.exported({"job": "export", **self._about}, self._reads, _NAMES))

    def ask(self, folder: Path) -> DeployCheck:
        """Return how the folder's answers compare; raises VerificationError where they differ."""
        job = {"job": "ask", "folder": str(folder.absolute()), **self._about}
        result = self._workers.run(job, (TEST,))
        count = len(self._sealed)
        deployed = read_scores(self._workers.staging, result, count, len(self._labels))
        latency = {name: result["latencyMs"][name] for name in ("p50", "p95")}
        found = compare(self._task, self._rule, self._sealed, deployed, latency)
        if not found.holds:
            raise differing(found)
        return found

    def served(self) -> Served:
        """Return what the folder serves."""
        text = self._checkpoint.body.get("text", {})
        return Served("none", {one: text[one] for one in ("maxTokens",) if one in text})

    def probe_file(self) -> bytes:
        """Return the probe records with the sealed model's answers."""
        given = labelling_rules(self._task).given(self._sealed / WHOLE, self._rule)
        lines = []
        for at, text in enumerate(self._texts):
            likely = {
                label: f"{self._sealed[at, place] / WHOLE:.6f}"
                for place, label in enumerate(self._labels)
            }
            answer = [label for place, label in enumerate(self._labels) if given[at, place]]
            line: dict[str, Any] = {"text": text, "labels": answer, "probabilities": likely}
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
        return "".join(lines).encode()

    def usage_files(self) -> Files:
        """Return the files that say how the folder is loaded."""
        body, identity = self._checkpoint.body, str(self._checkpoint.id)
        return usage_files(body, self._target.name, identity, self._validation)


def _vocabularies(staging: Staging) -> list[bytes]:
    names = (f"{CHECKPOINT}/{VOCABULARY}", f"{CHECKPOINT}/words/{VOCABULARY}")
    found = [name for name in names if name in staging.written]
    if not found:
        found = [f"{BASE}/{TOKENIZER}"]
    try:
        return [(staging.path / name).read_bytes() for name in found]
    except OSError as error:
        raise storage_error(error, "reading the vocabulary") from error
