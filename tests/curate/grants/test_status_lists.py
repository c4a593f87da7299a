"""Status lists of grants: nobody takes over those of somebody else, or a revocation back."""

import json
from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import VerificationError
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES as ENTRIES
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry, status_entries
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.crypto.keys.signer import OrganisationSigner
from lyrikstore.history.commit.policy_change import change_policy, revoked
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.publish.imports.import_credentials import import_credentials
from lyrikstore.publish.status.changes import renew_lists, set_status
from lyrikstore.publish.status.publish_lists import file_names
from lyrikstore.publish.status.status_registry import StatusRegistry, current_registry
from lyrikstore.verify.credential.grant import check_grant
from lyrikstore.verify.credential.status import logged_status_updates
from tests.contexts import context_of
from tests.curate.grants.granting import AT, OTHER, OWNER, STATUS, TRUST, ask, grant
from tests.kinds import refused


def test_nobody_takes_over_the_status_lists_of_somebody_else(bench: Any, terms: bytes) -> None:
    made = grant(bench, terms)
    (url,) = [one for one in made.lists if "revocation" in one]
    claims = Claims.of(parse(terms)["credentialSubject"])
    attestation = issue(
        build_attestation(
            CredentialMetadata(OTHER.did, AT, status=[StatusEntry("revocation", 5, url)]),
            claims,
            kind="quality",
            statement={
                "extent": "all",
                "standard": "none",
                "method": "none",
                "conclusion": "all is well",
                "limitations": ["everything"],
                "liability": "nobody",
                "results": [{"metric": "none", "value": "0"}],
            },
            documents={},
            content_checked=True,
        ),
        OTHER,
        AT,
    )
    later = AT + timedelta(minutes=5)
    forged = sign_list(url, "revocation", bytes(ENTRIES // 8), OTHER, later, timedelta(days=9))

    def take(wanted: dict[str, bytes], beside: dict[str, bytes]) -> Any:
        return import_credentials(
            context_of(bench.repo, signer=OWNER, trust=TRUST, clock=lambda: later), wanted, beside
        )

    with pytest.raises(VerificationError, match="another issuer"):
        take({"list.json": forged}, {})
    # Below the URL of ours, but a list of its own: it takes nothing back here, nor keeps ours from.
    taken = take({"attestation.json": attestation}, {"list.json": forged})
    assert taken.logged == (Digest.of(attestation), Digest.of(forged))
    lists = StatusRegistry.of(bench.repo).lists
    assert lists[url, OWNER.did].data == made.lists[url]
    assert lists[url, OTHER.did].data == forged
    assert [
        (name, one.data)
        for name, one in file_names([lists[url, OWNER.did], lists[url, OTHER.did]]).items()
    ] == [
        (url.rpartition("/")[2], made.lists[url]),
        (url.removeprefix("https://"), forged),
    ]
    assert take({"attestation.json": attestation}, {}).logged == ()
    assert ask(bench)  # and what it says gives nobody a right, nor takes one


def test_nobody_signs_the_lists_of_an_organisation_but_its_own_keys(bench: Any) -> None:
    url, web = f"{STATUS}/revocation-1.json", "did:web:acme.example"
    for number, signer in enumerate((OWNER, OTHER, OWNER, OTHER)):
        made = AT + timedelta(minutes=number)
        house = OrganisationSigner(signer, web)
        data = sign_list(url, "revocation", bytes(ENTRIES // 8), house, made, timedelta(days=9))
        with open_transaction(bench.repo) as transaction:
            transaction.log_credential(data)
            transaction.commit()
    current = StatusRegistry.of(bench.repo).lists[url, web]
    assert current.signer == OWNER.did
    assert current.content.valid_from == AT + timedelta(minutes=2)


@pytest.mark.parametrize("stolen", [False, True])
def test_nobody_but_the_issuer_takes_a_revocation_back(
    bench: Any, terms: bytes, *, stolen: bool
) -> None:
    made = grant(bench, terms)
    urls = [one for one in made.lists if "revocation" in one]
    before = made.lists[urls[0]]
    signing = {"signer": OWNER, "clock": lambda: AT + timedelta(minutes=5)}
    set_status(context_of(bench.repo, **signing), str(made.id), "revocation", value=True)
    # Another writer logs the list from before again, spelt otherwise: or signs one, as a thief.
    again = json.dumps(parse(before), indent=1).encode()
    if stolen:
        since = len(bench.repo.entries())
        clear = bytes(ENTRIES // 8)
        later = AT + timedelta(hours=1)
        again = sign_list(urls[0], "revocation", clear, OWNER, later, timedelta(days=9))
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(again)
        transaction.commit()
    if stolen:  # whoever has read it by then reads it anew
        assert current_registry(bench.repo).lists[urls[0], OWNER.did].content.valid_from == later
        change = revoked(OWNER.did, since, OTHER.did)
        change_policy(bench.repo, change, **signing)
        bench.repo.refresh()
    current = current_registry(bench.repo).lists[urls[0], OWNER.did].content
    assert any(current.bits)
    assert current.valid_from < AT + timedelta(hours=1)
    (entry,) = [one for one in status_entries(parse(made.data)) if one.purpose == "revocation"]
    assert current.holds(entry.index)
    outcome = check_grant(
        OpenedCredential(made.data),
        trust=TRUST,
        at=AT + timedelta(hours=2),
        status_updates=logged_status_updates(bench.repo),
    )
    status = next(check for check in outcome.checks if check.id == "status")
    assert status.detail["reason"] == "revoked"


def test_a_list_has_an_address_that_can_be_fetched(bench: Any) -> None:
    with refused("bad-url"):
        sign_list("http://a.example/1", "revocation", bytes(ENTRIES // 8), OWNER, AT, timedelta(9))
    context = context_of(bench.repo, signer=OWNER, clock=lambda: AT)
    with refused("no-lists"):
        renew_lists(context)
    with refused("no-keys"):
        context._keys()
