"""What goes into an audit file, by its subject."""

from collections import Counter
from typing import Any

import pytest

from lyrikstore.audit.file.answers import answers_of
from lyrikstore.audit.file.make import make_audit
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.audit.file.select import gather
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.history.repository.repository import Repository
from tests.audit.file.conftest import VECTORS
from tests.contexts import context_of
from tests.kinds import refused

TRUST = parse_trust(VECTORS["trust"].encode())


def opened(repository: Repository, about: dict[str, str]) -> OpenedEvidence:
    return OpenedEvidence(gather(repository, about))


def kinds(found: OpenedEvidence) -> Counter[str]:
    return Counter(one.kind for one in found.manifests.values())


def test_of_a_store_nothing_is_left_out(audited: Repository) -> None:
    found = opened(audited, {"store": str(audited.store_id)})
    assert found.left_out == 0
    assert len(found.manifests) == len(list(audited.all_manifests()))


@pytest.mark.parametrize("subject", [None, "acme", "acme/rows", "checkpoints/acme/clauses"])
def test_an_audit_is_sound_and_its_lineage_whole(audited: Repository, subject: str | None) -> None:
    audit = make_audit(context_of(audited, trust=TRUST), subject)
    states = {one.id: str(one.state) for one in audit.report.checks}
    assert states["lineage"] == states["credentials"] == states["log.checkpoint"] == "pass"
    assert "fail" not in states.values()
    left = {name for name, state in states.items() if state == "unchecked"}
    assert left == {"blobs", "datasets"}


def test_of_a_model_its_data_run_card_and_approvals_are_in_it(audited: Repository) -> None:
    model = audited.resolve("checkpoints/acme/clauses")
    found = kinds(opened(audited, {"manifest": str(model.id)}))
    assert found >= Counter(
        [
            "genesis",
            "policy",
            "dataset",
            "filter",
            "run",
            "checkpoint",
            "evaluation",
            "card",
            "approval",
        ]
    )


def test_a_credential_leads_to_what_it_is_about(audited: Repository) -> None:
    credential = next(one for one in audited.entries() if one.type == "credential")
    found = opened(audited, {"credential": str(credential.id)})
    assert credential.id in found.credentials
    assert kinds(found)["dataset"]


def test_no_attachment_and_no_tree_is_in_it(audited: Repository) -> None:
    evidence = gather(audited, {"store": str(audited.store_id)})
    named = {item.id for _, one in audited.all_manifests() for item in one.attachments}
    trees = {one.tree for _, one in audited.all_manifests() if one.tree is not None}
    assert named
    assert not (named | trees) & evidence.objects.keys()


@pytest.mark.parametrize(
    ("subject", "kind"),
    [("nobody", "bad-ref"), ("acme/nothing", "no-ref"), ("0" * 64, "no-id")],
)
def test_an_unknown_subject_is_refused(audited: Repository, subject: str, kind: str) -> None:
    with refused(kind):
        make_audit(context_of(audited, trust=TRUST), subject)


def test_answers_name_entries_of_the_log_alone(audited: Repository) -> None:
    found = opened(audited, {"store": str(audited.store_id)})
    size = len(found.evidence.leaves)
    answers: Any = answers_of(found)
    rows = [row for one in answers for table in one.tables for row in table.rows]
    assert rows
    assert all(row.log and all(0 <= at < size for at in row.log) for row in rows)
    assert all(
        len(row.cells) == len(table.columns)
        for one in answers
        for table in one.tables
        for row in table.rows
    )
