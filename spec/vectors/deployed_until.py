"""Deployed folders that say when the rights to their data end, truly and not."""

from typing import Any

import make_credentials as made
from deployed import RIGHT, WORLD
from deployed_under_grants import GRANT, RIGHTS, TERMS, Parts, Row, folder
from lyrikstore.canon.digest import Digest

UNTIL = RIGHT["validUntil"]
BRIEFLY = made.resigned(WORLD.credential, lambda one: one.update(validUntil="2026-11-25T12:00:00Z"))
"""Terms that held when the run used the data, and not when its model was deployed."""

DELETED = made.resigned(
    WORLD.credential,
    lambda d: d["credentialSubject"]["licence"].update(
        partitions=[made.part(requires=["attribution", "deleteOnExpiry"])]
    ),
)


def says(until: Any, credential: bytes = WORLD.credential, **more: Any) -> Parts:
    """Return a folder that says of its rights that they end."""
    renewals = tuple(more.pop("renewals", ()))
    rights = {"state": "pass", "until": until, "deleteOnExpiry": False}
    if renewals:
        rights["renewedBy"] = [str(Digest.of(one)) for one in renewals]
    grants = tuple(more.pop("grants", ()))
    parts = folder(credential, grants=grants, body={"rights": {**rights, **more}})
    return {**parts, "credentials": (credential, *grants, *renewals)}


def rows_of_ends() -> list[Row]:
    """Return the cases."""

    def case(name: str, verdict: str, reason: str, parts: Parts, **given: Any) -> Row:
        return name, verdict, {RIGHTS: reason}, parts, given

    by_another = made.resigned(
        WORLD.credential, lambda one: one.update(issuer={"id": made.MALLORY.did}), made.MALLORY
    )
    lost = says(UNTIL, BRIEFLY, renewals=(WORLD.credential,))
    return [
        case("says-when-it-ends", "trusted", "stated", says(UNTIL)),
        case("says-an-earlier-end", "trusted", "stated", says("2027-01-01T00:00:00Z")),
        case("says-a-later-end", "invalid", "disagrees", says("2027-11-01T00:00:01Z")),
        case("ended-as-it-says", "valid", "ended-later", says(UNTIL), at="2027-11-01T00:00:01Z"),
        case("ends-with-its-grant", "trusted", "stated",
             says("2027-10-01T00:00:00Z", TERMS, grants=(GRANT,))),
        case("says-the-end-of-wider-terms", "invalid", "disagrees",
             says(UNTIL, TERMS, grants=(GRANT,))),
        case("says-that-data-is-deleted", "trusted", "stated",
             says(UNTIL, DELETED, deleteOnExpiry=True)),
        case("says-not-that-data-is-deleted", "invalid", "disagrees", says(UNTIL, DELETED)),
        case("renewed", "trusted", "stated", lost),
        case("renewed-by-nobody", "invalid", "disagrees", says(UNTIL, BRIEFLY)),
        case("renewed-by-a-stranger", "invalid", "disagrees",
             says(UNTIL, BRIEFLY, renewals=(by_another,))),
        ("renewed-by-what-is-not-there", "invalid",
         {RIGHTS: "disagrees", "deployment.evidence": "missing-file"},
         {**lost, "credentials": (BRIEFLY,)}, {}),
    ]  # fmt: skip
