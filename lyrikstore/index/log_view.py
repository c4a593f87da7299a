"""Facts of each log entry, as it states them; `verify` checks whether they are true."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import as_json, parse
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import CountedApprovals
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.key_statements import is_statement
from lyrikstore.verify.decisions import decision_facts, decisions_in, rule_words
from lyrikstore.verify.evaluation.periods import place_in_time
from lyrikstore.verify.store.statements.approvals import count_decisions, decisions_on
from lyrikstore.verify.store.status_changes import status_changes

_UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("kind", "name", "author", "created", "message", "tree", "eventText")),
    "parents": [],
}
"""Members of an entry without further facts."""


def log_entries(repository: Repository) -> list[dict[str, Any]]:
    """Return every entry, oldest first, in the form of ``schemas/cli/log.schema.json``.

    Raises:
        VerificationError, IncompleteError, StorageError: An entry cannot be read.
    """
    flagged = {item.index: item.summary for item in repository.flagged}
    changed = status_changes(repository)
    misdated, wrong = frozenset(repository.policy.misdated), repository.known_floors().wrong
    rows = []
    for entry in repository.entries():
        row: dict[str, Any] = {"logIndex": entry.index, "type": entry.type}
        row |= {"id": str(entry.id), **_UNKNOWN, "flagged": flagged.get(entry.index)}
        row["wrongDate"] = entry.index in misdated
        if entry.type == "manifest" and entry.index not in flagged:
            row |= manifest_facts(repository.manifest(entry.id))
            # Whose clock was behind a wrong date signed with it.
            row["wrongDate"] |= parse_timestamp(row["created"]) in wrong
        if entry.type == "credential":
            row |= _credential_facts(repository.credential(entry.id))
        row["standingChanges"] = as_json(changed.get(entry.id, []))
        rows.append(row)
    return rows


def manifest_facts(manifest: Manifest) -> dict[str, Any]:
    """Return the facts of a manifest in the form of ``schemas/cli/log.schema.json``."""
    return {
        "kind": manifest.kind,
        "name": manifest.name,
        "author": manifest.author,
        "created": manifest.created,
        "message": manifest.message,
        "tree": str(manifest.tree) if manifest.tree else None,
        "parents": [str(parent) for parent in manifest.parents],
        "eventText": event_text(manifest),
    }


def checkpoints_of(repository: Repository, runs: Iterable[Manifest]) -> dict[Digest, list[Digest]]:
    """Return the checkpoints of each run; a candidate that was not chosen has no checkpoint."""
    came: dict[Digest, list[Digest]] = {run.id: [] for run in runs if run.kind == "run"}
    names = [name for name in repository.refs if name.startswith("checkpoints/")]
    for name in sorted(names) if came else ():
        for made in reversed(repository.history(name)):
            for run in made.inputs_in("run"):
                if run.id in came:
                    came[run.id].append(made.id)
    return came


def evaluations_of(
    repository: Repository, checkpoints: Iterable[Manifest]
) -> dict[Digest, list[Manifest]]:
    """Return each checkpoint's evaluations in log order, then its monitoring results by time."""
    found = _naming(repository, checkpoints, {"checkpoint"}, {"evaluations"})
    for some in found.values():
        some.sort(key=lambda one: place_in_time(one.body, one.created))
    return found


def decisions_about(
    context: StoreContext, manifests: Iterable[Manifest]
) -> dict[Digest, list[dict[str, Any]]]:
    """Return the decisions about cards, by card and by the model or dataset of the card.

    Args:
        context: The store, with the reader's trust file, which has the nicknames of keys.
        manifests: Cards, checkpoints and datasets; others are ignored.

    Returns:
        Id → the last decision of each key, in the form of ``schemas/cli/common.schema.json``.
    """
    found: dict[Digest, list[dict[str, Any]]] = {}
    for one in manifests:
        if one.kind in {"card", "checkpoint", "dataset"}:
            cards = [one] if one.kind == "card" else _cards_of(context.repository, one)
            found[one.id] = [row for card in cards for row in _decisions(context, card)]
    return found


def _cards_of(repository: Repository, subject: Manifest) -> Iterator[Manifest]:
    """Yield the cards about a version, the oldest first."""
    name = f"cards/{subject.name.partition('/')[2]}"
    name += "" if subject.kind == "checkpoint" else ".data"
    for card in reversed(repository.history(name)) if name in repository.refs else ():
        if any(item.id == subject.id for item in card.inputs):
            yield card


def _decisions(context: StoreContext, card: Manifest) -> Iterator[dict[str, Any]]:
    repository = context.repository
    made = decisions_on(repository, card)
    if not (made.approving or made.revocations):
        return
    try:
        counted = count_decisions(repository, card, made)
    except LyrikstoreError:  # verify says what is wrong with what it is about
        counted = CountedApprovals((), ())
    indices = {one.id: repository.index_of(one.id) for one in (*made.approving, *made.revocations)}
    facts = decision_facts(made, counted, indices, context.trust, context.clock())
    for one in decisions_in(facts):
        row = {name: value for name, value in one.items() if name not in {"index", "counts"}}
        row |= {"card": str(card.id), "logIndex": one["index"], "isCounted": one["counts"]}
        row["ruleText"] = rule_words(facts)
        yield {"nickname": None, "statement": "", **row}


def reproductions_of(
    repository: Repository, manifests: Iterable[Manifest]
) -> dict[Digest, list[Manifest]]:
    """Return the reproductions of each run or checkpoint, in the order of the log."""
    return _naming(repository, manifests, {"run", "checkpoint"}, {"reproductions"})


def events_of(
    repository: Repository, manifests: Iterable[Manifest]
) -> dict[Digest, list[Manifest]]:
    """Return the deliveries, deployments and predictions of datasets and checkpoints, by log index.

    These are the recorded uses outside the store.
    """
    return _naming(repository, manifests, {"dataset", "checkpoint"}, {*EVENTS})


EVENTS = ("deliveries", "deployments", "predictions")
"""Prefixes of the names of the manifests that :func:`events_of` returns."""


def _naming(
    repository: Repository, manifests: Iterable[Manifest], kinds: Set[str], prefixes: Set[str]
) -> dict[Digest, list[Manifest]]:
    """Return the manifests that name each manifest of some kinds as an input, in log order.

    Manifests without effect are left out: the policy did not permit them.
    """
    found: dict[Digest, list[Manifest]] = {one.id: [] for one in manifests if one.kind in kinds}
    names = [name for name in repository.refs if name.partition("/")[0] in prefixes]
    for name in names if found else ():
        for made in repository.history(name):
            for identity in {item.id for item in made.inputs} & found.keys():
                found[identity].append(made)
    for some in found.values():
        some.sort(key=lambda one: repository.index_of(one.id))
    return found


def event_facts(event: Manifest) -> dict[str, Any]:
    """Return a delivery, deployment or prediction in the form of ``cli/common.schema.json``.

    ``recipient`` is the named person or system; None if there is none.
    """
    body = event.body
    return {
        "id": str(event.id),
        "kind": event.kind,
        "name": event.name,
        "created": event.created,
        "author": event.author,
        "recipient": body.get("to") or body.get("target"),
        "eventText": event_text(event),
    }


def event_text(manifest: Manifest) -> str | None:
    """Return a description of an event, of rules, or of a waiver; None for other kinds."""
    words = _EVENT_WORDS.get(manifest.kind)
    return None if words is None else words(manifest.body)


def _delivery_words(body: Mapping[str, Any]) -> str:
    to = body.get("to", "nobody by name")
    said = f"handed to {to}"
    if "credential" in body:
        said += f" with credential {Digest.parse(body['credential']).short}"
    return said + (f", without {', '.join(body['without'])}" if "without" in body else "")


def _prediction_words(body: Mapping[str, Any]) -> str:
    asked = pluralize(body["asked"], "record")
    return f"asked {asked}: {body['answered']} answered, {body['notKnown']} not known"


def _decision_words(body: Mapping[str, Any]) -> str:
    lifted = sorted({one["rule"] for one in body.get("lifted", ())})
    return f"to {body['action']}: {body['answer']}" + (f" of {', '.join(lifted)}" if lifted else "")


_EVENT_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "delivery": _delivery_words,
    "deployment": lambda body: f"deployed to {body['target']}",
    "prediction": _prediction_words,
    "rules": lambda body: (
        f"adds {pluralize(body['ruleCount'], 'rule')} of {body['name']} {body['packVersion']}"
    ),
    "decision": _decision_words,
    "waiver": lambda body: f"lifts {body['rule']} until {body['until']}, liable: {body['liable']}",
}


def reproduction_facts(repository: Repository, reproduction: Manifest) -> dict[str, Any]:
    """Return a reproduction in the form of ``schemas/cli/common.schema.json``."""
    from lyrikstore.verify.store.statements.reproductions import WORDS

    run = repository.manifest(reproduction.inputs_in("run")[0].id)
    return {
        "id": str(reproduction.id),
        "name": reproduction.name,
        "created": reproduction.created,
        "author": reproduction.author,
        "byTrainer": reproduction.author == run.author,
        "method": reproduction.body["method"],
        "verdictText": WORDS[reproduction.body["verdict"]],
    }


def evaluation_facts(repository: Repository, evaluation: Manifest) -> dict[str, Any]:
    """Return an evaluation's results and data, in the form of ``schemas/cli/log.schema.json``."""
    from lyrikstore.verify.evaluation.words import (
        METRICS,
        drift_figures,
        figures_of,
        result_in_words,
        with_interval,
    )

    body = evaluation.body
    return {
        "id": str(evaluation.id),
        "name": evaluation.name,
        "created": evaluation.created,
        "isMonitor": "drift" in body,
        "isHistory": "backfill" in body,
        "period": body.get("period"),
        "dataName": ", ".join(data_names(repository, evaluation)),
        "recordCount": body["count"],
        "metricsNow": [
            {"metric": METRICS[metric], "measured": with_interval(figure)}
            for metric, figure in figures_of(body["model"]).items()
        ],
        "driftNow": [{"metric": name, "measured": value} for name, value in drift_figures(body)],
        "verdictText": result_in_words(body),
    }


def data_names(repository: Repository, evaluation: Manifest) -> list[str]:
    """Return the names of the data of an evaluation; an id for data that cannot be read."""
    found = []
    for item in evaluation.inputs_in("test"):
        try:
            found.append(repository.manifest(item.id).name)
        except LyrikstoreError:
            found.append(str(item.id))
    return found


def _credential_facts(data: bytes) -> dict[str, Any]:
    if is_statement(data):  # what another store said of its keys
        return {"kind": "statement"}
    try:
        document = parse(data)
        if "verificationMethod" in document:  # whose keys an issuer's were, then
            return {"kind": "document", "name": str(document["id"])}
        kind = str(document["type"][-1])
    except (FormatError, KeyError, TypeError, IndexError):
        return {}
    name = document.get("name", document.get("id"))
    return {
        "kind": kind.removesuffix("Credential"),
        "name": None if name is None else str(name),
        "author": issuer_of(document),
        "created": _moment(document.get("validFrom")),
    }


def _moment(value: object) -> str | None:
    try:
        parse_timestamp(str(value))
    except FormatError:  # whoever issued it may write times otherwise
        return None
    return str(value)
