"""Facts about the model: its format, the models it is based on, its answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Cited, Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.data import words
from lyrikstore.publish.cards.vocabulary.fact import Fact
from lyrikstore.verify.evaluation.choice.candidates import NAMES
from lyrikstore.verify.evaluation.choice.unlike import (
    UNLIKE,
    is_limit_by_folds,
    unlike_rule_in_words,
)
from lyrikstore.verify.evaluation.external_answers import EXTERNAL
from lyrikstore.verify.evaluation.tasks import TEXT, find_rules

_BUILT = {
    "tfidf": "word counts with a linear classifier",
    "embeddings": "a linear classifier on embeddings of the base model",
    "blend": "two classifiers whose answers are joined",
    "lora": "an encoder with a low-rank adapter",
    "full": "an encoder, all of whose weights were trained",
    "decoder": "a language model with a low-rank adapter",
}
"""Candidate → how it is built."""

_OTHERS = {
    "embeddings": "embeddings",
    "lora": "an encoder with a low-rank adapter",
    "full": "an encoder",
}
_ADAPTERS = frozenset({"lora", "decoder"})

_WITH_WORDS = frozenset({"tfidf/1", "tfidf/2", "blend/1"})


def _external(facts: CardFacts) -> Iterator[Said]:
    if facts.checkpoint.body["origin"] != EXTERNAL:
        return
    said = facts.checkpoint.message
    text = "a model whose weights are not in this store; what it answers was brought from elsewhere"
    text += f": {said}" if said else ""
    own = named(facts.checkpoint)
    yield Said(text, (own,), "stated", by=facts.checkpoint.author)


def _format(facts: CardFacts) -> Iterator[Said]:
    form = facts.checkpoint.body["format"]
    yield Said(form, (named(facts.checkpoint),), value=form)


def _task(facts: CardFacts) -> Iterator[Said]:
    own, task = named(facts.checkpoint), facts.checkpoint.body.get("task")
    if task is None:
        yield Said("not established: the checkpoint names none", (own,), "not-established")
    else:
        yield Said(task, (own,), value=task)


def _labels(facts: CardFacts) -> Iterator[Said]:
    labels = facts.checkpoint.body.get("labels", [])
    if labels:
        text = f"{counted(len(labels), 'label')}: {listed(labels)}"
        yield Said(text, (named(facts.checkpoint),), value=labels)


def _decision(facts: CardFacts) -> Iterator[Said]:
    decision = facts.checkpoint.body.get("decision")
    if decision is None or "abstainBelow" not in decision:
        return
    below = decision["abstainBelow"]
    text = f"below a confidence of {below} it answers that it does not know"
    if float(below) == 0:
        text = "it answers every record, however unsure it is"
    state = "measured"
    if "limitFrom" in decision:
        text += ", as the config of its run declared before training; where a folder is deployed "
        text += "with another limit, its USE.md says so"
        state = "derived"
    if about := facts.checkpoint.body.get(UNLIKE):
        text += ", but for texts that are unlike its training data" if float(below) == 0 else ""
        text += f"; a text is unlike its training data where {unlike_rule_in_words(about)}: then "
        by_folds = is_limit_by_folds(facts.checkpoint.body.get("chosen", {}))
        text += f"it answers that it does not know{_limit_origin(facts, by_folds=by_folds)}"
        decision = {**decision, UNLIKE: about}
    yield Said(text, (named(facts.checkpoint),), state, value=decision)


def _limit_origin(facts: CardFacts, *, by_folds: bool) -> str:
    """Return the records by which the limit for unlike texts was set, in words."""
    if facts.form.says_what_is_compared:
        held = "training and validation records" if by_folds else "validation records"
        text = f"; this limit was set so that at most 5 % of the {held} are beyond it"
        return f"{text}, each measured with a model not trained on it" if by_folds else text
    held = "records that its folds had not learned from" if by_folds else "validation data"
    return f" (of the {held} that were 5 % at most)"


def _generates(facts: CardFacts) -> Iterator[Said]:
    task = facts.checkpoint.body.get("task")
    if task is None:
        return
    rules = find_rules(task)
    if rules is None and "labels" not in facts.checkpoint.body:
        text = "not established: its task is not installed where this card was made"
        yield Said(text, (named(facts.checkpoint),), "not-established")
        return
    generates = rules is not None and rules.answers == TEXT
    text = "it writes text" if generates else "it gives labels; it does not generate text or images"
    yield Said(text, (named(facts.checkpoint),), value=generates)


def _architecture(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.claims_by_evidence:
        return
    model, own = facts.checkpoint, named(facts.checkpoint)
    body = model.body
    candidates = body.get("chosen", {}).get("candidates", ())
    taken: Mapping[str, Any] = next((one for one in candidates if one.get("taken")), {})
    form = NAMES.get(body["format"])
    if body["origin"] != "trained" or form is None:
        said_of = f"not established: the format {body['format']} does not say how it is built"
        yield Said(said_of, (own,), "not-established", value={"format": body["format"]})
        return
    value: dict[str, JSON] = {"format": body["format"], "bytes": facts.bytes}
    said = [f"{_BUILT[form]} ({body['format']})", counted(facts.bytes, "byte")]
    evidence = [own]
    if "other" in taken:
        said[0] += f": word counts joined with {_OTHERS.get(taken['other'], taken['other'])}"
        value["other"] = taken["other"]
    settings = {**taken.get("settings", {})}
    # The config has settings of every kind of model: only those of the candidate that was taken.
    if form in _ADAPTERS and facts.run is not None:
        lora = facts.run.body.get("config", {}).get("lora", {})
        settings |= {name: lora[name] for name in ("rank", "targets", "layers") if name in lora}
        evidence.append(named(facts.run))
    text = body.get("text", {})
    settings |= {name: text[name] for name in ("maxTokens", "pooling") if name in text}
    if settings:
        said.append(words({**settings}))
        value["settings"] = settings
    if body.get("labels"):
        said.append(f"one of {counted(len(body['labels']), 'label')}")
        value["labels"] = len(body["labels"])
    if facts.base is not None:
        size = "" if facts.base_bytes is None else f", {counted(facts.base_bytes, 'byte')}"
        said.append(f"on the base {facts.base.name} ({facts.base.body['format']}{size})")
        base: dict[str, JSON] = {"name": facts.base.name, "format": facts.base.body["format"]}
        value["base"] = base if facts.base_bytes is None else {**base, "bytes": facts.base_bytes}
        evidence.append(named(facts.base))
    yield Said("; ".join(said), tuple(evidence), value=value)


def _words(facts: CardFacts) -> Iterator[Said]:
    if facts.checkpoint.body["format"] not in _WITH_WORDS:
        return
    text = (
        "the model holds words of the training data: those, and pairs, that are in two records or "
        "more; where no word is in two, all of them. Names can be among them"
    )
    if facts.checkpoint.body["format"] == "tfidf/2":
        text = (
            "the model holds words of the training data: those, pairs, and runs of up to five "
            "characters, that are in two records or more; where no word is in two, all words. "
            "Names can be among them"
        )
    yield Said(text, (named(facts.checkpoint),))


def _base(facts: CardFacts) -> Iterator[Said]:
    own = named(facts.checkpoint)
    if facts.base is not None:
        yield Said(facts.base.name, (own, named(facts.base)), value=facts.base.name)
    elif facts.checkpoint.body["origin"] == "imported":
        text = "not established: the model was imported, and whoever did names none"
        yield Said(text, (own,), "not-established")
    elif facts.checkpoint.body["origin"] == EXTERNAL:
        text = (
            "not established: its weights are not in this store, and nobody says what it began as"
        )
        yield Said(text, (own,), "not-established")
    elif facts.checkpoint.body["origin"] == "derived":
        made = facts.checkpoint.inputs_in("source")
        if facts.closure is not None:
            yield Said(f"made of {counted(len(made), 'other model')}", (own, *_named_models(made)))
            return
        text = f"not established here: it was made of {counted(len(made), 'other model')}, "
        text += "whose data and runs this card does not tell"
        yield Said(text, (own, *_named_models(made)), "not-established")
    else:
        yield Said("none: nothing was trained before", (own,))


def _named_models(made: Iterable[Input]) -> Iterator[Cited]:
    return ((one.id, "model that it was made of") for one in made)


def _base_rights(facts: CardFacts) -> Iterator[Said]:
    models = facts.models
    if facts.closure is None:
        models = () if facts.base is None else (facts.base,)
    for model in models:
        # Of the model that it was trained from, as forms before card/3 say it.
        subject = "" if facts.base is not None and model.id == facts.base.id else model.name
        asserted = model.body.get("rights", {}).get("asserted")
        if asserted is None:
            text = "not established: whoever imported it states none"
            yield Said(text, (named(model),), "not-established", subject)
        else:
            yield Said(
                asserted, (named(model),), "stated", subject, by=model.author, value=asserted
            )  # fmt: skip


FACTS = {
    "model.external": Fact("Not here", "that its weights are elsewhere, and what it is", _external),
    "model.format": Fact("Format", "how it is stored", _format),
    "model.architecture": Fact(
        "Architecture", "how the candidate that was taken is built", _architecture
    ),
    "model.task": Fact("Task", "what it was trained for", _task),
    "model.labels": Fact("Answers", "the labels it can give", _labels),
    "model.decision": Fact("Does not answer", "when it says that it does not know", _decision),
    "model.generates": Fact("Generates", "whether it writes text", _generates),
    "model.words": Fact("Holds words", "whether words of the training data are in it", _words),
    "model.base": Fact("Base model", "what it was trained from", _base),
    "model.base-rights": Fact(
        "Rights in the base model", "what whoever imported a model that it rests on says of its "
        "licence",
        _base_rights,
    ),
}  # fmt: skip
