"""The YAML block of a model card, as the Hugging Face Hub reads it (spec §14.4.5).

Names of a store are not names on the Hub: ``base_model`` and ``datasets`` would link to whatever
somebody else called so there, hence they are left out and the card's text names the objects by id.
``license`` is left out as well: which licence a derived model has, no signed object here decides.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.markdown import quoted
from lyrikstore.verify.evaluation.words import figures_of

_PIPELINES = {"text-classification": "text-classification", "multi-label": "text-classification"}
_LIBRARIES = {"peft-lora": "peft", "tfidf": "", "embeddings": "", "blend": ""}
"""Format → the library of the Hub that loads it; empty: none. Of other formats, transformers."""

_METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "subsetAccuracy": ("accuracy", "Subset accuracy"),
    "microF1": ("f1", "Micro F1"),
    "macroF1": ("f1", "Macro F1"),
}


def front_matter(facts: CardFacts) -> Iterator[str]:
    """Yield the lines of the block, delimiters included. Foreign text is always quoted."""
    body = facts.checkpoint.body
    yield "---"
    library = _LIBRARIES.get(body["format"].partition("/")[0], "transformers")
    if library:
        yield f"library_name: {library}"
    task = body.get("task")
    if task in _PIPELINES:
        yield f"pipeline_tag: {_PIPELINES[task]}"
    yield "tags:"
    yield "- lyrikstore"
    yield "- provenance"
    if facts.evaluations:
        yield "model-index:"
        yield f"- name: {quoted(Name.parse(facts.checkpoint.name).part)}"
        yield "  results:"
        for evaluation in facts.evaluations:
            yield from _result(facts, evaluation, task)
    yield "---"


def _result(facts: CardFacts, evaluation: Manifest, task: Any) -> Iterator[str]:
    tests = {dataset.id: dataset for _, dataset in facts.datasets}
    for item in evaluation.inputs_in("test")[:1]:
        known = tests.get(item.id)
        yield "  - task:"
        yield f"      type: {quoted(task if isinstance(task, str) else evaluation.body['task'])}"
        yield "    dataset:"
        yield "      type: lyrikstore"
        yield f"      name: {quoted(known.name if known is not None else str(item.id))}"
        yield f"      split: {quoted(evaluation.body['split'])}"
        yield f"      revision: {quoted(item.id.hex)}"
        yield "    metrics:"
        for metric, figure in figures_of(evaluation.body["model"]).items():
            kind, title = _METRICS[metric]
            value = Decimal(figure["value"])
            yield f"    - type: {kind}"
            yield f"      value: {value:f}"
            yield f"      name: {quoted(title)}"
