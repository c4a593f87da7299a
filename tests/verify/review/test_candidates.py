"""Which generated data nobody reviewed, and which terms do not permit training on it."""

from collections.abc import Mapping
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.verify.review.candidates import (
    OutputTerms,
    output_terms_against_training,
    unreviewed_candidates,
)
from tests.lineages import lineage_of

DROPS = {"use": "reviewed/1", "unreviewed": "drop"}


def stated(kind: str, name: str, body: Mapping[str, Any], *inputs: Input) -> Manifest:
    """Return a manifest as one that was read."""
    data = name.encode()
    return Manifest(
        kind,
        None,
        name,
        parents=(),
        inputs=inputs,
        tree=None,
        files=None,
        body=dict(body),
        author="",
        created="",
        message="",
        attachments=(),
        proof={},
        data=data,
        id=Digest.of(data),
    )


def terms(*permits: str) -> dict[str, Any]:
    """Return the body of a generated dataset."""
    made = [{"name": one, "outputTerms": {"permitsTraining": one}} for one in permits]
    return {"origin": "generated", "generators": made}


WRITTEN = stated("dataset", "written", terms("yes"))
OLDER = stated("dataset", "older", terms("yes"))
PLAIN = stated("dataset", "plain", {"origin": "committed"})
REVIEW = stated("review", "review", {}, Input("dataset", "dataset", WRITTEN.id))
OTHER = stated("review", "other", {}, Input("dataset", "dataset", OLDER.id))


def derived(
    name: str,
    *sources: Manifest,
    step: Mapping[str, Any] | None = None,
    by: Manifest | None = None,
) -> tuple[Manifest, Manifest]:
    """Return a filter, and a dataset that it made."""
    used = stated("filter", f"filter of {name}", {"steps": [dict(step or {"use": "dedup/1"})]})
    inputs = [Input("source", "dataset", one.id) for one in sources]
    inputs.append(Input("filter", "filter", used.id))
    if by is not None:
        inputs.append(Input("review", "review", by.id))
    return used, stated("dataset", name, {"origin": "filtered"}, *inputs)


def found(part: Manifest, *known: Manifest) -> list[str]:
    """Return the names of the data that nobody reviewed."""
    lineage: Lineage = lineage_of(WRITTEN, OLDER, PLAIN, REVIEW, OTHER, *known, part)
    return [one.name for one in unreviewed_candidates(lineage, [part.id], lambda one: one)]


@pytest.mark.parametrize(
    ("step", "by", "clear"),
    [
        (DROPS, REVIEW, True),
        ({"use": "reviewed/1"}, REVIEW, False),
        ({**DROPS, "unreviewed": "keep"}, REVIEW, False),
        ({**DROPS, "use": "reviewed/9"}, REVIEW, False),
        (DROPS, OTHER, False),
        (DROPS, None, False),
        (None, REVIEW, False),
    ],
)
def test_every_way_needs_a_review(
    step: Mapping[str, Any] | None, by: Manifest | None, clear: bool
) -> None:
    """ATTACK A230, A231: data that nobody reviewed, beside a review or behind another's."""
    made = derived("reviewed", WRITTEN, step=step, by=by)
    assert found(*reversed(made)) == ([] if clear else ["written"])
    split = derived("split", made[1])
    assert found(split[1], *made, split[0]) == ([] if clear else ["written"])
    with_others = derived("with others", split[1], PLAIN)
    assert found(with_others[1], *made, *split, with_others[0]) == ([] if clear else ["written"])
    united = derived("united", made[1], WRITTEN)
    assert found(united[1], *made, united[0]) == ["written"]


def test_what_no_model_wrote_needs_none() -> None:
    assert found(PLAIN) == []
    assert found(WRITTEN) == ["written"]
    imported = stated("dataset", "imported", {"origin": "imported"})
    lineage = lineage_of(imported)
    carried = {imported.id: WRITTEN}
    assert unreviewed_candidates(lineage, [imported.id], lambda one: carried[one.id]) == [imported]


@pytest.mark.parametrize(
    ("permits", "against"),
    [(("yes",), ""), (("yes", "unknown"), "unknown"), (("unknown", "no"), "no"), ((), "")],
)
def test_terms_against_training(permits: tuple[str, ...], against: str) -> None:
    """ATTACK A232: terms that nobody read are no yes."""
    answer = output_terms_against_training(stated("dataset", "x", terms(*permits)))
    assert answer == (OutputTerms(against, against) if against else None)
