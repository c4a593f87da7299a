"""A split keeps groups together, or refuses: over steps before it, and over filters before."""

import json
from typing import Any

import pytest

from lyrikstore.canon.errors import IncompleteError, InvalidInputError
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes import groups

SPLIT = '[[step]]\nuse = "{}"\ntrain = 0.5\nvalidation = 0\ntest = 0.5\n'
MAP = 'recipe = 1\n[[step]]\nuse = "map/1"\n'
DROP = MAP + 'drop = ["customer"]\n'


@pytest.fixture
def appeals(bench: Any) -> Any:
    rows = [
        {"id": n, "text": f"appeal {n}", "customer": f"C{n % 7}", "clerk": f"K{n}"}
        for n in range(42)
    ]
    bench.write({"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    roles = FieldRoles(("text",), id="id", group="customer")
    bench.commit(stated=CommitMetadata(roles=roles))
    return bench


def parts(bench: Any, result: Any) -> dict[int, set[str]]:
    """Return customer → the parts that have records of it."""
    found: dict[int, set[str]] = {}
    for part, manifest in result.manifests.items():
        for entry in bench.repo.tree(manifest).entries:
            for line in bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20).splitlines():
                found.setdefault(json.loads(line)["id"] % 7, set()).add(part)
    return found


def refused(bench: Any, recipe: str, *refs: str) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(recipe, *refs, to="acme/refused")
    assert caught.value.kind == "lost-group"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("use", ["split/1", "split/2", "split/3"])
def test_a_field_that_is_left_out_still_keeps_records_together(appeals: Any, use: str) -> None:
    split = SPLIT.format(use)
    assert "customer" in refused(appeals, DROP + split).hint
    made = appeals.filter(DROP + split + 'by = "customer"\n')
    assert all(len(one) == 1 for one in parts(appeals, made).values())
    with pytest.raises(InvalidInputError) as caught:
        appeals.filter(DROP + split + 'by = "customers"\n')
    assert caught.value.kind == "unknown-column"


@pytest.mark.parametrize("use", ["split/2", "split/3"])
def test_a_role_goes_on_under_another_name(appeals: Any, use: str) -> None:
    split = SPLIT.format(use)
    made = appeals.filter(MAP + 'rename = { customer = "client" }\n' + split)
    assert all(len(one) == 1 for one in parts(appeals, made).values())
    # The source's field of that name is another one, with other values.
    taken = MAP + 'rename = { customer = "clerk", clerk = "by" }\n'
    refused(appeals, taken + split)
    made = appeals.filter(taken + split + 'by = "customer"\n')
    assert all(len(one) == 1 for one in parts(appeals, made).values())
    refused(appeals, taken + split + 'by = "clerk"\n')


def test_a_renamed_field_whose_values_may_go(appeals: Any) -> None:
    rename = MAP + 'rename = { customer = "client" }\n'
    values = 'values.customer = { C1 = "one" }\n'
    refused(appeals, rename + 'unmapped = "drop"\n' + values + SPLIT.format("split/2"))
    redact = '[[step]]\nuse = "redact/3"\n'
    refused(appeals, rename + redact + SPLIT.format("split/3"))


def test_a_filter_before_left_the_field_out(appeals: Any) -> None:
    appeals.filter(DROP, to="acme/bare")
    appeals.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n', "acme/bare", to="acme/barer")
    split = "recipe = 1\n" + SPLIT.format("split/2")
    for name in ("acme/bare", "acme/barer"):
        assert "acme/docs" in refused(appeals, split, name).message
    assert set(appeals.filter(split + 'by = "id"\n', "acme/bare").manifests) == {"train", "test"}


def test_a_filter_before_took_values_of_the_field(bench: Any, monkeypatch: Any) -> None:
    rows = [{"text": f"text {n}", "mail": f"m{n % 5}@example.org"} for n in range(40)]
    rows += [{"text": f"more {n}", "mail": f"desk {n % 5}"} for n in range(40)]
    bench.write({"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit(stated=CommitMetadata(roles=FieldRoles(("text",), group="mail")))
    redact = 'recipe = 1\n[[step]]\nuse = "{}"\n'
    split = "recipe = 1\n" + SPLIT.format("split/3")
    bench.filter(redact.format("scan/1"), to="acme/scanned")
    assert set(bench.filter(split, "acme/scanned").manifests) == {"train", "test"}
    bench.filter(redact.format("redact/2"), to="acme/redacted")
    assert "redacted" in refused(bench, split, "acme/redacted").message
    assert set(bench.filter(split + 'by = "mail"\n', "acme/redacted").manifests)
    bench.filter(MAP + 'rename = { mail = "sender" }\n', "acme/redacted", to="acme/renamed")
    refused(bench, split, "acme/renamed")
    # ATTACK A153: of decisions that are gone nobody can say that no group was parted.

    def gone(_: object) -> None:
        raise IncompleteError("blob-lost", "the decisions are not here")

    monkeypatch.setattr(groups, "decision_batches", gone)
    assert "cannot be read" in refused(bench, split, "acme/renamed").message


def test_chunks_of_a_text_stay_together(bench: Any) -> None:
    rows = [{"text": f"one {n}\n\ntwo {n}\n\nthree {n}"} for n in range(30)]
    bench.write({"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit(stated=CommitMetadata(roles=FieldRoles(("text",))))
    bench.filter('recipe = 1\n[[step]]\nuse = "chunk/2"\nsize = 8\n', to="acme/cut")
    split = "recipe = 1\n" + SPLIT.format("split/3")
    assert 'by = "document"' in refused(bench, split, "acme/cut").hint
    assert set(bench.filter(split + 'by = "document"\n', "acme/cut").manifests)


def test_a_step_that_drops_more_than_a_fifth_says_so(bench: Any) -> None:
    rows = [{"plan": f"P{n % 3}", "state": "MA", "appeal": f"text {n}"} for n in range(20)]
    bench.write({"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit(stated=CommitMetadata(roles=FieldRoles(("plan", "state"))))
    recipe = 'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n[[step]]\nuse = "drop-duplicates/2"\n'
    (said,) = bench.filter(recipe).large_drops
    assert (said.step, said.use, said.came) == (2, "drop-duplicates/2", 20)
    assert said.reasons == {"duplicate-exact": 17}
    assert "plan, state" in said.hint
    assert "--text" in said.hint
    assert bench.filter(recipe + 'by = ["appeal"]\n').large_drops == ()
