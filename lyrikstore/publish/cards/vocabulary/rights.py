"""Facts about rights: permissions, prohibitions, duties, attestations, revocations.

A card has no time of verification: statements hold as of the issuing of a credential, and
revocations as far as the log contains them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

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


class _Value(NamedTuple):
    """A value that the issuer of a credential states; ``of`` names the partition it holds for."""

    text: str
    of: str = ""
    value: JSON = None
    state: str = "stated"


_Find = Callable[[CardFacts, Manifest, CredentialFacts], Iterator[_Value]]


def _each(find: _Find, *, cites_data: bool = False) -> Callable[[CardFacts], Iterator[Said]]:
    """Return a function that yields the values of a fact for every credential, by its issuer."""

    def found(facts: CardFacts) -> Iterator[Said]:
        for dataset, credential, cited in _credentials(facts):
            evidence = (cited, named(dataset)) if cites_data else (cited,)
            for one in find(facts, dataset, credential):
                subject = f"{_subject(dataset, credential)} {one.of}".rstrip()
                yield Said(
                    one.text, evidence, one.state, subject, value=one.value, by=credential.issuer
                )

    return found


def _own_words(find: _Find) -> Callable[[CardFacts], Iterator[Said]]:
    """Return such a function for a fact that formats before ``card/3`` do not have."""
    values = _each(find, cites_data=True)
    return lambda facts: values(facts) if facts.form.has_publishers_terms else iter(())


def _credential(facts: CardFacts, dataset: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    since, until = one.document["validFrom"], one.document.get("validUntil", "no end")
    text = f"issued by {one.issuer}, valid from {since} to {until}"
    yield _Value(text, value=_terms(facts, dataset, one.document))


def _terms(facts: CardFacts, dataset: Manifest, document: Mapping[str, Any]) -> JSON:
    """Return the validity and the terms of a credential; the credential itself names the files."""
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


def _words(member: str, absent: str) -> Callable[[CardFacts], Iterator[Said]]:
    def find(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
        found, parts = getattr(one.terms, member), len(one.terms.partitions)
        text = listed(found) or absent
        yield _Value(f"{text} (over {parts} partitions)" if parts > 1 else text, value=list(found))

    return _each(find)


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


def _licence(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    if one.terms.licence is not None:
        yield _Value(one.terms.licence, value=one.terms.licence)
    for part in one.terms.partitions:
        if part.licence == NO_LICENCE:
            text = "not established: the credential states none for these files"
            yield _Value(text, part.name, state="not-established")
        elif part.licence is not None:
            yield _Value(part.licence, part.name, part.licence)


def _attribution(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    if "attribution" in one.terms.requires:
        name, whom = one.attribution
        yield _Value(f"{name}, by {whom}", value={"name": name, "by": whom})


def _deletion(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    for part in one.terms.partitions:
        if DELETION in part.requires:
            end = one.end_of(part)
            text = f"the data is to be deleted by {end}" if end else NO_END
            yield _Value(text, part.name, end)


def _limits(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    for partition in _subject_of(one)["licence"]["partitions"]:
        if limits := partition.get("limits"):
            said = (
                f"{name} {listed(value) if isinstance(value, list) else value}"
                for name, value in sorted(limits.items())
                if name != "type"
            )
            yield _Value("; ".join(said), partition["name"])


def _regulatory(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    for said in _subject_of(one).get("regulatory", ()):
        text = f"{said['regime']}: {said['status']}, because {said['basis']}"
        if "asOf" in said:
            text += f", as of {said['asOf']}"
        if (warrantor := said.get("warrantedBy")) is not None:
            text += f"; warranted by {warrantor.get('name') or warrantor.get('did')}"
        yield _Value(text, said["regime"])


def _quality(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    for said in _subject_of(one).get("quality", ()):
        text = f"{said['metric']} {said['value']} ({said['basis']})"
        yield _Value(text, said["metric"], said["value"])


def _age(_: CardFacts, __: Manifest, one: CredentialFacts) -> Iterator[_Value]:
    age = _subject_of(one).get("age", {})
    days = ("collectedFrom", "collectedUntil", "snapshotAt")
    if said := [f"{name} {age[name]}" for name in days if name in age]:
        yield _Value("; ".join(said))


def _subject_of(one: CredentialFacts) -> Mapping[str, Any]:
    found: Mapping[str, Any] = one.document["credentialSubject"]
    return found


def _attestations(find: Callable[[Mapping[str, Any]], str], *, cites_data: bool) -> Any:
    """Return a function that yields the values of a fact for every attestation, by its issuer."""

    def found(facts: CardFacts) -> Iterator[Said]:
        for dataset, attested in facts.attestations.items():
            for one in attested:
                subject = _subject_of(one)
                cited: Cited = (one.id, f"attestation about {subject['name']}")
                evidence = (cited, (dataset, "dataset")) if cites_data else (cited,)
                place = f"{subject['name']} {one.id.short}"
                yield Said(find(subject["attestation"]), evidence, "attested", place, by=one.issuer)

    return found


def _conclusion(said: Mapping[str, Any]) -> str:
    examined = said["examined"]
    extent = examined["extent"]
    if "records" in examined:
        extent = f"{extent} of {counted(int(examined['records']), 'record')}"
    return (
        f"{said['kind']}, by {said['standard']}: {said['conclusion']} (looked at {extent}, "
        f"bytes {examined['content']}). Not shown: {'; '.join(said['limitations'])}"
    )


def _liability(said: Mapping[str, Any]) -> str:
    return str(said["liability"])


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


def _revocations(facts: CardFacts) -> Iterator[Said]:
    for identity, taken in facts.revocations.items():
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
        if said["kind"] != "challenge" or one.id in facts.revocations:
            continue
        text = f"{said['grounds']} (disputed: {listed(said['challenges'])})"
        cited: Cited = (one.id, "attestation that disputes the card")
        who = one.issuer
        yield Said(
            text, (cited,), "attested", one.id.short,
            value=said["challenges"], by=who, liable=said["liability"],
        )  # fmt: skip


FACTS = {
    "rights.credential": Fact(
        "Credential", "who issued which credential, valid when, with its terms",
        _each(_credential, cites_data=True),
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
        "Licence by credential", "the licences that a credential names", _own_words(_licence)
    ),
    "rights.attribution": Fact(
        "Attribution", "whom a credential demands to name, and for what", _own_words(_attribution)
    ),
    "rights.deletion": Fact(
        "Deletion", "by when a credential demands to delete the data", _own_words(_deletion)
    ),
    "rights.limits": Fact("Limits", "purposes, places and times that a permission has",
                          _each(_limits)),
    "rights.regulatory": Fact(
        "Regulatory status", "what a credential says of it, and who warrants that",
        _each(_regulatory),
    ),
    "rights.quality": Fact("Quality", "what a credential says of quality", _each(_quality)),
    "rights.age": Fact("Age", "what a credential says of age", _each(_age)),
    "rights.attested": Fact("Attested", "what others attested of the data",
                            _attestations(_conclusion, cites_data=True)),
    "rights.liability": Fact("Liability", "who is liable for what was attested",
                             _attestations(_liability, cites_data=False)),
    "rights.withdrawn": Fact(
        "Withdrawn", "which credentials and attestations were taken back", _revocations
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
}  # fmt: skip
"""Facts about the use of data: of models alone."""
