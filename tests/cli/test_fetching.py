"""``verify --fetch``: what a credential names is fetched, and only when it was asked for."""

import json
from pathlib import Path

import pytest

from lyrikstore.web.fetch import Fetcher
from lyrikstore.web.fetch_named import NOTHING, fetch_for
from tests.servers.tls import Authority, answer, serving

HOST = "acme.example"
HOLDER = "did:key:z6MkvDqGT54cXesYGvABpF1UapVNwjCqRcafi4Px6Thv5T3Z"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def test_documents_and_lists_are_fetched_and_failures_said(authority: Authority) -> None:
    def serve(stream, head: bytes) -> None:
        path = head.split()[1].decode()
        if path == "/list.json":
            answer(b'{"list": 1}')(stream, head)
        elif path == "/acme/did.json":
            document = {"id": f"{did}:acme", "verificationMethod": []}
            answer(json.dumps(document).encode())(stream, head)
        else:
            answer(b"", status="404 Not Found")(stream, head)

    with serving(authority.server(HOST), serve) as served:
        did = f"did:web:{HOST}%3A{served.port}"
        url = f"https://{HOST}:{served.port}"
        credential = {
            "issuer": {"id": f"{did}:acme"},
            "proof": [
                {"verificationMethod": f"{did}:acme#x"},
                {"verificationMethod": f"{did}:missing#x"},
                {"verificationMethod": "did:key:z6Mk#z6Mk"},
            ],
            "credentialStatus": [
                {"statusListCredential": f"{url}/list.json"},
                {"statusListCredential": f"{url}/list.json"},
                {"statusListCredential": "https://127.0.0.1/secret"},
                {"statusListCredential": "file:///etc/passwd"},
            ],
        }
        fetcher = Fetcher(
            addresses=lambda _host, _port: ["127.0.0.1"],
            allowed=lambda address: address.is_loopback,
            tls=authority.client(),
        )
        said: list[str] = []
        found = fetch_for([json.dumps(credential).encode()], said.append, fetcher)
    assert [known.document.id for known in found.documents] == [f"{did}:acme"]
    assert found.lists == (b'{"list": 1}',)
    assert sorted(head.split()[1] for head in served.heads) == [
        b"/acme/did.json",
        b"/list.json",
        b"/missing/did.json",
    ]
    assert sum(line.startswith("✓ fetched") for line in said) == 2
    assert sum(line.startswith("!") for line in said) == 3


def test_the_credentials_of_a_presentation_are_looked_into() -> None:
    inner = {"issuer": "did:web:127.0.0.1", "credentialStatus": {"statusListCredential": 7}}
    said: list[str] = []
    presentation = {"holder": "did:web:10.0.0.1", "verifiableCredential": [inner, "x", None]}
    assert fetch_for([json.dumps(presentation).encode()], said.append) == NOTHING
    assert len(said) == 2  # both are addresses, and not gone to


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b'{"proof": [[]], "issuer": []}', b"\xff"])
def test_nonsense_names_nothing(data: bytes) -> None:
    assert fetch_for([data], pytest.fail) == NOTHING


def test_many_names_are_not_many_requests() -> None:
    said: list[str] = []
    proofs = [{"verificationMethod": f"did:web:10.0.0.{n}#x"} for n in range(200)]
    fetch_for([json.dumps({"proof": proofs}).encode()], said.append)
    assert len(said) == 8


def test_the_command_line_says_what_it_could_not_fetch(publisher, tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    path.write_text('{"issuer": "did:web:10.0.0.1", "type": ["VerifiableCredential"]}')
    assert "not fetched" not in publisher.run("verify", path).err
    asked = publisher.run("verify", path, "--fetch")
    assert asked.code == 3
    assert "a did:web begins with a registered name" in asked.err
    publisher.fails(2, "verify", "--fetch")


def test_what_the_terms_of_a_grant_name_is_fetched_as_well(publisher) -> None:
    (publisher.folder / "documents").mkdir()
    (publisher.folder / "documents" / "one.txt").write_text("one")
    publisher.ok("commit", "documents", "-d", "acme/docs")
    lists = ("--status-url", "https://10.0.0.1/terms")  # an address, and not gone to
    publisher.ok("issue", "acme/docs", "-o", "delivery", "--permit", "train", *lists)
    publisher.ok(
        *("grant", "delivery", "--to", HOLDER, "--permit", "train", "--until", "30d"),
        *("-o", "delivery/grant.json"),
    )
    printed = publisher.run("verify", "delivery/grant.json", "--fetch").err
    assert printed.count("10.0.0.1/terms/") == 2, printed
    assert "10.0.0.1" not in publisher.run("verify", "delivery/grant.json").err
