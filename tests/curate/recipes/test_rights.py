"""Rights in what a filter made: denied by default, under the terms of what it kept."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.status.changes import set_status
from lyrikstore.publish.status.status_registry import StatusRegistry
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights.required import check_rights
from tests.contexts import context_of
from tests.credentialed import log_credential
from tests.curate.recipes.applied import RECIPE, corpus


def _credential(
    bench: Any, manifest: Any, signer: Any, at: Any, permits: list[str] | Terms, **more: Any
) -> None:
    valid = (at, at + timedelta(days=10))
    texts = [("CC-BY-4.0", b"the licence")]
    log_credential(bench.repo, manifest, signer, permits, valid, licence_texts=texts, **more)


def test_rights_deny_by_default_and_say_what_is_missing(bench: Any) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    corpus(bench)
    source = bench.repo.resolve("acme/docs")
    derived = list(bench.filter(RECIPE).manifests.values())
    signer = signer_for("owner")
    trust = Trust((TrustedIssuer(did=signer.did, nickname="me", names=("datasets/acme/*",)),))

    def ask(purpose: str = "train", trust: Trust = trust, at: Any = at) -> list[Any]:
        return check_rights(bench.repo, derived, Use((purpose,), at), trust=trust)

    def refused(
        words: str, step: str = f"lyrikstore permit {source.id.hex}", **options: Any
    ) -> None:
        with pytest.raises(PolicyError) as caught:
            ask(**options)
        assert caught.value.kind == "rights-missing"
        assert words in caught.value.message
        assert "datasets/acme/docs" in caught.value.message
        assert step in caught.value.hint

    def not_named(trust: Trust) -> None:
        step = f"lyrikstore trust add {signer.did} --name NICKNAME"
        refused("whom your trust file does not name", step, trust=trust)

    refused("no credential about it is logged")
    _credential(bench, source, signer, at, ["evaluate"])
    refused("train is not permitted")
    _credential(bench, source, signer, at, ["train", "evaluate"])
    (right,) = ask()
    assert right.dataset == source.id
    assert right.issuer == signer.did
    assert right.to_json()["validUntil"] == "2026-12-04T12:00:00Z"
    assert ask("evaluate")
    refused("not in force", at=at + timedelta(days=11))
    not_named(Trust())
    other = Trust((TrustedIssuer(did=signer.did, nickname="me", names=("datasets/other/*",)),))
    not_named(other)
    auditor = Trust((TrustedIssuer(did=signer.did, nickname="me", roles=("auditor",)),))
    not_named(auditor)


def test_a_filtered_dataset_is_under_the_terms_of_what_it_kept(bench: Any) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    corpus(bench)
    source = bench.repo.resolve("acme/docs")
    signer = signer_for("owner")
    trust = Trust((TrustedIssuer(did=signer.did, nickname="me"),))
    by_kind = {
        kind: (Selector(column="kind", values=(kind,)),) for kind in ("x", "y")
    }  # z.txt is under the terms of the rest
    terms = Terms(
        (
            Partition("open", ("train", "commercialUse"), select=by_kind["x"]),
            Partition("shut", ("evaluate",), ("train",), select=by_kind["y"]),
            Partition("rest", ("train",), limits=UsageLimits(territory=("DE",))),
        )
    )
    _credential(bench, source, signer, at, terms)
    allow = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "kind"\nvalues = '
    only_x = bench.filter(allow + '["x"]\n', to="acme/open").manifests[""]
    both = bench.filter(allow + '["x", "y"]\n', to="acme/mixed").manifests[""]
    rest = bench.filter(allow + '["x", "z"]\n', to="acme/rest").manifests[""]

    def ask(*datasets: Any, use: Use) -> Any:
        return check_rights(bench.repo, datasets, use, trust=trust)

    train = Use(("train",), at)
    (right,) = ask(only_x, use=train)
    assert right.partitions == ("open",)
    assert right.permits == ("train", "commercialUse")
    assert right.to_json()["partitions"] == ["open"]
    assert ask(only_x, use=Use(("train", "commercialUse"), at))
    for datasets, use, words in (
        ([both], train, "prohibited: train (partition shut)"),
        ([only_x, both], train, "prohibited: train (partition shut)"),
        ([source], train, "prohibited: train (partition shut)"),
        ([rest], train, "only in DE, which the use does not declare (partition rest)"),
        ([rest], Use(("train",), at, territory=("US",)), "prohibited: only in DE"),
        ([rest], Use(("train", "commercialUse"), at, ("DE",)), "commercialUse is not permitted"),
    ):
        with pytest.raises(PolicyError, match=re.escape(words)):
            ask(*datasets, use=use)
    (right,) = ask(rest, use=Use(("train",), at, territory=("DE-BY",)))
    assert right.partitions == ("open", "rest")


def test_what_was_revoked_gives_no_right(bench: Any) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    corpus(bench)
    source = bench.repo.resolve("acme/docs")
    signer = signer_for("owner")
    trust = Trust((TrustedIssuer(did=signer.did, nickname="me"),))
    registry = StatusRegistry.of(bench.repo)
    entries = registry.reserve("https://data.example/status", signer, frozenset())
    with open_transaction(bench.repo) as transaction:
        for data in registry.signed(entries, signer, lambda: at).values():
            transaction.log_credential(data)
        transaction.commit()
    _credential(bench, source, signer, at, ["train"], status=entries)
    assert check_rights(bench.repo, [source], Use(("train",), at), trust=trust)
    name = StatusRegistry.of(bench.repo).issued[-1].name
    for purpose, value in (("suspension", True), ("suspension", False), ("revocation", True)):
        now = at = at + timedelta(minutes=10)
        set_status(
            context_of(bench.repo, signer=signer, clock=lambda now=now: now),
            name,
            purpose,
            value=value,
        )
        if value:
            with pytest.raises(PolicyError, match="by its issuer"):
                check_rights(bench.repo, [source], Use(("train",), at), trust=trust)
        else:
            assert check_rights(bench.repo, [source], Use(("train",), at), trust=trust)
