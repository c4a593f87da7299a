"""Attestations, as `show` and `log` list them."""

from collections.abc import Iterable
from typing import Any

from lyrikstore.api import Manifest, Store
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import check_of
from lyrikstore_cli.output.screen import short_did

Rows = list[dict[str, Any]]


def attestation_rows(store: Store, manifests: Iterable[Manifest]) -> dict[Digest, Rows]:
    """Return the logged attestations about versions, by version, with their verdicts."""
    every = store.credentials.attestations(manifests)
    return {manifest: [_row(one) for one in attested] for manifest, attested in every.items()}


def rows_of_opinions(store: Store) -> Rows:
    """Return the logged opinions on the whole store, with their verdicts."""
    return [_row(one) for one in store.credentials.opinions_on_store()]


def _row(one: Any) -> dict[str, Any]:
    statement, checks = one.outcome.statement, one.outcome.checks
    return {
        "credential": str(one.id),
        "kind": statement.get("kind"),
        "issuer": one.outcome.envelope.issuer,
        "nickname": check_of(checks, "trust.issuer").detail.get("nickname"),
        "opinion": statement.get("opinion"),
        "conclusion": statement.get("conclusion"),
        "isOwnWork": check_of(checks, "attestation").detail.get("reason") == "own-work",
        "verdict": str(one.outcome.verdict),
    }


def attestation_line(row: dict[str, Any]) -> str:
    """Return the line for one attestation."""
    who = row["nickname"] or f"{short_did(row['issuer'] or '')} (unknown to you)"
    own = ", a key of this store" if row["isOwnWork"] else ""
    opinion = f"{row['opinion']}: " if row["opinion"] else ""
    return (
        f"attested {row['kind'] or ''} by {escape_control(who)}{own}: {opinion}"
        f"{escape_control(row['conclusion'] or '')} "
        f"({row['verdict']}, credential {row['credential'][7:19]})"
    )
