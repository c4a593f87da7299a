"""Facts about a model that others attest: opinions of auditors and lawyers (spec §20.10)."""

from collections.abc import Iterator
from typing import Any

from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.statement import Cited, Said
from lyrikstore.publish.cards.vocabulary.fact import Fact

EXTENTS = {"all": "all of it", "sample": "a sample", "documents": "documents only"}


def _opinion(facts: CardFacts) -> Iterator[Said]:
    own = {facts.subject.author, *([] if facts.run is None else [facts.run.author])}
    for one in facts.opinions:
        if one.id in facts.revocations:
            continue
        subject: Any = one.document["credentialSubject"]
        said = subject["attestation"]
        examined, period = said["examined"], said.get("period")
        during = f"for {period['from']} to {period['until']}; " if period else ""
        content = "" if examined["content"] == "checked" else ", its bytes not checked"
        text = (
            f"{said['kind']}, {said['opinion']}: {said['conclusion']} ({during}examined: "
            f"{EXTENTS[examined['extent']]}{content}, by {said['standard']}; limitations: "
            f"{said['limitations'][0]}; as of log entry {said['log']['size'] - 1})"
        )
        if not own.isdisjoint({one.issuer, one.signer}):
            text = f"by whoever made the model, so by nobody independent: {text}"
        cited: Cited = (one.id, "opinion on the model")
        yield Said(
            text, (cited,), "attested", f"{said['kind']} {one.id.short}",
            value=said["opinion"], by=one.issuer, liable=said["liability"],
        )  # fmt: skip


FACTS = {
    "model.opinion": Fact("Opinion", "what auditors and lawyers attest of the model", _opinion),
}
