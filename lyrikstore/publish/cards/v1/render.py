"""The text of a model card: a pure function of signed objects and answers (spec §14.4)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, encode
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.publish.cards.facts import CardFacts, CredentialFacts
from lyrikstore.publish.cards.v1.answers import QUESTIONS, Responses
from lyrikstore.publish.cards.v1.frontmatter import front_matter
from lyrikstore.publish.cards.v1.metrics import evaluation_lines
from lyrikstore.publish.cards.v1.resources import resource_lines
from lyrikstore.publish.cards.v1.rights import right_lines
from lyrikstore.publish.cards.v1.writer import CardWriter
from lyrikstore.publish.markdown import code, escape

PROFILE = "huggingface/2"
"""What cards of version 0.1.0 are written by."""

_WITH_WORDS = frozenset({"tfidf/1", "blend/1"})
_MAX_CONFIG = 200


class CardText(Struct, frozen=True):
    """A finished card.

    Attributes:
        data: UTF-8 Markdown with YAML front matter.
        statements: Statements in it.
        not_established: Of these, things not established.
        claimed: Of these, answers of a person.
        evidence: Every object that a statement rests on.
    """

    data: bytes
    statements: int
    not_established: int
    claimed: int
    evidence: tuple[Digest, ...]


def render_card(facts: CardFacts, responses: Responses | None) -> CardText:
    """Return the model card that ``facts`` and the expert's answers give. Equal in, equal out.

    Args:
        facts: As :func:`lyrikstore.publish.cards.facts.gather` gives them.
        responses: What only a person can answer, or None.
    """
    writer = CardWriter()
    facts = replace(facts, shared={})
    given = None if responses is None else (responses, _by(responses))
    sections = [
        ("Identity", _identity(facts, writer)),
        ("Intended use", _answers(facts, given, writer, "intended-use", "intended-users",
                                  "out-of-scope", "model-licence")),
        ("Training data", _data(facts, writer)),
        ("Training procedure", _procedure(facts, writer)),
        ("Evaluation", evaluation_lines(facts, writer)),
        ("Limitations and risks", _answers(facts, given, writer, "limitations", "risks")),
        ("Oversight", _answers(facts, given, writer, "human-oversight", "monitoring",
                               "contact")),
    ]  # fmt: skip
    body = [line for title, lines in sections for line in ("", f"## {title}", "", *lines)]
    lines = [
        *front_matter(facts),
        "",
        f"# {escape(facts.checkpoint.name)}",
        "",
        "> **Generated from signed objects. A draft, not a determination of compliance.**",
        f"> It makes {writer.statements} statements: {writer.not_established} of them say that",
        f"> something is not established, {writer.claimed} are answers of a person. Each names the",
        "> objects it rests on as E1, E2, …, which are listed under Evidence.",
        *body,
        "",
        "## Evidence",
        "",
        *writer.table(),
        "",
        "Every id is the BLAKE3 of a signed document, or of an answer's file, in the store",
        f"{code(str(facts.store))}. A file is this card only if its BLAKE3 is that of the",
        "attachment `card` of a signed manifest there. To check that, this text and the model, run",
        "in that store",
        "",
        "    lyrikstore verify README.md",
        f"    lyrikstore show cards/{Name.parse(facts.checkpoint.name).part}",
        f"    lyrikstore lineage {facts.checkpoint.id}",
        "",
        "A signature shows who says something, not that it is so.",
        "",
    ]
    return CardText(
        data="\n".join(lines).encode(),
        statements=writer.statements,
        not_established=writer.not_established,
        claimed=writer.claimed,
        evidence=tuple(writer.evidence),
    )


def named(manifest: Manifest) -> tuple[Digest, str]:
    """Return a manifest as evidence."""
    return manifest.id, f"{manifest.kind} {manifest.name}"


def _identity(facts: CardFacts, writer: CardWriter) -> Iterator[str]:
    model = facts.checkpoint
    body, own = model.body, named(model)
    yield writer.say(f"model: {code(model.name)}, manifest {code(str(model.id))}", own)
    yield writer.say(f"content: {facts.files} files, {facts.bytes} bytes, tree "
                     f"{code(str(model.tree))}", own)  # fmt: skip
    yield writer.say(
        f"signed by {code(model.author)}, who claims the time {code(model.created)}", own
    )
    yield writer.say(f"logged as entry {facts.log_index} of {code(facts.origin)}", own)
    yield writer.say(f"format {code(body['format'])}", own)
    if facts.version is None:
        yield writer.lack("version", "the store's policy gives this manifest no effect", own)
    elif facts.previous is None:
        yield writer.say(f"version {facts.version} of its name, the first", own)
    else:
        yield writer.say(f"version {facts.version} of its name, after "
                         f"{code(str(facts.previous.id))}", own, named(facts.previous))  # fmt: skip
    if "task" in body:
        yield writer.say(f"task: {escape(body['task'])}", own)
    else:
        yield writer.lack("task", "the checkpoint names none", own)
    if labels := body.get("labels"):
        yield writer.say(f"answers one of: {', '.join(escape(label) for label in labels)}", own)
    if facts.base is None:
        reason = "imported" if body["origin"] == "imported" else "the checkpoint names none"
        yield writer.lack("base model", reason, own)
        return
    base = named(facts.base)
    yield writer.say(f"base model: {code(facts.base.name)}", own, base)
    asserted = facts.base.body.get("rights", {}).get("asserted")
    if asserted is None:
        yield writer.lack("rights in the base model", "whoever imported it states none", base)
    else:
        yield writer.say(f"rights in the base model, as asserted by whoever imported it: "
                         f"{escape(asserted)}", base)  # fmt: skip


def _by(responses: Responses) -> str:
    """Return whose the answers are, as Markdown: nobody but the author of the card signed them."""
    return f"claimed by {escape(f'{responses.expert}, {responses.date}')}"


def _answers(
    facts: CardFacts, given: tuple[Responses, str] | None, writer: CardWriter, *questions: str
) -> Iterator[str]:
    for question in questions:
        asked = QUESTIONS[question]
        if given is not None and question in given[0].answers:
            responses, by = given
            evidence = (responses.id, "answers of a person, attached to the card")
            yield writer.claim(asked, responses.answers[question], by, evidence)
        else:
            yield writer.lack(asked, "nobody has answered", named(facts.checkpoint))


def _data(facts: CardFacts, writer: CardWriter) -> Iterator[str]:
    if not facts.datasets:
        yield writer.lack(
            "training data", "no dataset is among the inputs", named(facts.checkpoint)
        )
        return
    yield "| role | dataset | records | files | licence | permitted when issued | evidence |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for role, dataset in facts.datasets:
        grants = facts.grants[dataset.id]
        licence = dataset.body.get("licence", {}).get("expression")
        if licence is None:
            writer.not_established += 1
        yield writer.row(
            (
                "source" if role == "dataset" else code(role),
                code(dataset.name),
                str(dataset.body["records"]),
                str(dataset.body["fileCount"]),
                "*not established*" if licence is None else escape(licence),
                "; ".join(_grant(grant) for grant in grants) or "no credential of its own",
            ),
            named(dataset),
            *((grant.id, f"credential about {dataset.name}") for grant in grants),
        )
    yield ""
    issued = [grant for _, dataset in facts.datasets for grant in facts.grants[dataset.id]]
    if issued:
        yield writer.lack(
            "whether these credentials still hold",
            "a card has no time; `lyrikstore verify` tells whether one expired or was revoked",
            *((grant.id, "credential") for grant in issued),
        )
    for _, dataset in facts.datasets:
        yield from _derivation(facts, dataset, writer)
    if facts.checkpoint.body["format"] in _WITH_WORDS:
        yield writer.say(
            "the model holds words of the training data: those, and pairs, that are in two records "
            "or more; where no word is in two, all of them. Names can be among them",
            named(facts.checkpoint),
        )
    yield ""
    for _, dataset in facts.datasets:
        yield from _descriptor(dataset, writer)


def _grant(grant: CredentialFacts) -> str:
    subject: dict[str, Any] = grant.document["credentialSubject"]
    issuer: Any = grant.document["issuer"]
    terms = Terms.of(subject["licence"])
    words = ", ".join(escape(word) for word in terms.permits) or "nothing"
    if len(terms.partitions) > 1:
        words += f" with all of its {len(terms.partitions)} partitions"
    until = grant.document.get("validUntil", "no end")
    who = code(issuer["id"] if isinstance(issuer, dict) else issuer)
    return f"{words}, says {who}, to {escape(until)}"


def _derivation(facts: CardFacts, dataset: Manifest, writer: CardWriter) -> Iterator[str]:
    derivation: dict[str, Any] | None = dataset.body.get("derivation")
    if derivation is None:
        return
    counts = derivation["counts"]
    filters = {item.id for item in dataset.inputs_in("filter")}
    used = [item for item in facts.filters if item.id in filters]
    steps = [step["use"] for item in used for step in item.body["steps"]]
    yield writer.say(
        f"{code(dataset.name)} was filtered with {', '.join(code(step) for step in steps)}: "
        f"{counts['in']} records seen, {counts['kept']} kept here, {counts['changed']} of them "
        f"changed, {counts['dropped']} dropped, {counts['elsewhere']} put into other parts",
        named(dataset),
        *(named(item) for item in used),
    )
    for what in ("dropped", "changed"):
        for reason, count in sorted(derivation[what].items()):
            yield writer.say(
                f"{code(dataset.name)}: {count} {what}: {escape(reason)}", named(dataset)
            )


def _descriptor(dataset: Manifest, writer: CardWriter) -> Iterator[str]:
    fields: Mapping[str, dict[str, Any]] = dataset.body["descriptor"]
    own, title = named(dataset), code(dataset.name)
    absent: dict[tuple[str, str], list[str]] = {}
    for name, found in sorted(fields.items()):
        if found["state"] == "value":
            value, basis = _value(found["value"]), escape(found["basis"])
            yield writer.say(f"{title}, {escape(name)}: {value} ({basis})", own)
        else:
            absent.setdefault((found["state"], found.get("reason", "")), []).append(name)
    for (state, reason), names in sorted(absent.items()):
        listed = f"{title}, {', '.join(escape(name) for name in names)}"
        if state == "unknown":
            yield writer.lack(listed, escape(reason), own)
        else:
            yield writer.say(
                f"{listed}: not applicable{f' ({escape(reason)})' if reason else ''}", own
            )
    if not fields:
        yield writer.lack(f"{title}, description", "it carries none", own)


def _procedure(facts: CardFacts, writer: CardWriter) -> Iterator[str]:
    run = facts.run
    if run is None:
        yield writer.lack(
            "how it was trained", "no run is among its inputs", named(facts.checkpoint)
        )
        return
    body, own = run.body, named(run)
    yield writer.say(f"pre-registered as {code(run.name)} by {code(run.author)}", own)
    yield writer.say(f"purpose {code(body['purpose'])}, seed {body['seed']}, order of records by "
                     f"{code(body['order']['function'])}", own)  # fmt: skip
    source = body["code"]
    yield writer.say(f"code: {escape(source['package'])} {escape(source['version'])}, "
                     f"{code(source['digest'])}", own)  # fmt: skip
    place = body["environment"]
    yield writer.say(
        f"environment: Python {escape(place['python'])} on {escape(place['platform'])}, "
        f"{place['threads']} threads, {len(place['packages'])} packages recorded",
        own,
    )
    yield from resource_lines(writer, body.get("plan", {}), "planned of all candidates", own)
    settings = sorted(_flat("", body["config"]))
    for name, value in settings[:_MAX_CONFIG]:
        yield writer.say(f"configuration {escape(name)}: {value}", own)
    if len(settings) > _MAX_CONFIG:
        yield writer.say(f"and {len(settings) - _MAX_CONFIG} more settings in the run", own)
    model = facts.checkpoint
    for member in ("step", "epoch"):
        if member in model.body:
            yield writer.say(f"taken at {member} {model.body[member]}", named(model))
    for name, value in sorted(model.body.get("metrics", {}).items()):
        yield writer.say(f"reported by training, {escape(name)}: {Decimal(value)}", named(model))
    yield from resource_lines(
        writer, model.body.get("actual", {}), "taken by all candidates", named(model)
    )

    yield from right_lines(run, "train", writer, facts)
    yield writer.lack("energy used and hardware cost", "nothing measured it", own)


def _flat(prefix: str, value: JSON) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, item)
    else:
        yield prefix or "all", _value(value)


def _value(value: JSON) -> str:
    if isinstance(value, str):
        return escape(value, 1000)
    return escape(encode(value).decode(), 1000)
