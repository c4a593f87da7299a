"""Rights of runs: those that do not hold, those by a grant, those that were taken back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import PinnedDocument
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.status.revoked_rights import Withdrawal, withdrawals
from lyrikstore.verify.report_text import became_of_right, rights_alone
from make_credentials import metadata_in
from tests.verify.store.lineage import Lineage, problems, states


def _evaluable(lineage: Lineage) -> dict[str, Any]:
    data = lineage.publisher.credential(
        terms=whole(["evaluate"], ["train"]),
        id="urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1c",
    )
    return _right(lineage, credential=str(lineage.log_credential(data)))


RIGHTS: dict[str, tuple[Callable[[Lineage], dict[str, Any]], str]] = {
    "none recorded": (lambda lineage: {"rights": []}, "recorded no right"),
    "purpose not permitted": (lambda lineage: {"purpose": "redistribute"}, "does not permit"),
    # ATTACK: the terms let one evaluate, and nobody train.
    "trained, to evaluate": (
        lambda lineage: {**_evaluable(lineage), "purpose": "evaluate"},
        "prohibited: train",
    ),
    "credential not logged": (
        lambda lineage: _right(lineage, credential=str(Digest.of(b"nothing"))),
        "is not here",
    ),
    "a manifest instead": (
        lambda lineage: _right(lineage, credential=str(lineage.ids["base"])),
        "is not here",
    ),
    "another issuer": (
        lambda lineage: _right(lineage, issuer=lineage.world.MALLORY.did),
        "another issuer",
    ),
}


def _right(lineage: Lineage, **changes: str) -> dict[str, Any]:
    run = lineage.repository.manifest(lineage.ids["run"])
    return {"rights": [{**run.body["rights"][0], **changes}]}


@pytest.mark.parametrize("case", RIGHTS)
def test_rights_that_do_not_hold(fresh: Lineage, case: str) -> None:
    change, expected = RIGHTS[case]
    run = fresh.run("runs/acme/other", body=change(fresh))
    fresh.ids["other"] = run.id
    report = fresh.object("other")
    assert report.verdict == "invalid"
    assert expected in problems(report, "rights")


def test_rights_after_the_end(fresh: Lineage) -> None:
    late = fresh.world.NOW + timedelta(days=700)
    fresh.ids["late"] = fresh.run("runs/acme/late", created=late).id
    assert "not in force" in problems(fresh.object("late"), "rights")


def test_rights_from_a_credential_logged_later(fresh: Lineage) -> None:
    data = fresh.publisher.credential(terms=whole(["train"]))
    run = fresh.run("runs/acme/eager", body=_right(fresh, credential=str(Digest.of(data))))
    fresh.log_credential(data)
    fresh.ids["eager"] = run.id
    assert fresh.object("eager").check("rights").detail["reason"] == "not-logged"


# --- rights by grant ----------------------------------------------------------------------------


def granted(lineage: Lineage, holder: str, **changes: Any) -> dict[str, Any]:
    """Log terms under which training may be granted, and a grant; return the right it gives."""
    from lyrikstore.credentials.issue import issue, reference_to
    from lyrikstore.credentials.model.credential import Claims
    from lyrikstore.credentials.model.grant import build_grant
    from lyrikstore.credentials.terms.model import whole

    world = lineage.world
    terms = lineage.publisher.credential(terms=whole(["evaluate"], grantable=["train"]))
    arguments: dict[str, Any] = {
        "about": Claims.of(json.loads(terms)["credentialSubject"]),
        "terms": reference_to(terms),
        "holder": holder,
        "permits": ["train"],
        "issuer": world.OWNER.did,
        "valid_from": world.NOW - timedelta(days=1),
        "valid_until": world.NOW + timedelta(days=30),
        **changes,
    }
    grant = issue(build_grant(metadata_in(arguments), **arguments), world.OWNER, world.NOW)
    return {
        "dataset": str(lineage.publisher.manifest.id),
        "credential": str(lineage.log_credential(terms)),
        "grant": str(lineage.log_credential(grant)),
        "issuer": world.OWNER.did,
        "permits": ["evaluate", "train"],
    }


@pytest.mark.parametrize(
    ("holder", "changes", "problem"),
    [
        ("owner", {}, ""),
        ("mallory", {}, "granted to"),
        ("owner", {"valid_until": datetime(2026, 11, 24, 1, tzinfo=UTC)}, "expired"),
        ("owner", {"permits": ["evaluate"]}, "does not permit"),
    ],
)
def test_a_run_may_rest_on_a_grant(
    fresh: Lineage, holder: str, changes: dict[str, Any], problem: str
) -> None:
    world = fresh.world
    did = world.OWNER.did if holder == "owner" else world.MALLORY.did
    right = granted(fresh, did, **changes)
    run = fresh.run("runs/acme/granted", body={"rights": [right]})
    fresh.ids["granted"] = run.id
    report = fresh.object("granted")
    assert problem in problems(report, "rights")
    assert states(report)["rights"] == ("fail" if problem else "pass")
    if not problem:
        assert fresh.store().verdict == "trusted"


def test_a_run_may_rest_on_a_grant_to_an_organisation(fresh: Lineage) -> None:
    world, web = fresh.world, "did:web:buyer.example"
    right = granted(fresh, web)
    fresh.ids["granted"] = fresh.run("runs/acme/granted", body={"rights": [right]}).id
    report = fresh.object("granted")
    assert "you pinned no document" in problems(report, "rights")
    assert (states(report)["rights"], report.verdict) == ("unchecked", "incomplete")
    for signer, state in ((world.OWNER, "pass"), (world.MALLORY, "fail")):
        key = encode_multikey(signer.public)
        document = json.dumps(build_document(web, {key: key})).encode()
        trust = replace(world.trusting(world.OWNER.did), documents=(PinnedDocument(web, document),))
        assert states(fresh.object("granted", trust=trust))["rights"] == state


# --- models whose rights were taken back ---------------------------------------------------------

LIST = "https://data.example/status/revocation.json"


def _list(lineage: Lineage, made: datetime, *, value: bool, signer: Any = None) -> Digest:
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    bits[0] = 0b10000000 if value else 0
    by = signer or lineage.world.OWNER
    data = sign_list(LIST, "revocation", bytes(bits), by, made, timedelta(days=90))
    return lineage.log_credential(data)


def _model_by_revocable_right(lineage: Lineage) -> Manifest:
    _list(lineage, lineage.world.NOW, value=False)
    status = [StatusEntry("revocation", 0, LIST)]
    name = "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1d"
    credential = lineage.publisher.credential(status=status, id=name)
    right = _right(lineage, credential=str(lineage.log_credential(credential)))
    outputs = {"plannedOutputs": ["checkpoints/acme/other"]}
    run = lineage.run("runs/acme/other", body={**right, **outputs})
    return lineage.trained(run, name="checkpoints/acme/other")


def test_a_store_reports_which_model_rests_on_a_revoked_right(fresh: Lineage) -> None:
    model = _model_by_revocable_right(fresh)
    run = fresh.repository.manifest(model.inputs_in("run")[0].id)
    (right,) = run.body["rights"]
    assert fresh.store().verdict == "trusted"
    later = fresh.world.NOW + timedelta(hours=1)
    _list(fresh, later, value=True, signer=fresh.world.MALLORY)
    assert fresh.store(at=later).verdict == "trusted"
    assert withdrawals(fresh.repository, [right]) == {}
    taken = _list(fresh, later, value=True)
    report = fresh.store(at=later)
    check = report.check("rights")
    assert (report.verdict, check.state) == ("valid", "warn"), check
    assert check.detail["reason"] == "taken-back-later"
    assert check.detail["models"] == [str(model.id)]
    assert model.name in problems(report, "rights")
    assert became_of_right(rights_alone(report)) == "taken-back-later"
    check_schema(report.to_json(), "report")
    index = fresh.repository.index_of(taken, "credential")
    identity = Digest.parse(right["credential"])
    assert withdrawals(fresh.repository, [right]) == {identity: Withdrawal("revoked", taken, index)}
    assert withdrawals(fresh.repository, [right], set()) == {}
    _list(fresh, later + timedelta(hours=1), value=False)  # a suspension would end so
    assert withdrawals(fresh.repository, [right]) == {}


def test_a_store_with_a_model_by_no_right_is_invalid(fresh: Lineage) -> None:
    body = {"rights": [], "plannedOutputs": ["checkpoints/acme/other"]}
    run = fresh.run("runs/acme/other", body=body)
    assert fresh.store().verdict == "trusted"  # nothing came of it
    model = fresh.trained(run, name="checkpoints/acme/other")
    report = fresh.store()
    assert (report.verdict, report.check("rights").detail["reason"]) == ("invalid", "none-recorded")
    assert report.check("rights").detail["models"] == [str(model.id)]
