"""Estimate of time and memory of an evaluation, by the rules of run plans (spec §13.10.8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.plan import formulas
from lyrikstore.train.plan.estimate import ENCODE_AT_ONCE, Estimate, flop_per_cpu_second
from lyrikstore.train.plan.facts import DataFacts, read_facts, read_shape

ANSWER_SECONDS, ALONE = 0.006, 200
"""(A) Overhead of one encoder answer in seconds, and the number of records answered one by one."""


def plan_evaluation(
    repo: Repository, config: Mapping[str, Any], train: Sequence[Manifest], test: Manifest
) -> dict[str, Any]:
    """Return the member ``plan`` of an evaluation; empty if there are no facts about the data.

    Args:
        repo: The store.
        config: The config of the run.
        train: The training data of the baseline.
        test: The test set.
    """
    settings = TrainConfig.from_json(dict(config))
    data = settings.data

    def facts(one: Manifest) -> DataFacts:
        return read_facts(repo, str(one.id), label=data.label, text=data.text)

    try:
        trained, tested = [facts(one) for one in train], facts(test)
    except (InvalidInputError, NotFoundError):
        return {}
    characters = sum(one.tokens.characters for one in (*trained, tested))
    labels = max(2, *(one.label_total for one in trained))
    seconds = formulas.linear_cpu_seconds(characters, labels)
    memory = formulas.linear_memory_bytes(characters, labels)
    if (base := settings.model.base) != "linear":
        _, shape = read_shape(repo, base)
        most = settings.model.max_tokens
        flop = formulas.flop_of(
            shape, "forward", tokens=tested.tokens.total(most), squares=tested.tokens.squares(most)
        )
        seconds += flop / flop_per_cpu_second(settings, "forward")
        seconds += min(tested.records, ALONE) * ANSWER_SECONDS
        longest = tested.tokens.longest(most)
        answering = formulas.cpu_memory_bytes(
            shape,
            "forward",
            trained_parameters=0,
            batch_tokens=ENCODE_AT_ONCE * longest,
            sequence_tokens=longest,
            kept_bytes=formulas.TOKEN_ID_BYTES * tested.tokens.total(most),
        )
        memory = max(memory, answering)
    return {
        "memoryBytes": Estimate.of(memory).to_run(),
        "cpuSeconds": Estimate.of(seconds).to_run(),
        "costUsd": Estimate.of(0).to_run(),
    }
