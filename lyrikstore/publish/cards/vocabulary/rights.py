"""Facts about rights: what credentials permit, prohibit and demand, who vouches, what was undone.

A card has no time: what is said was so when it was issued, and as far as the log tells, withdrawn.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.terms.model import NO_LICENCE, Terms
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.credentials import CredentialFacts
from lyrikstore.publish.cards.statement import Cited, Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact

DELETION = "deleteOnExpiry"
NO_END = "the data is to be deleted when its use ends; no end is stated"


def _credentials(facts: CardFacts) -> Iterator[tuple[Manifest, CredentialFacts, Cited]]:
    for dataset in facts.each_dataset:
        for credential in facts.terms[dataset.id].credentials:
            yield dataset, credential, (credential.id, f"credential about {dataset.name}")


def _subject(dataset: Manifest, credential: CredentialFacts) -> str:
    return f"{dataset.name} {credential.id.short}"


def _credential(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _credentials(facts):
        document = credential.document
        who, until = credential.issuer, document.get("validUntil", "no end")
        text = f"issued by {who}, valid from {document['validFrom']} to {until}"
        yield Said(
            text, (cited, named(dataset)), "stated", _subject(dataset, credential),
            value=_terms(facts, dataset, document), by=who,
        )  # fmt: skip


def _terms(facts: CardFacts, dataset: Manifest, document: Mapping[str, Any]) -> JSON:
    """Return when a credential is valid, and its terms; which files they are of, it says itself."""
    subject = document["credentialSubject"]
    partitions = Terms.of(subject["licence"]).partitions
    # ATTACK A72: the tree of a source is a digest of all that filters took out of it.
    names_tree = facts.form.names_trees or dataset.id == facts.subject.id
    about = {"tree": subject["id"]} if names_tree else {"dataset": dataset.id.urn}
    return {
        **{name: document[name] for name in ("id", "validFrom", "validUntil") if name in document},
        **about,
        "partitions": [replace(one, select=()).to_json() for one in partitions],
    }


def _words(member: str, absent: str) -> Any:
    def find(facts: CardFacts) -> Iterator[Said]:
        for dataset, credential, cited in _credentials(facts):
            terms = credential.terms
            found = getattr(terms, member)
            text = listed(found) or absent
            if len(terms.partitions) > 1:
                text += f" (over {len(terms.partitions)} partitions)"
            yield Said(
                text, (cited,), "stated", _subject(dataset, credential),
                value=list(found), by=credential.issuer,
            )  # fmt: skip

    return find


def _requires(facts: CardFacts) -> Iterator[Said]:
    yield from _words("requires", "nothing")(facts)
    users = () if facts.closure is None else facts.closure.runs
    rights = [right for user in users for right in user.body.get("rights", ())]
    for dataset in facts.each_dataset:
        for grant in facts.terms[dataset.id].relied_on(rights):
            if grant.duties:
                cited: Cited = (grant.id, f"grant of {dataset.name}")
                yield Said(
                    listed(grant.duties), (cited,), "stated", _subject(dataset, grant),
                    value=list(grant.duties), by=grant.issuer,
                )  # fmt: skip


def _own_words(facts: CardFacts) -> Iterator[tuple[Manifest, CredentialFacts, Cited]]:
    """Yield what forms before ``card/3`` do not have statements of."""
    if facts.form.has_publishers_terms:
        yield from _credentials(facts)


def _licence(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _own_words(facts):
        terms, evidence = credential.terms, (cited, named(dataset))
        place, who = _subject(dataset, credential), credential.issuer
        if terms.licence is not None:
            yield Said(
                terms.licence, evidence, "stated", place, value=terms.licence, by=who
            )  # fmt: skip
        for part in terms.partitions:
            at = f"{place} {part.name}"
            if part.licence == NO_LICENCE:
                text = "not established: the credential states none for these files"
                yield Said(text, evidence, "not-established", at, by=who)
            elif part.licence is not None:
                yield Said(part.licence, evidence, "stated", at, value=part.licence, by=who)


def _attribution(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _own_words(facts):
        if "attribution" in credential.terms.requires:
            place, evidence = _subject(dataset, credential), (cited, named(dataset))
            name, whom = credential.attribution
            yield Said(
                f"{name}, by {whom}", evidence, "stated", place,
                value={"name": name, "by": whom}, by=credential.issuer,
            )  # fmt: skip


def _deletion(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _own_words(facts):
        for part in credential.terms.partitions:
            if DELETION not in part.requires:
                continue
            end, place = credential.end_of(part), f"{_subject(dataset, credential)} {part.name}"
            text = f"the data is to be deleted by {end}" if end else NO_END
            evidence = (cited, named(dataset))
            yield Said(text, evidence, "stated", place, value=end, by=credential.issuer)


def _limits(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _credentials(facts):
        subject: Any = credential.document["credentialSubject"]
        for partition in subject["licence"]["partitions"]:
            limits = partition.get("limits")
            if not limits:
                continue
            said = "; ".join(
                f"{name} {listed(value) if isinstance(value, list) else value}"
                for name, value in sorted(limits.items())
                if name != "type"
            )
            place = f"{_subject(dataset, credential)} {partition['name']}"
            yield Said(said, (cited,), "stated", place, by=credential.issuer)


def _regulatory(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _credentials(facts):
        subject: Any = credential.document["credentialSubject"]
        for one in subject.get("regulatory", ()):
            text = f"{one['regime']}: {one['status']}, because {one['basis']}"
            if "asOf" in one:
                text += f", as of {one['asOf']}"
            warrantor = one.get("warrantedBy")
            who = credential.issuer
            if warrantor is not None:
                text += f"; warranted by {warrantor.get('name') or warrantor.get('did')}"
            place = f"{_subject(dataset, credential)} {one['regime']}"
            yield Said(text, (cited,), "stated", place, by=who)


def _quality(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _credentials(facts):
        subject: Any = credential.document["credentialSubject"]
        for one in subject.get("quality", ()):
            text = f"{one['metric']} {one['value']} ({one['basis']})"
            place = f"{_subject(dataset, credential)} {one['metric']}"
            who = credential.issuer
            yield Said(text, (cited,), "stated", place, value=one["value"], by=who)


def _age(facts: CardFacts) -> Iterator[Said]:
    for dataset, credential, cited in _credentials(facts):
        subject: Any = credential.document["credentialSubject"]
        age = subject.get("age", {})
        said = [f"{name} {age[name]}" for name in ("collectedFrom", "collectedUntil", "snapshotAt")
                if name in age]  # fmt: skip
        if said:
            place, who = _subject(dataset, credential), credential.issuer
            yield Said("; ".join(said), (cited,), "stated", place, by=who)


def _attested(facts: CardFacts) -> Iterator[Said]:
    for dataset_id, found in facts.attestations.items():
        for one in found:
            subject: Any = one.document["credentialSubject"]
            said = subject["attestation"]
            examined = said["examined"]
            extent = examined["extent"]
            if "records" in examined:
                extent = f"{extent} of {counted(int(examined['records']), 'record')}"
            cited: Cited = (one.id, f"attestation about {subject['name']}")
            text = (
                f"{said['kind']}, by {said['standard']}: {said['conclusion']} (looked at {extent}, "
                f"bytes {examined['content']}). Not shown: {'; '.join(said['limitations'])}"
            )
            who, place = one.issuer, f"{subject['name']} {one.id.short}"
            yield Said(text, (cited, (dataset_id, "dataset")), "attested", place, by=who)


def _liability(facts: CardFacts) -> Iterator[Said]:
    for found in facts.attestations.values():
        for one in found:
            subject: Any = one.document["credentialSubject"]
            said = subject["attestation"]
            cited: Cited = (one.id, f"attestation about {subject['name']}")
            who, place = one.issuer, f"{subject['name']} {one.id.short}"
            yield Said(said["liability"], (cited,), "attested", place, by=who)


def _rights(kind: str) -> Any:
    def find(facts: CardFacts) -> Iterator[Said]:
        users = facts.evaluations if kind == "evaluation" else filter(None, [facts.run])
        for user in users:
            yield from _rights_of(facts, user)

    return find


def _rights_of(facts: CardFacts, user: Manifest) -> Iterator[Said]:
    own = named(user)
    called = {str(dataset.id): dataset.name for _, dataset in facts.datasets}
    rights = user.body.get("rights")
    if not rights:
        reason = "relies on no credential" if rights is not None else "records none"
        text = f"not established: the {user.kind} {reason}"
        yield Said(text, (own,), "not-established", user.name)
        return
    for right in rights:
        evidence: list[Cited] = [
            own,
            (Digest.parse(right["dataset"]), "dataset that a right is about"),
            (Digest.parse(right["credential"]), f"credential that the {user.kind} relies on"),
        ]
        if "grant" in right:
            evidence.append((Digest.parse(right["grant"]), f"grant that the {user.kind} relies on"))
        parts = listed(right.get("partitions", ()))
        text = (
            f"{called.get(right['dataset'], right['dataset'])}"
            f"{f' (partitions {parts})' if parts else ''}: "
            f"{listed(right['permits'])}, by {right['issuer']}, "
            f"to {right.get('validUntil', 'no end')}; checked before it was used"
        )
        place = f"{user.name} {Digest.parse(right['credential']).short}"
        yield Said(text, tuple(evidence), "derived", place, by=user.author)


def _withdrawn(facts: CardFacts) -> Iterator[Said]:
    for identity, taken in facts.withdrawn.items():
        text = f"{taken.word}, by log entry {taken.index}"
        evidence: tuple[Cited, ...] = (
            (identity, "credential that it rests on"),
            (taken.list, "status list that takes it back"),
        )
        yield Said(text, evidence, "derived", f"credential {identity.short}", value=taken.word)


def _same_bytes(facts: CardFacts) -> Iterator[Said]:
    for found in facts.shared.values():
        for shared in found:
            files = counted(shared.files, "file is", "files are")
            text = (
                f"of {shared.dataset.name}, {files} also in {shared.name}, whose terms, by "
                f"{shared.issuer}, prohibit {listed(shared.words)}"
            )
            evidence: tuple[Cited, ...] = (
                (shared.dataset.id, "dataset that a right is about"),
                (shared.credential, f"credential about {shared.name}"),
            )
            yield Said(text, evidence, "derived", f"{shared.dataset.name} {shared.name}")


def _challenge(facts: CardFacts) -> Iterator[Said]:
    for one, _ in facts.said:
        subject: Any = one.document["credentialSubject"]
        said = subject["attestation"]
        if said["kind"] != "challenge" or one.id in facts.withdrawn:
            continue
        text = f"{said['grounds']} (disputed: {listed(said['challenges'])})"
        cited: Cited = (one.id, "attestation that disputes the card")
        who = one.issuer
        yield Said(
            text, (cited,), "attested", one.id.short,
            value=said["challenges"], by=who, liable=said["liability"],
        )  # fmt: skip


def _rules(facts: CardFacts) -> Iterator[Said]:
    yield Said("no rules were in force", (named(facts.run or facts.subject),), "derived")


FACTS = {
    "rights.credential": Fact(
        "Credential", "who issued which credential, valid when, with its terms", _credential
    ),
    "rights.permits": Fact(
        "Permits", "what a credential permits", _words("permits", "nothing")
    ),
    "rights.prohibits": Fact(
        "Prohibits", "what a credential prohibits in so many words",
        _words("prohibits", "nothing in so many words"),
    ),
    "rights.requires": Fact(
        "Requires", "the duties that a credential demands",
        _requires,
    ),
    "rights.licence": Fact(
        "Licence by credential", "the licences that a credential names", _licence
    ),
    "rights.attribution": Fact(
        "Attribution", "whom a credential demands to name, and for what", _attribution
    ),
    "rights.deletion": Fact(
        "Deletion", "by when a credential demands to delete the data", _deletion
    ),
    "rights.limits": Fact("Limits", "purposes, places and times that a permission has", _limits),
    "rights.regulatory": Fact(
        "Regulatory status", "what a credential says of it, and who warrants that", _regulatory
    ),
    "rights.quality": Fact("Quality", "what a credential says of quality", _quality),
    "rights.age": Fact("Age", "what a credential says of age", _age),
    "rights.attested": Fact("Attested", "what others attested of the data", _attested),
    "rights.liability": Fact("Liability", "who is liable for what was attested", _liability),
    "rights.withdrawn": Fact(
        "Withdrawn", "which credentials and attestations were taken back", _withdrawn
    ),
    "rights.challenge": Fact("Disputed", "what somebody disputes of the card", _challenge),
}  # fmt: skip

OF_USE = {
    "rights.train": Fact("Right to train", "the rights that the run relies on",
                         _rights("run")),
    "rights.evaluate": Fact("Right to evaluate", "the rights that evaluations rely on",
                            _rights("evaluation")),
    "rights.same-bytes": Fact(
        "The same bytes", "data that also lies where its use is prohibited", _same_bytes
    ),
    "rights.rules": Fact("Rules", "what the organisation's rules decided", _rules),
}  # fmt: skip
"""Facts about the use of data: of models alone."""
