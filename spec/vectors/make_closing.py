"""Which answers to a question close its items (spec §24.3)."""

from typing import Any

from lyrikstore.publish.cards.answer import GivenAnswer, closing_answers

CASES: dict[str, list[tuple[str, bool]]] = {
    "nobody": [],
    "one-person": [("attested", False)],
    "the-developer-alone": [("attested", True)],
    "the-developer-beside-unknown": [("attested", True), ("not-established", False)],
    "the-developer-beside-stale": [("stale", False), ("attested", True)],
    "the-developer-beside-contradicted": [("attested", True), ("contradicted", False)],
    "the-developer-says-that-it-does-not-apply": [
        ("not-applicable", True),
        ("not-established", False),
    ],
    "the-developer-and-somebody-who-agrees": [("attested", True), ("not-applicable", False)],
    "somebody-beside-unknown": [("attested", False), ("not-established", False)],
    "somebody-and-the-developer-beside-unknown": [
        ("attested", False),
        ("attested", True),
        ("not-established", False),
    ],
    "the-developer-who-does-not-know": [("attested", False), ("not-established", True)],
    "two-keys-of-the-developer": [("attested", True), ("not-established", True)],
}


def make() -> dict[str, Any]:
    """Return the file; ``closing`` has the places of the answers that close."""
    cases = []
    for name, said in CASES.items():
        given = [GivenAnswer(str(at), state, own) for at, (state, own) in enumerate(said)]
        closing = sorted(int(one) for one in closing_answers(given))
        answers = [{"state": state, **({"own": True} if own else {})} for state, own in said]
        cases.append({"id": name, "answers": answers, "closing": closing})
    return {"cards/closing.json": {"cases": cases}}
