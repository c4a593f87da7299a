"""Attestations about a dataset, as `show` and `log` list them."""

from collections.abc import Iterable
from typing import Any

from lyrikstore.api import Manifest, Store
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import check_of
from lyrikstore_cli.output.screen import short_did

Rows = list[dict[str, Any]]


def attestation_rows(store: Store, manifests: Iterable[Manifest]) -> dict[Digest, Rows]:
    """Return the logged attestations about dataset versions, by version, with their verdicts."""
    rows: dict[Digest, Rows] = {}
    for manifest, attested in store.credentials.attestations(manifests).items():
        rows[manifest] = []
        for one in attested:
            believed = check_of(one.outcome.checks, "trust.issuer")
            rows[manifest].append(
                {
                    "credential": str(one.id),
                    "kind": one.outcome.statement.get("kind"),
                    "issuer": one.outcome.envelope.issuer,
                    "nickname": believed.detail.get("nickname"),
                    "conclusion": one.outcome.statement.get("conclusion"),
                    "verdict": str(one.outcome.verdict),
                }
            )
    return rows


def attestation_line(row: dict[str, Any]) -> str:
    """Return the line for one attestation."""
    who = row["nickname"] or f"{short_did(row['issuer'] or '')} (unknown to you)"
    return (
        f"attested {row['kind'] or ''} by {escape_control(who)}: "
        f"{escape_control(row['conclusion'] or '')} "
        f"({row['verdict']}, credential {row['credential'][7:19]})"
    )
