"""Terms under which licences are granted, grants under them, and asking for rights."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.grant import Licence, grant_licence
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights.required import Right, check_rights
from tests.contexts import context_of
from tests.credentialed import log_credential

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER, TRAINER, OTHER = (signer_for(name) for name in ("owner", "trainer", "other"))
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
STATUS = "https://data.example/status"
TERMS = Terms(
    (
        Partition(
            "all",
            permits=("evaluate",),
            prohibits=("reidentify",),
            grantable=("train", "commercialUse"),
            limits=UsageLimits(seats=10),
        ),
    )
)


def issued(bench: Any, issuer: Signer, terms: Terms = TERMS) -> bytes:
    """Return the logged credential of a new dataset."""
    bench.write({"a.txt": b"the first", "b.txt": b"the second"})
    bench.commit()
    source = bench.repo.resolve("acme/docs")
    return log_credential(bench.repo, source, issuer, terms, (AT, AT + timedelta(days=10)))


def grant(bench: Any, terms: bytes, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "holder": TRAINER.did,
        "permits": ["train"],
        "until": AT + timedelta(days=5),
        "seats": 3,
        "status_url": STATUS,
        "signer": OWNER,
        "clock": lambda: AT,
    }
    options |= changes
    signed = {name: options.pop(name) for name in ("signer", "clock")}
    named = {name: options.pop(name) for name in Issuance.__struct_fields__ if name in options}
    context = context_of(bench.repo, **signed)
    return grant_licence(context, terms, Licence(**options), Issuance(**named))


def ask(bench: Any, *acts: str, user: str | None = TRAINER.did, **changes: Any) -> list[Right]:
    trust = changes.pop("trust", TRUST)
    use = Use(acts or ("train",), **{"at": AT, "seats": 2, **changes})
    docs = bench.repo.resolve("acme/docs")
    return list(check_rights(bench.repo, [docs], use, trust=trust, user=user))


def refused(words: str, *arguments: Any, **changes: Any) -> None:
    with pytest.raises(PolicyError, match=words):
        ask(*arguments, **changes)
