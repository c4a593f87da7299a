"""Whatever stands where in a foreign document, the answer is a report."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.did import Resolver
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.w3c.profile.presentation import make_presentation, verify_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.schema.check import apply_schema
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c
from lyrikstore.w3c.vc_api import app as api_module
from lyrikstore.w3c.vc_api.app import Service
from lyrikstore.w3c.vc_api.issue import StatusLists, VcApiIssuer

WORDS = st.sampled_from(
    [
        *("", "x", "urn:x:1", "@id", "@value", "@context", "type", "id", "VerifiableCredential"),
        *("https://www.w3.org/ns/credentials/v2", "2026-11-24T14:12:39Z", "revocation", "0x0"),
        *("BitstringStatusListEntry", "JsonSchema", "sha384-AAAA", "uEiAA", "\u202e", "did:key:z"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.floats(-2, 2)
    | WORDS
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    head, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[head] = put(copy[head], tuple(rest), value)
    return copy


def rich(made: Any, **changes: Any) -> dict[str, Any]:
    text = b"a report"
    return made.base(
        name={"@value": "Text", "@language": "en"},
        credentialStatus=[made.entry()],
        credentialSchema={"id": made.SCHEMA_URL, "type": "JsonSchema"},
        relatedResource=[{"id": "urn:x:1", "digestSRI": made.sri(text)}],
        termsOfUse={"type": "Any"},
        **changes,
    )


def surroundings(made: Any, *lists: bytes) -> Surroundings:
    return Surroundings(
        trust=parse_trust(made.TRUST.encode()),
        at=made.NOW,
        status_updates=StatusUpdates.among(
            map(OpenedCredential, lists or [made.status_list().encode()])
        ),
        resources=Resources({made.SCHEMA_URL: made.json_schema(), "report": b"a report"}),
    )


def test_the_rich_one_is_sound(made: Any) -> None:
    report = verify_w3c(made.signed(rich(made)).encode(), surroundings(made))
    assert report.verdict == "trusted", report


@given(st.data())
def test_an_issuer_may_write_anything(made: Any, data: st.DataObject) -> None:
    """Signed as it stands: nothing of it can stop the verifier."""
    document = rich(made)
    path = data.draw(st.sampled_from(places(document)[1:]))
    changed = put(document, path, data.draw(VALUES))
    try:
        text = made.signed(changed).encode()
    except FormatError:
        return
    check_schema(verify_w3c(text, surroundings(made)).to_json(), "report")


@given(st.data())
def test_nobody_else_may_change_anything(made: Any, data: st.DataObject) -> None:
    document = parse(made.signed(rich(made)).encode())
    path = data.draw(st.sampled_from(places(document)[1:]))
    changed = put(document, path, data.draw(VALUES))
    report = verify_w3c(encode(changed), surroundings(made))
    check_schema(report.to_json(), "report")
    assert (report.verdict == "trusted") == (encode(changed) == encode(document))


@given(st.data())
def test_a_status_list_may_say_anything(made: Any, data: st.DataObject) -> None:
    document = parse(made.status_list().encode())
    del document["proof"]
    path = data.draw(st.sampled_from(places(document)[1:]))
    try:
        text = made.signed(put(document, path, data.draw(VALUES))).encode()
    except FormatError:
        return
    report = verify_w3c(made.signed(rich(made)).encode(), surroundings(made, text))
    check_schema(report.to_json(), "report")
    assert report.verdict != "invalid" or report.check("status").detail["reason"] == "revoked"


@given(st.data())
def test_a_presentation_may_be_changed_anywhere(made: Any, data: st.DataObject) -> None:
    credential = made.signed(rich(made)).encode()
    shown = make_presentation(
        [credential], made.HOLDER, challenge="c", domain="d", created=made.NOW
    )
    document = parse(shown)
    path = data.draw(st.sampled_from(places(document)[1:]))
    changed = encode(put(document, path, data.draw(VALUES)))
    report = verify_presentation(changed, surroundings(made), challenge="c", domain="d")
    check_schema(report.to_json(), "report")
    assert (report.verdict == "trusted") == (changed == shown)


@given(VALUES, st.dictionaries(WORDS | st.sampled_from(["$ref", "allOf", "$defs"]), VALUES))
def test_a_schema_may_be_anything(document: Any, schema: dict[str, Any]) -> None:
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:x:1",
        **schema,
    }
    apply_schema(document, encode(whole), "urn:x:1")


def test_the_unchanged_is_trusted(made: Any) -> None:
    credential = made.signed(rich(made)).encode()
    assert verify_w3c(credential, surroundings(made)).verdict == "trusted"


BODIES = st.dictionaries(
    st.sampled_from(
        ["verifiableCredential", "verifiablePresentation", "credential", "presentation", "options"]
    ),
    VALUES
    | st.dictionaries(
        st.sampled_from(["proof", "checks", "challenge", "domain", "credentialStatus", "issuer"]),
        VALUES,
    ),
)


@given(BODIES)
def test_a_request_may_hold_anything(made: Any, body: dict[str, Any]) -> None:
    issuer = VcApiIssuer(made.ALICE, StatusLists("https://127.0.0.1"), Resources())
    service = Service(
        issuer=issuer,
        trust=parse_trust(made.TRUST.encode()),
        resolver=Resolver(),
        status_updates=StatusUpdates(),
        resources=Resources(),
        clock=lambda: made.NOW,
    )
    api = api_module._Api(service)
    works = (api.verify, api.verify_presentation, api.set_status)
    suites = ("eddsa-jcs-2022", "eddsa-rdfc-2022")
    for work in (*works, *map(api.issue, suites), *map(api.prove, suites)):
        status, answer = api_module._guarded(work, encode(body))
        assert status in {200, 201, 400, 422}, answer


def turned(value: Any, data: st.DataObject) -> Any:
    """Return a value with its lists in another order, but for contexts, where it has a meaning."""
    if isinstance(value, list):
        return data.draw(st.permutations([turned(inner, data) for inner in value]))
    if isinstance(value, dict):
        return {
            name: inner if name == "@context" else turned(inner, data)
            for name, inner in value.items()
        }
    return value


@pytest.mark.parametrize("trusted", ["ExampleAlumniCredential", "ExampleDiploma", "Example*"])
@given(data=st.data())
def test_no_verdict_depends_on_an_order_that_rdf_does_not_sign(
    made: Any, trusted: str, data: st.DataObject
) -> None:
    digests = [made.sri(b"a report"), made.sri(b"another")]
    document = rich(
        made,
        type=["VerifiableCredential", "ExampleAlumniCredential", "ExampleDiploma"],
        evidence=[{"id": "urn:x:2", "type": ["Any", "Some"]}, {"type": "Any", "tag": ["a", "b"]}],
    )
    document["relatedResource"] = [{"id": "urn:x:1", "digestSRI": digests}]
    document["credentialStatus"] = [
        made.entry(),
        {**made.entry(), "id": "urn:x:3", "statusPurpose": "suspension"},
    ]
    signed = parse(made.signed(document, suite="eddsa-rdfc-2022").encode())
    trust = made.TRUST + f'names = ["credentials/{trusted}"]\n'
    around = replace(surroundings(made), trust=parse_trust(trust.encode()))
    reports = [verify_w3c(encode(one), around) for one in (signed, turned(signed, data))]
    states = [[(check.id, check.state) for check in report.checks] for report in reports]
    assert states[0] == states[1]
    assert reports[0].check("proof").state == "pass"
