"""Facts about reviews of the data: who reviewed what, and with which result (spec §24.6).

A card repeats what reviews state; the check ``reviews`` of ``verify`` computes them again.
"""

from collections.abc import Iterator
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.reviews import NamedReview
from lyrikstore.publish.cards.statement import Cited, Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact

_WORDS = {
    "all": "people reviewed the labels of all records",
    "sample": "people reviewed the labels of a sample",
    "unknown": "not established: no review by others than its author covers all of this data",
}


def _reviewed(facts: CardFacts) -> Iterator[Said]:
    known = {one.manifest.id: one.manifest for one in facts.reviews.reviews}
    for role, dataset in facts.datasets:
        word, by = facts.reviews.reviewed.get(dataset.id, ("not-applicable", ()))
        if word not in _WORDS or role == "dataset":
            continue
        evidence: list[Cited] = [named(dataset)]
        evidence += [named(known[one]) if one in known else _earlier(one) for one in by]
        place = dataset.name if role == "subject" else f"{role} {dataset.name}"
        state = "not-established" if word == "unknown" else "measured"
        yield Said(_WORDS[word], tuple(evidence), state, place, value=word)


def _earlier(review: Digest) -> Cited:
    return review, "review"


def _place(one: NamedReview) -> str:
    return f"{one.dataset} {one.manifest.id.short}"


def _evidence(one: NamedReview) -> tuple[Cited, ...]:
    return named(one.manifest), named(one.request)


def _reviews(facts: CardFacts) -> Iterator[Said]:
    for one in facts.reviews.reviews:
        figures, asked = one.manifest.body["figures"], one.request.body
        drawn = "all records" if figures["items"] == asked["records"] else "a draw by the log"
        by = [
            f"{who['reviewer']} ({counted(who['decided'], 'decision')})"
            for who in figures["reviewers"]
        ]
        text = (
            f"{figures['decided']:,} of {counted(figures['items'], 'item')} decided, from "
            f"{counted(asked['records'], 'record')} ({drawn}), field {asked['field']}: "
            f"{figures['accept']:,} accepted, {figures['change']:,} changed, "
            f"{figures['reject']:,} rejected, {figures['cannotSay']:,} cannot say, "
            f"{figures['disagreed']:,} disagreed, {figures['unanswered']:,} unanswered; "
            f"{'blind, ' if asked['blind'] else ''}requested {_times(figures['requests'])}; "
            f"by {listed(by)}"
        )
        if one.manifest.body["round"] == "adjudication":
            text += "; disagreements were adjudicated"
        value: JSON = {
            **{name: count for name, count in figures.items() if isinstance(count, int)},
            "coverage": figures["coverage"],
            "blind": asked["blind"],
            "round": one.manifest.body["round"],
            "reviewers": [who["reviewer"] for who in figures["reviewers"]],
        }
        yield Said(text, _evidence(one), "measured", _place(one), value=value)


def _times(count: int) -> str:
    return "once" if count == 1 else pluralize(count, "time")


def _agreement(facts: CardFacts) -> Iterator[Said]:
    for one in facts.reviews.reviews:
        figures = one.manifest.body["figures"]
        found = figures.get("agreement")
        if found is None:
            continue
        text = f"{found['agreed']:,} of {counted(found['items'], 'item')} with two decisions"
        text += f", {_rate(found)}"
        value: dict[str, JSON] = dict(found)
        if "kappa" in figures:
            text += f"; Cohen's kappa {figures['kappa']}"
            value["kappa"] = figures["kappa"]
        yield Said(text, _evidence(one), "measured", _place(one), value=value)


def _rate(figure: dict[str, Any]) -> str:
    low, high = figure["interval"]
    return f"{figure['rate']} (95 % interval {low} to {high})"


def _wrong(member: str) -> Any:
    def find(facts: CardFacts) -> Iterator[Said]:
        for one in facts.reviews.reviews:
            found = one.manifest.body["figures"].get(member)
            if found is not None and "rate" in found:
                text = f"{found['wrong']:,} of {counted(found['of'], 'candidate')} changed or "
                text += f"rejected, {_rate(found)}"
                value: JSON = dict(found)
                yield Said(text, _evidence(one), "measured", _place(one), value=value)

    return find


def _warnings(facts: CardFacts) -> Iterator[Said]:
    for one in facts.reviews.reviews:
        figures = one.manifest.body["figures"]
        warnings: dict[str, JSON] = {}
        said = []
        for member, text in (("disagreed", "disagreed"), ("unanswered", "not answered")):
            if figures[member]:
                warnings[member] = figures[member]
                said.append(f"{counted(figures[member], 'item')} {text}")
        for member, text in (
            ("rubberStamp", "decided too fast, or accepted everything"),
            ("author", "signed the dataset as well"),
        ):
            if who := [each["reviewer"] for each in figures["reviewers"] if each[member]]:
                warnings[member] = [*who]
                said.append(f"{listed(who)} {text}")
        if figures["requests"] > 1:
            warnings["requests"] = figures["requests"]
            said.append(f"requested {_times(figures['requests'])} before it was decided")
        if said:
            text = "; ".join(said)
            yield Said(text, _evidence(one), "measured", _place(one), value=warnings)


def _unanswered(facts: CardFacts) -> Iterator[Said]:
    for one in facts.reviews.unanswered:
        text = f"{one.name} was requested, and no review answers it"
        yield Said(text, (named(one),), "derived", f"{one.name} {one.id.short}")


FACTS = {
    "data.labels-reviewed": Fact(
        "Labels reviewed", "whether people reviewed the labels of data in use", _reviewed
    ),
    "data.review": Fact("Review", "who reviewed what, how it was drawn, and how often", _reviews),
    "data.label-agreement": Fact(
        "Agreement of reviewers", "on how many records two reviewers agree", _agreement
    ),
    "data.label-error": Fact(
        "Label errors found", "which share of the labels reviewers changed", _wrong("labelError")
    ),
    "data.override-rate": Fact(
        "Generated labels overruled",
        "which share of a generator's candidates reviewers changed",
        _wrong("overrides"),
    ),
    "data.review-doubts": Fact(
        "Doubts about a review", "what is unresolved, and who decided too fast", _warnings
    ),
    "data.review-unanswered": Fact(
        "Requested and not reviewed", "requests for reviews that no review answers", _unanswered
    ),
}
