"""Facts about the subject of a card, a model or a dataset: name, content, signer."""

from collections.abc import Iterator

from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Said, counted, named
from lyrikstore.publish.cards.vocabulary.fact import Fact


def _name(facts: CardFacts) -> Iterator[Said]:
    subject = facts.subject
    text = f"{subject.name}, manifest {subject.id}"
    yield Said(text, (named(subject),), value=subject.name)


def _version(facts: CardFacts) -> Iterator[Said]:
    own = named(facts.subject)
    if facts.version is None:
        reason = "the store's policy gives this manifest no effect"
        yield Said(f"not established: {reason}", (own,), "not-established")
    elif facts.previous is None:
        yield Said(f"version {facts.version} of its name, the first", (own,), value=facts.version)
    else:
        text = f"version {facts.version} of its name, after {facts.previous.id.short}"
        yield Said(text, (own, named(facts.previous)), value=facts.version)


def _content(facts: CardFacts) -> Iterator[Said]:
    files, size = counted(facts.files, "file"), counted(facts.bytes, "byte")
    text = f"{files}, {size}, tree {facts.subject.tree}"
    yield Said(text, (named(facts.subject),), "measured", value=facts.bytes)


def _signer(facts: CardFacts) -> Iterator[Said]:
    subject = facts.subject
    text = f"signed by {subject.author}, who claims the time {subject.created}"
    yield Said(text, (named(subject),), "stated", by=subject.author)


def _logged(facts: CardFacts) -> Iterator[Said]:
    text = f"entry {facts.log_index} of the log {facts.origin}"
    yield Said(text, (named(facts.subject),), value=facts.log_index)


FACTS = {
    "subject.name": Fact("Name", "name and id of what the card is about", _name),
    "subject.version": Fact("Version", "which version of its name, and after which", _version),
    "subject.content": Fact("Content", "its files and their bytes", _content),
    "subject.signer": Fact("Signed by", "whose key signed it", _signer),
    "subject.logged": Fact("Logged", "where it stands in the log", _logged),
}
