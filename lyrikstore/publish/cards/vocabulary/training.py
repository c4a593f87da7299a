"""Facts about training: the registered plan, the resources used, the choice of the candidate."""

import shlex
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Cited, Said, counted, named
from lyrikstore.publish.cards.vocabulary.data import words
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.words import (
    chosen_in_words,
    reported_in_words,
)
from lyrikstore.verify.store.statements.confinement import confinement_text
from lyrikstore.verify.store.statements.reproductions import WORDS

_MAX_SETTINGS = 200
_MAX_COMMAND = 500
_PARAMETERS_A_BYTE = 8
"""Most parameters in one byte of weights: one bit each. No manifest states the real number."""
_THIRD = 10**23 // 3
_RESOURCES = (
    ("cpuSeconds", "processor time, s"),
    ("wallSeconds", "time on the clock, s"),
    ("memoryBytes", "peak memory, bytes"),
    ("acceleratorMemoryBytes", "peak memory of the accelerator, bytes"),
    ("costUsd", "cost, USD"),
    ("energyKwh", "energy, kWh"),
    ("monthlyUsd", "cost of a month, USD"),
)


def _of_run(find: Any) -> Any:
    """Return a function that yields the values of a fact for the run, if there is one."""

    def found(facts: CardFacts) -> Iterator[Said]:
        if facts.run is not None:
            yield from find(facts, facts.run)

    return found


def _registered(facts: CardFacts) -> Iterator[Said]:
    run = facts.run
    if run is None:
        text = "not established: no run is among the inputs of the model"
        yield Said(text, (named(facts.checkpoint),), "not-established")
        return
    text = f"announced as {run.name} by {run.author} before the first step, and logged"
    if run.body.get("execution", {}).get("by") == "ended":
        text = f"not announced: {run.author} signed {run.name} when training had ended"
    yield Said(text, (named(run),), by=run.author, value=run.name)


def _purpose(_: CardFacts, run: Manifest) -> Iterator[Said]:
    yield Said(run.body["purpose"], (named(run),), "stated", by=run.author)


def _order(_: CardFacts, run: Manifest) -> Iterator[Said]:
    if "execution" in run.body:
        text = "not established: order, losses and settings are those of the caller's program"
        yield Said(text, (named(run),), "not-established")
        return
    text = f"seed {run.body['seed']}, order of records by {run.body['order']['function']}"
    yield Said(text, (named(run),), "stated", by=run.author)


def _code(facts: CardFacts, run: Manifest) -> Iterator[Said]:
    source = run.body["code"]
    text = f"{source['package']} {source['version']}, files {source['digest']}"
    if "execution" not in run.body:
        yield Said(text, (named(run),), "stated", by=run.author)
        return
    text = f"{_foreign(facts.checkpoint, run)}; it was called by {text}"
    yield Said(text, (named(run), named(facts.checkpoint)), "stated", by=run.author)


def _foreign(model: Manifest, run: Manifest) -> str:
    """Return how an external trainer ran, and what lyrikstore recorded of it."""
    execution, seen = run.body["execution"], model.body.get("observed")
    command = shlex.join(execution.get("command", ()))
    text = "trained by a program of the caller's"
    if execution["by"] == "ended":
        text = "trained by another tool, which had ended before anybody here looked"
    if execution["by"] == "job":
        place = execution.get("territory", "a place that it does not say")
        text += f", elsewhere, by a job in {place}: remote, not observed"
    if command:
        text += f" ({command[:_MAX_COMMAND]}{'…' if len(command) > _MAX_COMMAND else ''})"
    repository = run.body.get("repository")
    if repository is not None:
        changed = ", with changes" if "changes" in repository else ""
        text += f", at the Git commit {repository['commit']}{changed}"
    text += "; order, losses and settings are its own; "
    if "confinement" in execution:
        return f"{text}it was confined {confinement_text(execution, names=False)}"
    if seen is None:
        return text + "reads not observed"
    return text + (
        f"reads observed: {counted(seen['undeclaredReads'], 'file')} that the run does not name; "
        f"writes observed: {seen['undeclaredWrites']} elsewhere; "
        f"{counted(seen.get('connections', 0), 'address', 'addresses')} connected to"
    )


def _confined(_: CardFacts, run: Manifest) -> Iterator[Said]:
    execution = run.body.get("execution", {})
    if "confinement" in execution:  # what was signed before has the card that it had
        # ATTACK A77: the names of paths are for whoever has the run.
        held = confinement_text(execution, names=False)
        text = f"the program that trained was confined {held}"
        yield Said(text, (named(run),), "stated", by=run.author, value=execution["confinement"])


def _environment(_: CardFacts, run: Manifest) -> Iterator[Said]:
    place = run.body["environment"]
    packages = "; ".join(f"{name} {one}" for name, one in sorted(place["packages"].items()))
    text = f"Python {place['python']} on {place['platform']}, {place['threads']} threads"
    if "execution" in run.body and not packages:
        text = f"called from {text}"
        packages = "not established: the packages of the caller's program"
    yield Said(f"{text}; {packages}", (named(run),), "stated", by=run.author)


def _config(_: CardFacts, run: Manifest) -> Iterator[Said]:
    settings = sorted(_flat("", run.body["config"]))
    for name, value in settings[:_MAX_SETTINGS]:
        yield Said(value, (named(run),), "stated", name, name, by=run.author)


def _chosen(facts: CardFacts) -> Iterator[Said]:
    chosen = facts.checkpoint.body.get("chosen")
    if chosen is not None:
        new = facts.form.claims_what_is_shown
        text = chosen_in_words(chosen) if new else chosen["reason"]
        yield Said(text, (named(facts.checkpoint),), "stated", value=chosen)


def _passed_over(facts: CardFacts) -> Iterator[Said]:
    chosen, new = facts.checkpoint.body.get("chosen"), facts.form.says_what_is_compared
    if chosen is None or not facts.form.claims_what_is_shown:
        return
    if not new and "method" not in chosen:  # card/4 is older than choices by folds
        return
    for one in candidates_of(chosen):
        if not one.is_taken:
            text = one.text if new else one.text_before_card_5
            source = (named(facts.checkpoint),)
            yield Said(text, source, "stated", one.name, f"Passed over: {one.name}")


def _reported(facts: CardFacts) -> Iterator[Said]:
    model = facts.checkpoint
    for member in ("step", "epoch"):
        if member in model.body:
            value = str(model.body[member])
            yield Said(value, (named(model),), "stated", member, f"Taken at {member}")
    metrics = model.body.get("metrics", {})
    words = reported_in_words(metrics) if facts.form.claims_what_is_shown else {}
    for name, value in sorted(metrics.items()):
        text, title = f"{Decimal(value):f}", f"Reported by training: {words.get(name, name)}"
        yield Said(text, (named(model),), "stated", name, title, value)


def _planned(_: CardFacts, run: Manifest) -> Iterator[Said]:
    yield from resources(run.body.get("plan", {}), "Planned", named(run))


def _taken(facts: CardFacts) -> Iterator[Said]:
    model = facts.checkpoint
    yield from resources(model.body.get("actual", {}), "Taken", named(model))


def _planned_tokens(run: Manifest) -> int:
    planned = run.body.get("plan", {}).get("tokens")
    return 0 if planned is None else int(Decimal(planned["value"]))


def _tokens(_: CardFacts, run: Manifest) -> Iterator[Said]:
    tokens = _planned_tokens(run)
    if tokens > 0:
        basis = run.body["plan"]["tokens"]["basis"]
        text = f"{tokens:,} planned, of all candidates and epochs, padding included ({basis})"
        yield Said(text, (named(run),), "stated", value=str(tokens), by=run.author)


def _flop(facts: CardFacts, run: Manifest) -> Iterator[Said]:
    tokens = _planned_tokens(run)
    if tokens <= 0 or facts.base is None or facts.base_bytes is None:
        return
    most = facts.base_bytes * _PARAMETERS_A_BYTE
    flop = 6 * most * tokens
    text = (
        f"at most about {_rounded_up(flop)} operations: 6 for each of {tokens:,} tokens planned "
        f"and each parameter, of which the base model has {most:,} at most, a bit each; "
        f"{'less' if flop < _THIRD else 'not shown to be less'} than a third of 10^23, which "
        "counts where the compute of the original is not known"
    )
    value: JSON = {"atMost": str(flop), "belowThird": flop < _THIRD}
    yield Said(text, (named(run), named(facts.base)), value=value)


def _rounded_up(count: int) -> str:
    """Return a count, rounded up to two digits and a power of ten."""
    power = max(len(str(count)) - 2, 0)
    digits = -(-count // 10**power)
    return f"{digits / 10:.1f} x 10^{power + 1}"


def resources(
    figures: Mapping[str, Any], what: str, source: Cited, place: str = ""
) -> Iterator[Said]:
    """Yield a statement for each figure that is present.

    Args:
        figures: Member ``plan`` or ``actual``.
        what: ``Planned`` or ``Taken``.
        source: The object with the figures.
        place: The subject of the figures, if there are several.
    """
    for member, title in _RESOURCES:
        figure = figures.get(member)
        if figure is None:
            continue
        if isinstance(figure, str):
            text = f"{Decimal(figure):,f}"
        else:
            dated = f", price of {figure['asOf']}" if "asOf" in figure else ""
            text = f"{Decimal(figure['value']):,f} ({figure['basis']}{dated})"
        subject = f"{place} {member}".strip()
        yield Said(text, (source,), "stated", subject, f"{what}: {title}")


def _flat(prefix: str, value: JSON) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, item)
    else:
        yield prefix or "all", words(value)


def _reproduced(facts: CardFacts) -> Iterator[Said]:
    for one in facts.reproductions:
        run, body = facts.run, one.body
        own = run is not None and one.author == run.author
        by = "the key that trained" if own else one.author
        text = f"{WORDS[body['verdict']]}, by {by} ({body['method']}), as {one.name} states"
        if "segments" in body:
            drawn, count = len(body["segments"]["drawn"]), body["segments"]["count"]
            text += f"; {drawn} of {count} segments were drawn: one that is forged is missed "
            text += f"with probability {body['segments']['missChance']}"
        if reasons := body.get("reasons"):
            text += f"; {', '.join(reasons)}"
        yield Said(text, (named(one),), "stated", str(one.id), by=one.author, value=body["verdict"])


FACTS = {
    "run.registered": Fact("Announced", "that the run was signed before it began", _registered),
    "run.purpose": Fact("Purpose of the run", "what it was declared for", _of_run(_purpose)),
    "run.order": Fact("Order", "seed and order of records", _of_run(_order)),
    "run.code": Fact("Code", "package, version and digest of what trained", _of_run(_code)),
    "run.confined": Fact(
        "Confinement", "what kept the caller's program from everything else", _of_run(_confined)
    ),
    "run.environment": Fact(
        "Environment", "machine and versions of packages", _of_run(_environment)
    ),
    "run.config": Fact("Configuration", "every setting", _of_run(_config)),
    "run.chosen": Fact("Chosen", "which candidate was taken, and why", _chosen),
    "run.passed-over": Fact(
        "Passed over", "what was tried and not taken, and by how much", _passed_over
    ),
    "run.reported": Fact("Reported by training", "what training said of itself", _reported),
    "run.planned": Fact("Planned", "what it was expected to take", _of_run(_planned)),
    "run.taken": Fact("Taken", "what it took", _taken),
    "training.tokens": Fact("Tokens", "how many tokens it was planned to read", _of_run(_tokens)),
    "run.reproduced": Fact(
        "Done again", "whether the same came when the run was done again", _reproduced
    ),
    "training.flop": Fact(
        "Operations", "what training took at most, from plan and base model", _of_run(_flop)
    ),
}
