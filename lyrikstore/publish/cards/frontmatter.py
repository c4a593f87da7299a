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

_PIPELINES = frozenset({"text-classification"})
_METRICS = (("accuracy", "accuracy", "Accuracy"), ("macroF1", "f1", "Macro F1"))


def front_matter(facts: CardFacts) -> Iterator[str]:
    """Yield the lines of the block, delimiters included. Foreign text is always quoted."""
    body = facts.checkpoint.body
    yield "---"
    library = "peft" if body["format"].startswith("peft-") else "transformers"
    yield f"library_name: {library}"
    task = body.get("task")
    if task in _PIPELINES:
        yield f"pipeline_tag: {task}"
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
        for member, kind, title in _METRICS:
            value = Decimal(evaluation.body["model"][member]["value"])
            yield f"    - type: {kind}"
            yield f"      value: {value:f}"
            yield f"      name: {quoted(title)}"
