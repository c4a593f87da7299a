"""``lyrikstore w3c serve`` answers real HTTP requests, and refuses what it must."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.vc_api.issue import StatusLists, VcApiIssuer
from tests.kinds import refused
from tests.w3c.serving import SUITES, V2, Server, credential, start, stop


@pytest.mark.parametrize("suite", SUITES)
def test_issues_and_verifies(server: Server, suite: str) -> None:
    made = server.issue(credential(server), suite)
    assert made["proof"]["cryptosuite"] == suite
    status, answer = server.verify(made, checks=["proof"])
    assert (status, answer["verified"], answer["errors"]) == (200, True, [])
    assert answer["verdict"] == "valid"  # nobody's trust file
    made["credentialSubject"]["alumniOf"] = "Basel"
    status, answer = server.verify(made)
    assert (status, answer["verified"]) == (422, False)
    assert answer["errors"][0]["type"].startswith("https://w3id.org/security#")


@pytest.mark.parametrize(
    "change",
    [
        {"type": None},
        {"type": ["VerifiableCredential", "https ://x"]},
        {"issuer": None},
        {"issuer": "did:example:2"},
        {"credentialSubject": {}},
        {"validFrom": "2026-11-24"},
        {"@context": ["https://www.w3.org/2018/credentials/v1"]},
        {"credentialStatus": {"type": "BitstringStatusListEntry", "statusListIndex": True}},
        {"relatedResource": [{"id": V2, "digestSRI": "sha384-" + "A" * 64}]},
        {"proof": {"type": "DataIntegrityProof"}},
        {
            "@context": [V2, "https://w3id.org/lyrikstore/v1"],
            "type": ["VerifiableCredential", "GrantCredential"],
        },
    ],
    ids=str,
)
def test_signs_nothing_malformed(server: Server, change: dict[str, Any]) -> None:
    document = {n: v for n, v in credential(server, **change).items() if v is not None}
    for suite in SUITES:
        status, answer = server.post(
            f"/issuers/{suite}/credentials/issue", {"credential": document}
        )
        assert status == 400, answer
        assert {"type", "title", "detail"} <= answer.keys()


def test_malformed_is_400_and_false_is_422(server: Server) -> None:
    assert server.verify({"type": "x"})[0] == 400
    assert server.verify("text")[0] == 400
    assert server.post("/credentials/verify", {})[0] == 400
    assert server.post("/credentials/verify", b"{")[0] == 400
    assert server.post("/credentials/verify", b'{"a":1,"a":2}')[0] == 400
    assert server.post("/credentials/verify", b"[" * 20000)[0] == 400
    assert server.post("/credentials/verify", {"verifiableCredential": {}, "options": 7})[0] == 400
    made = server.issue(credential(server, validUntil="2020-01-01T00:00:00Z",
                                   validFrom="2019-01-01T00:00:00Z"))  # fmt: skip
    assert server.verify(made)[0] == 422


@pytest.mark.parametrize(
    ("option", "title"),
    [
        ("expectedProofPurpose", "PROOF_VERIFICATION_ERROR"),
        ("challenge", "INVALID_CHALLENGE_ERROR"),
        ("domain", "INVALID_DOMAIN_ERROR"),
    ],
)
def test_expectations_of_the_proof(server: Server, option: str, title: str) -> None:
    made = server.issue(credential(server))
    status, answer = server.verify(made, checks=["proof"], **{option: "authentication"})
    assert (status, answer["errors"][0]["title"]) == (422, title)


def test_status_is_kept_and_served(server: Server) -> None:
    made = server.issue(credential(server, id="urn:x:status-1"), SUITES[1], "/revocable")
    entry = made["credentialStatus"]
    url = urlsplit(entry["statusListCredential"])
    status, found, headers = server.request("GET", url.path)
    assert (status, found["id"]) == (200, entry["statusListCredential"])
    assert headers["content-type"].startswith("application/vc")
    json_only = server.request("GET", url.path, None, {"accept": "application/ld+json, */*;q=0.1"})
    assert json_only[2]["content-type"] == "application/json"
    assert server.verify(made)[0] == 200
    order = {
        "credentialId": made["id"],
        "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"},
    }
    assert server.post("/credentials/status", order) == (200, {})
    status, answer = server.verify(made)
    reasons = {check["id"]: check["detail"].get("reason") for check in answer["report"]["checks"]}
    assert (status, reasons["status"]) == (422, "revoked")
    assert server.post("/credentials/status", {**order, "status": False})[0] == 200
    assert server.verify(made)[0] == 200
    assert server.post("/credentials/status", {**order, "credentialId": "urn:x:2"})[0] == 400
    assert server.request("GET", "/status/nothing")[0] == 404
    for purposes in ([], "message", ["revocation", 7]):
        body = {"credential": credential(server), "options": {"statusPurpose": purposes}}
        assert server.post(f"/issuers/{SUITES[0]}/revocable/credentials/issue", body)[0] == 400


def test_a_foreign_status_is_never_taken_for_good(server: Server) -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "1",
        "statusListCredential": "https://status.example/1",
    }
    made = server.issue(credential(server, credentialStatus=entry))
    status, answer = server.verify(made)
    assert (status, answer["verdict"]) == (422, "incomplete")
    # Who asks for the proof alone is told what was left open.
    status, answer = server.verify(made, checks=["proof"])
    assert status == 200
    assert any(line.startswith("status:") for line in answer["warnings"])


@pytest.mark.parametrize("suite", SUITES)
def test_presentations(server: Server, suite: str) -> None:
    inner = server.issue(credential(server), suite)
    unsigned = {"@context": [V2], "type": ["VerifiablePresentation"], "verifiableCredential": inner}
    asked = {"challenge": "c-1", "domain": "https://verifier.example"}
    path = f"/issuers/{suite}/presentations/prove"
    status, made = server.post(path, {"presentation": unsigned, "options": asked})
    assert (status, made["holder"]) == (201, server.issuer)
    body = {"verifiablePresentation": made, "options": asked}
    assert server.post("/presentations/verify", body)[0] == 200
    for name in asked:
        other = {"verifiablePresentation": made, "options": {**asked, name: "another"}}
        status, answer = server.post("/presentations/verify", other)
        assert status == 422
        assert answer["errors"][0]["title"] == f"INVALID_{name.upper()}_ERROR"
    # Nobody signed it: nothing is shown about who presents it.
    status, answer = server.post(
        "/presentations/verify", {"verifiablePresentation": unsigned, "options": {}}
    )
    assert (status, answer["verdict"]) == (422, "incomplete")
    assert server.post(path, {"presentation": {**unsigned, "holder": "did:example:2"}})[0] == 400


def test_resolves_dids(server: Server) -> None:
    assert server.issuer is not None
    status, answer, _ = server.request("GET", f"/identifiers/{server.issuer}")
    assert (status, answer["didDocument"]["id"]) == (200, server.issuer)
    assert server.request("GET", f"/identifiers/{quote(server.issuer, safe='')}")[0] == 200
    assert server.request("GET", f"/identifiers/{server.issuer}?publicKeyFormat=Multikey")[0] == 200
    status, answer, _ = server.request(
        "GET", f"/identifiers/{server.issuer}?publicKeyFormat=JsonWebKey2020"
    )
    assert (status, answer["didDocument"]) == (400, None)
    assert answer["didResolutionMetadata"]["error"] == "unsupportedPublicKeyType"
    assert server.request("GET", "/identifiers/did:key:zzz")[0] == 400
    assert server.request("GET", "/identifiers/did:web:example.org")[0] == 404
    assert server.request("GET", "/identifiers/did:example:1")[0] == 501
    assert server.request("GET", "/identifiers/nothing")[0] == 400


def test_dereferences_keys(server: Server) -> None:
    assert server.issuer is not None
    url = f"{server.issuer}#{server.issuer.removeprefix('did:key:')}"

    def ask(url: str, query: str = "", accept: str = "") -> tuple[int, Any, str]:
        headers = {"accept": accept} if accept else {}
        path = f"/identifiers/{quote(url, safe='')}{query}"
        status, answer, sent = server.request("GET", path, headers=headers)
        return status, answer, sent["content-type"]

    status, answer, kind = ask(url, accept='application/ld+json;profile="x"')
    assert (status, kind) == (200, "application/json")
    assert answer["didDocument"]["id"] == url
    assert answer["didDocument"]["controller"] == server.issuer
    assert {"@context", "didDereferencingMetadata", "didDocumentMetadata"} <= answer.keys()
    wanted = "application/did-url-dereferencing"
    status, answer, kind = ask(url, "?verificationRelationship=assertionMethod", wanted)
    assert (status, kind, answer["content"]["id"]) == (200, wanted, url)
    assert answer["contentMetadata"] == {}
    status, answer, kind = ask(f"{server.issuer}#other", accept=wanted)
    assert (status, kind, answer["content"]) == (404, wanted, None)
    assert answer["dereferencingMetadata"]["error"]["type"].endswith("/did#NOT_FOUND")
    status, answer, _ = ask(server.issuer, accept=wanted)  # a DID is a DID URL as well
    assert (status, answer["content"]["id"]) == (200, server.issuer)
    status, answer, _ = ask(f"{server.issuer}/^bar^/?query=`#x")
    assert (status, answer["didDocument"]) == (400, None)
    assert answer["didDereferencingMetadata"]["error"] == "invalidDidUrl"
    assert ask(url, "?publicKeyFormat=Ed25519VerificationKey2018")[0] == 400
    assert ask(f"{server.issuer}?service=files")[0] == 501
    assert server.request("GET", f"/identifiers/{server.issuer}?service=files")[0] == 501
    assert ask(f"{server.issuer}/whois")[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 400),
        ({"host": "127.0.0.1.evil.example"}, 400),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_web_pages_get_nothing_signed(server: Server, headers: dict[str, str], status: int) -> None:
    path, body = f"/issuers/{SUITES[0]}/credentials/issue", {"credential": credential(server)}
    answered = server.request("POST", path, body, headers)
    assert answered[0] == status
    assert "access-control-allow-origin" not in {name.lower() for name in answered[2]}
    preflight = server.request("OPTIONS", path, None, {"origin": "https://evil.example"})
    assert preflight[0] == 405


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "title"),
    [
        ("GET", "/status/revocation", {"host": "evil.example"}, 400, "Bad Request"),
        ("GET", "/status/revocation", {"host": "localhost:80@evil.example"}, 400, "Bad Request"),
        ("GET", "/status/other", {}, 404, "Not Found"),
        ("PUT", "/credentials/verify", {}, 405, "Method Not Allowed"),
        ("POST", "/credentials/verify", {"content-type": "a/b"}, 415, "Unsupported Media Type"),
    ],
)
def test_every_refusal_is_a_problem_by_its_own_name(
    server: Server, method: str, path: str, headers: dict[str, str], status: int, title: str
) -> None:
    answered = server.request(method, path, b"{}" if method == "POST" else None, headers)
    assert answered[0] == answered[1]["status"] == status
    assert (answered[1]["type"], answered[1]["title"]) == ("about:blank", title)
    assert answered[2]["content-type"] == "application/problem+json"
    assert answered[2].get("allow") == ("POST" if status == 405 else None)


def test_a_body_of_two_lengths_is_none(server: Server) -> None:
    # A proxy that goes by the other length would have let the second request through unseen.
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as client:
        client.sendall(
            b"POST /credentials/verify HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 60\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /status/revocation HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"both Content-Length" in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_a_name_is_no_pattern(new_person: Any) -> None:
    person = new_person("named")
    process, said = start(
        person, "--host-name", "*", "--host-name", "x*y", "--host-name", "Mine.example"
    )
    try:
        known = f"/identifiers/{signer_for('publisher').did}"
        for host, status in (("evil.example", 400), ("mine.example:80", 200)):
            assert (
                Server(said["url"], None).request("GET", known, None, {"host": host})[0] == status
            )
    finally:
        stop(process)


def test_bodies_are_bounded(server: Server) -> None:
    for extra in (2, 8 << 20):  # both are refused by their length, and read by who sent all first
        status, problem = server.post("/credentials/verify", b" " * ((1 << 20) + extra))
        assert status == problem["status"] == 413
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as chunked:
        chunked.sendall(
            b"POST /credentials/verify HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            * 17
        )
        assert chunked.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as asking:
        asking.sendall(
            b"POST /credentials/verify HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nContent-Length: 9999999\r\n\r\n"
        )
        assert asking.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.ci  # it waits for as long as the server does
def test_a_body_that_does_not_come_is_not_waited_for(server: Server) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as slow:
        slow.sendall(
            b"POST /credentials/verify HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_over_tls_with_its_own_certificate(new_person: Any) -> None:
    person = new_person("tls")
    process, said = start(person, "--tls", "--certificate", "server.pem")
    try:
        assert said["url"].startswith("https://127.0.0.1:")
        server = Server(said["url"], None, person.folder / "server.pem")
        assert said["issuer"] is None
        assert server.verify({})[0] == 400
        # Without a signer there is nothing to ask for.
        assert server.post(f"/issuers/{SUITES[0]}/credentials/issue", {})[0] == 404
        assert server.request("GET", "/status/revocation")[0] == 404
        with pytest.raises(ssl.SSLError):
            Server(said["url"], None, Path(ssl.get_default_verify_paths().cafile or "")).verify({})
    finally:
        stop(process)


def test_on_ipv6_loopback(new_person: Any) -> None:
    if not socket.has_ipv6:
        pytest.skip("NOT RUN, no IPv6 here")
    person = new_person("six")
    process, said = start(person, "--host", "::1")
    try:
        known = f"/identifiers/{signer_for('publisher').did}"
        ask = Server(said["url"], None).request
        assert ask("GET", known)[0] == 200  # by its address, as http.client writes it
        port = urlsplit(said["url"]).port
        for host, status in ((f"[::1]:{port}", 200), ("::1", 400), ("[::2]", 400), ("[::1]x", 400)):
            assert ask("GET", known, None, {"host": host})[0] == status, host
    finally:
        stop(process)


def test_other_machines_only_with_their_host_name(new_person: Any) -> None:
    person = new_person("remote")
    assert person.fails(16, "w3c", "serve", "--host", "0.0.0.0", "--json").kind == "not-loopback"
    assert person.run("w3c", "serve", "--host", "192.0.2.1", "--allow-remote").code == 1
    assert person.run("w3c", "serve", "--certificate", "x.pem").code == 2


def test_what_no_status_is_kept_for() -> None:
    lists = StatusLists("https://a.example/status")
    with refused("bad-id"):
        lists.draw("u" * 10_000)
    lists.take("urn:x:1", lists.draw("urn:x:1"))
    with refused("id-taken"):
        lists.draw("urn:x:1")


def test_what_is_not_signed() -> None:
    now, signer = datetime(2026, 12, 1, tzinfo=UTC), signer_for("server")
    issuer = VcApiIssuer(signer, StatusLists("https://a.example/status"), Resources())
    named = {"@context": [V2], "type": ["VerifiablePresentation"], "holder": "did:example:2"}
    with refused("wrong-holder"):
        issuer.prove(named, SUITES[0], now, challenge=None, domain=None)
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "1",
        "statusListCredential": "https://status.example/1",
    }
    document = {
        "@context": [V2],
        "type": ["VerifiableCredential"],
        "issuer": signer.did,
        "credentialSubject": {"id": "urn:x:1"},
        "credentialStatus": entry,
    }
    with refused("has-status"):
        issuer.issue(document, SUITES[0], now, ["revocation"])
    document["credentialStatus"] = entry | {"statusListIndex": 1}
    with refused("bad-status"):
        issuer.issue(document, SUITES[0], now)
