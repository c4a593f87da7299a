"""Checks that deliveries and withdrawals name the objects that they claim to (spec §6.4.2).

A delivery names the credential about the delivered data. A withdrawal names the credential that was
revoked, suspended or reinstated, and the status list that was logged with it and has this change.
"""

from collections.abc import Callable, Iterable, Mapping

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.crypto.multikey import parse_method_fragment
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.signed_log import SignedLog
from lyrikstore.verify.problems import Problems

DECISIONS: Mapping[str, tuple[str, bool]] = {
    "revoke": ("revocation", True),
    "supersede": ("revocation", True),
    "suspend": ("suspension", True),
    "reinstate": ("suspension", False),
}
"""Decision of a withdrawal → purpose of the list, and whether the credential's bit is set."""


def note_events(repository: SignedLog, manifests: Iterable[Manifest], problems: Problems) -> None:
    """Add each object that a delivery or withdrawal names wrongly.

    Args:
        repository: The store.
        manifests: Manifests of all kinds.
        problems: The problems of the check that this is a part of.
    """
    for one in manifests:
        judge = _JUDGES.get(one.kind)
        if judge is None:
            continue
        label = f"{one.name} ({one.id.short})"
        try:
            wrong = judge(repository, one)
        except LyrikstoreError as error:
            problems.note(label, error)
        else:
            if wrong:
                problems.bad.append(f"{label}: {wrong}")


def _delivery(repository: SignedLog, delivery: Manifest) -> str:
    named = delivery.body.get("credential")
    if named is None:
        return ""
    credential = _logged(repository, delivery, named)
    about = (credential.document or {}).get("credentialSubject")
    dataset = delivery.inputs_in("dataset")[0].id
    if not isinstance(about, dict) or about.get("manifest") != dataset.urn:
        return "its credential is not about what was handed over"
    return ""


def _withdrawal(repository: SignedLog, withdrawal: Manifest) -> str:
    body = withdrawal.body
    credential = _logged(repository, withdrawal, body["credential"])
    listed = _logged(repository, withdrawal, body["list"])
    found = StatusList.of(listed, parse_method_fragment)
    # ATTACK A142: somebody else's words, shown as the reason of whoever revoked it.
    if listed.signer != withdrawal.author:
        return "its author did not sign the status list that it names"
    purpose, value = DECISIONS[body["decision"]]
    entry = next((one for one in credential.entries if one.purpose == purpose), None)
    place = (found.url, found.purpose, found.issuer)
    if entry is None or place != (entry.url, purpose, credential.issuer):
        return "the status list that it names is not that of the credential"
    if found.holds(entry.index) != value:
        return f"the status list that it names does not {body['decision']} the credential"
    if body["decision"] == "supersede":
        successor = _logged(repository, withdrawal, body["successor"])
        if successor.supersedes is None or (
            Digest.parse_urn(successor.supersedes) != Digest.parse(body["credential"])
        ):
            return "the credential that it names does not take the place of the other"
    return ""


_JUDGES: Mapping[str, Callable[[SignedLog, Manifest], str]] = {
    "delivery": _delivery,
    "withdrawal": _withdrawal,
}


def _logged(repository: SignedLog, by: Manifest, named: str) -> OpenedCredential:
    """Return a credential that was logged before the manifest that names it."""
    identity = Digest.parse(named)
    # ATTACK A142: it names a credential that came later, or one of which nobody knows.
    known = repository.is_logged(identity, "credential")
    if not known or repository.index_of(identity, "credential") > repository.index_of(by.id):
        raise FormatError(
            "not-logged", f"it names credential {identity.short}, which is not logged before it"
        )
    return logged_credential(repository, identity)
