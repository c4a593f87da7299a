"""To whom data was handed, and why credentials were revoked: in the log, signed."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.commit.policy_change import change_policy, with_writer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.index.impact import impact_of
from lyrikstore.index.log_view import event_facts, events_of, log_entries
from lyrikstore.publish.deliveries import record_delivery
from lyrikstore.publish.status.changes import reinstate, revoke, suspend
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.store.status_changes import status_changes
from lyrikstore.verify.store.store import verify_store
from tests.publish.issue.deliveries import issue, size


def lineage_of(chain: Any) -> str:
    return str(verify_store(chain.context).check("lineage").state)


def test_a_delivery_is_in_the_log(chain: Any, tmp_path: Path) -> None:
    raw = chain.made["raw"]
    plain = issue(chain, raw, tmp_path / "plain")
    assert plain.delivery is None
    made = issue(chain, raw, tmp_path / "named", to="Example Inc.")
    assert made.delivery is not None
    assert chain.repository.index_of(made.delivery.id) == made.log_index + 1
    record_delivery(chain.context, raw, without=["label"])
    events = [event_facts(one) for one in events_of(chain.repository, [raw])[raw.id]]
    assert [(one["kind"], one["recipient"]) for one in events] == [
        ("delivery", "Example Inc."),
        ("delivery", None),
    ]
    assert [len(one.parents) for one in chain.repository.history("deliveries/acme/contracts")] == [
        1,
        0,
    ]
    rests = impact_of(chain.repository, [made.credential_id]).affected
    assert made.delivery.id in {one.id for one in rests}
    assert lineage_of(chain) == "pass"


@pytest.mark.parametrize("to", [" a", "a\nb", "x" * 257, "\u202eb"])
def test_a_recipient_is_one_line(chain: Any, tmp_path: Path, to: str) -> None:
    before = size(chain)
    with pytest.raises(InvalidInputError) as caught:
        issue(chain, chain.made["raw"], tmp_path / "to", to=to)
    assert caught.value.kind == "bad-recipient"
    assert size(chain) == before


def test_a_delivery_names_its_credential(chain: Any, tmp_path: Path) -> None:
    raw = chain.made["raw"]
    made = issue(chain, raw, tmp_path / "delivery")
    other = next(one for one in chain.made.values() if one.kind == "dataset" and one.id != raw.id)
    chain.log(
        "false",
        kind="delivery",
        name="deliveries/acme/other",
        body={"form": "credential", "to": "Example Inc.", "credential": str(made.credential_id)},
        inputs=[Input("dataset", "dataset", other.id)],
    )
    assert lineage_of(chain) == "fail"


def test_a_withdrawal_names_its_list(chain: Any, tmp_path: Path) -> None:
    first, second = (issue(chain, chain.made["raw"], tmp_path / one) for one in ("a", "b"))
    context = chain.context
    revoke(context, str(first.credential_id), reason="a patient withdrew consent")
    suspend(context, str(second.credential_id))
    reinstate(context, str(second.credential_id), reason="settled")
    changes = [one for some in status_changes(chain.repository).values() for one in some]
    assert [(one.credential, one.effect, one.about, one.reason) for one in changes] == [
        (first.credential_id, "revokes", chain.made["raw"].name, "a patient withdrew consent"),
        (second.credential_id, "suspends", chain.made["raw"].name, ""),
        (second.credential_id, "reinstates", chain.made["raw"].name, "settled"),
    ]
    rows = [row for row in log_entries(chain.repository) if row["standingChanges"]]
    assert [row["type"] for row in rows] == ["credential"] * 3
    assert lineage_of(chain) == "pass"
    why = chain.repository.resolve("withdrawals/acme/contracts~1")
    chain.log(
        "false",
        kind="withdrawal",
        name="withdrawals/acme/other",
        body={**why.body, "credential": str(second.credential_id)},
        inputs=[],
    )
    assert lineage_of(chain) == "fail"


def test_a_reason_is_of_whoever_signed_the_list(chain: Any, tmp_path: Path) -> None:
    # ATTACK A142: somebody else's words, shown as the reason of whoever revoked it.
    made = issue(chain, chain.made["raw"], tmp_path / "delivery")
    revoke(chain.context, str(made.credential_id), reason="a patient withdrew consent")
    why = chain.repository.resolve("withdrawals/acme/contracts")
    other, signer = signer_for("mallory"), chain.context.signer()
    admit = with_writer(other.did, None)
    change_policy(chain.repository, admit, signer=signer, clock=chain.clock)
    with open_transaction(chain.repository) as transaction:
        transaction.log_manifest(
            sign_manifest(
                kind="withdrawal",
                store=chain.repository.store_id,
                name="withdrawals/acme/other",
                body=why.body,
                signer=other,
                created=chain.clock(),
                message="fraud",
            )
        )
        transaction.commit()
    (changes,) = status_changes(chain.repository).values()
    assert [one.reason for one in changes] == ["a patient withdrew consent"]
    assert lineage_of(chain) == "fail"
