"""Makes ``refs/``: logs of manifests, and the refs and flags that follow from them.

Signatures are real, so a reader that skips them cannot pass the case ``forged``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, VerificationError
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import (
    Change,
    revoked,
    rotated,
    with_approvers,
    with_misdated,
    with_writer,
    without_log_key,
)
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy, Retired, Role, matches
from lyrikstore.history.repository.clock_floor import Dated, floors_of
from lyrikstore.history.repository.refs import RefTable

ADA, BEN, LOG, CAT = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (1, 2, 3, 4))
KEY = VerifierKey("example.org/archive", LOG.public)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
NAME = "datasets/acme/texts"
BODY = {
    "reader": "document/1",
    "records": 0,
    "bytes": 0,
    "fileCount": 0,
    "origin": "committed",
    "descriptor": {},
    "ignored": 0,
}
EMPTY = Digest.of(b"")


def genesis(nonce: str = "0" * 32) -> Manifest:
    """Return the genesis of the example store."""
    return sign_manifest(
        kind="genesis",
        store=None,
        name=GENESIS_NAME,
        body=Genesis(KEY.name, nonce, Policy.first(ADA.did, [KEY])).to_json(),
        signer=ADA,
        created=NOW,
    )


FOUNDED = genesis()


def version(
    message: str,
    parents: Sequence[Manifest] = (),
    *,
    name: str = NAME,
    signer: KeySigner = ADA,
    store: Digest = FOUNDED.id,
) -> Manifest:
    """Return a version of a dataset."""
    return sign_manifest(
        kind="dataset",
        store=store,
        name=name,
        body=BODY,
        tree=EMPTY,
        files=EMPTY,
        parents=[parent.id for parent in parents],
        signer=signer,
        created=NOW,
        message=message,
    )


def policy(number: int, parent: Manifest, signer: KeySigner = ADA) -> Manifest:
    """Return a policy that also lets BEN sign datasets."""
    roles = {
        "helper": Role((BEN.did,), 1, ("datasets/acme/*",), ("dataset",)),
        "owner": Role((ADA.did,), 1, ("*",), ("*",)),
    }
    return sign_manifest(
        kind="policy",
        store=FOUNDED.id,
        name=GENESIS_NAME,
        body={"policy": Policy(number, roles, (KEY,)).to_json()},
        parents=[parent.id],
        signer=signer,
        created=NOW,
    )


def unsaid(policy: Manifest) -> Manifest:
    """Return the same policy without the names of its roles that have too few keys."""
    stated = {name: value for name, value in policy.body["policy"].items() if name != "unmet"}
    return sign_manifest(
        kind="policy",
        store=FOUNDED.id,
        name=GENESIS_NAME,
        body={"policy": stated},
        parents=policy.parents,
        signer=ADA,
        created=NOW,
    )


def cases() -> dict[str, list[bytes]]:
    """Return case → logged manifests after the genesis."""
    one = version("1")
    two = version("2", [one])
    rival = version("rival", [one])
    helper = version("by a helper", signer=BEN)
    second = policy(2, FOUNDED)
    forged = one.encode().replace(b'"message":"1"', b'"message":"x"')
    first = Genesis.parse(FOUNDED.body).policy

    def changed(change: Change, before: Manifest | None = None, by: KeySigner = ADA) -> Manifest:
        base = first if before is None else Policy.parse(before.body["policy"])
        following = replace(change(base), version=base.version + 1)
        return sign_manifest(
            kind="policy",
            store=FOUNDED.id,
            name=GENESIS_NAME,
            body={"policy": following.to_json()},
            parents=[(before or FOUNDED).id],
            signer=by,
            created=NOW,
        )

    added = changed(with_writer(BEN.did, CAT.public))
    rotation = changed(rotated(ADA.did, BEN.did))
    stolen, earlier = (changed(revoked(ADA.did, n, BEN.did)) for n in (2, 1))
    kept = version("3", [one], signer=BEN)
    listed: dict[str, list[Manifest | bytes]] = {
        "succession": [one, two],
        "rival": [one, two, rival],
        "rollback-by-logging-again": [one, two, one],
        "merge": [
            one,
            other := version("o", name="datasets/acme/other"),
            version("m", [other, one]),
        ],
        "stranger": [helper],
        "other-store": [version("1", store=genesis("1" * 32).id)],
        "second-genesis": [genesis("1" * 32)],
        "policy-from-its-index-on": [helper, second, version("late", signer=BEN)],
        "policy-skips-a-version": [policy(3, FOUNDED)],
        "policy-by-a-helper": [second, policy(3, second, BEN)],
        "rotation": [one, rotation, version("2", [one], signer=BEN), two],
        "rotation-back": [
            rotation,
            changed(rotated(BEN.did, CAT.did), rotation, BEN),
            changed(lambda p: replace(p, retired=p.retired[:1]), rotation, BEN),
        ],
        "rotation-by-the-old-key-again": [rotation, changed(rotated(BEN.did, CAT.did), rotation)],
        "compromise": [one, two, stolen, kept],
        "compromise-earlier": [one, two, earlier, version("1", signer=BEN)],
        "compromise-takes-what-rests-on-it": [
            one,
            two,
            version("3", [two]),
            second,
            version("4", [two], signer=BEN),
            changed(revoked(ADA.did, 2, CAT.did), second),
        ],
        "compromise-of-what-was-rotated": [
            one,
            two,
            rotation,
            changed(revoked(ADA.did, 2), rotation, BEN),
        ],
        "compromise-leaves-policies": [
            one,
            second,
            version("2", [one], signer=BEN),
            changed(revoked(ADA.did, 2, CAT.did), second),
        ],
        "compromise-told-twice": [one, two, stolen, changed(revoked(ADA.did, 1), stolen, BEN)],
        "compromise-taken-back": [
            one,
            two,
            stolen,
            changed(lambda p: replace(p, retired=(Retired(ADA.did, BEN.did),)), stolen, BEN),
        ],
        "log-key-added": [
            added,
            version("by a writer", signer=BEN),
        ],
        "log-key-dropped": [
            changed(lambda p: replace(p, logs=(VerifierKey(KEY.name, CAT.public),)))
        ],
        "log-key-retired": [added, changed(without_log_key(KEY.key), added), version("1")],
        "log-key-back": [
            added,
            gone := changed(without_log_key(KEY.key), added),
            changed(lambda p: replace(p, retired_logs=()), gone),
            version("1"),
        ],
        "last-log-key-retired": [changed(lambda p: replace(p, retired_logs=p.logs))],
        "misdated": [
            one,
            said := changed(with_misdated([1], 2)),
            changed(with_misdated([2], 9), said),
            version("2", [one]),
        ],
        "misdated-taken-back": [
            said,
            changed(lambda p: replace(p, misdated=(2,)), said),
        ],
        "too-few-approvers": [
            pair := changed(with_approvers([BEN.did, CAT.did], threshold=2)),
            left := changed(revoked(BEN.did, None), pair),
            changed(with_approvers([LOG.did]), left),
        ],
        "no-approver-left": [
            alone := changed(with_approvers([BEN.did])),
            changed(revoked(BEN.did, 2), alone),
        ],
        "too-few-approvers-unsaid": [pair, unsaid(left)],
        "misdated-in-disorder": [changed(lambda p: replace(p, misdated=(2, 1)))],
        "forged": [forged, version("1")],
        "garbage": [b"{}", one],
    }
    return {
        name: [item if isinstance(item, bytes) else item.encode() for item in items]
        for name, items in listed.items()
    }


def derive(logged: Sequence[bytes]) -> RefTable:
    """Return what follows from the genesis at index 0 and ``logged`` from index 1 on."""
    table = RefTable()
    table.apply(0, FOUNDED)
    for index, data in enumerate(logged, 1):
        try:
            manifest = parse_manifest(data)
        except (FormatError, VerificationError):
            table.flag(index, Digest.of(data), "invalid")
        else:
            table.apply(index, manifest)
    return table


HOURS = [
    (0, ADA, 0),
    (1, ADA, 2),
    (2, BEN, 9),
    (3, ADA, 1),
    (5, BEN, 40),
    (6, ADA, 3),
    (8, ADA, 40),
]
"""Log index, signer, and how many hours after the first each entry claims to be signed."""


def floors() -> dict[str, Any]:
    """Return logs of dated entries, and the floor that each index has."""
    first = Genesis.parse(FOUNDED.body).policy

    def follow(before: Policy, change: Change) -> Policy:
        return replace(change(before), version=before.version + 1)

    admitted = follow(first, with_writer(BEN.did, None))
    dates = [Dated(index, key.did, NOW + timedelta(hours=hour)) for index, key, hour in HOURS]
    cases = {
        "the-latest-so-far": [(0, first)],
        "by-keys-that-had-a-role": [(0, first), (4, admitted)],
        "not-what-is-misdated": [(0, first), (4, admitted), (7, _saying(admitted, [5]))],
        "nor-what-is-to-come": [(0, first), (4, _saying(admitted, [5]))],
        "nor-what-a-thief-signed": [
            (0, first),
            (4, admitted),
            (7, follow(admitted, revoked(BEN.did, 5))),
        ],
    }
    return {
        "dates": [
            {"index": one.index, "key": one.key, "at": format_timestamp(one.at)} for one in dates
        ],
        "cases": [
            {
                "id": name,
                "policies": [
                    {"index": index, "policy": policy.to_json()} for index, policy in policies
                ],
                "floors": [
                    format_timestamp(floors_of(dates, policies).at(end)) for end in range(1, 10)
                ],
            }
            for name, policies in cases.items()
        ],
    }


def _saying(policy: Policy, misdated: Sequence[int]) -> Policy:
    return replace(policy, version=policy.version + 1, misdated=tuple(misdated))


def make() -> dict[str, Any]:
    """Return file name → content."""
    listed = []
    for name, logged in cases().items():
        table = derive(logged)
        listed.append(
            {
                "id": name,
                "manifests": [data.decode() for data in logged],
                "refs": {
                    ref: [str(identity) for identity in state.history]
                    for ref, state in sorted(table.refs.items())
                },
                "flagged": [
                    {"index": item.index, "id": str(item.id), "reason": item.reason}
                    for item in table.flagged
                ],
            }
        )
    names = ["datasets/acme/texts", "datasets/acme", "runs/acme/one"]
    patterns = ["*", "datasets/*", "datasets/acme/*", "*/acme/*", "datasets/acme/texts", "d*a*s"]
    return {
        "refs/refs.json": {
            "genesis": FOUNDED.encode().decode(),
            "store": str(FOUNDED.id),
            "cases": listed,
        },
        "refs/floors.json": floors(),
        "refs/patterns.json": {
            "cases": [
                {"pattern": pattern, "name": name, "matches": matches(pattern, name)}
                for pattern in patterns
                for name in names
            ]
        },
    }
