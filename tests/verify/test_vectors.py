"""The committed vectors are what their scripts make, and say what this verifier answers."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from lyrikstore.canon import json as canon
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import MAX_STATEMENTS_BYTES
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.did import Resolver, documents_among
from lyrikstore.credentials.issue import issue
from lyrikstore.credentials.model.credential import GRANT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, parse_trust
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.grant import Holder
from lyrikstore.verify.credential.key_statements import check_few
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.delivery.compare_files import check_files
from lyrikstore.verify.delivery.delivery import verify_alone, verify_delivery
from lyrikstore.verify.delivery.folder import FolderData, is_candidate_statement
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.report import Check, CheckState, decide
from lyrikstore.w3c.profile.presentation import verify_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.verify import Surroundings

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("ascii"))


@pytest.mark.parametrize("case", load("credentials/issued.json")["cases"], ids=lambda c: c["id"])
def test_issued(case: dict[str, Any]) -> None:
    signer = KeySigner(PrivateKey.from_seed(bytes.fromhex(case["seed"])))
    data = issue(case["unsigned"], signer, parse_timestamp(case["created"]))
    assert data.decode() == case["credential"]
    assert Digest.of(data).hex == case["blake3"]


@pytest.mark.parametrize("case", load("credentials/refused.json")["cases"], ids=lambda c: c["id"])
def test_refused(case: dict[str, Any]) -> None:
    at = parse_timestamp(load("credentials/refused.json")["at"])
    outcome = check_credential(OpenedCredential(case["credential"].encode()), trust=Trust(), at=at)
    states = {check.id: check.state for check in outcome.checks}
    assert states[case["check"]] is CheckState.FAIL
    assert not outcome.signature_valid
    assert (outcome.claims is None) == (case["check"] in {"format", "schema"})


def record_ids(reader: str, entry: TreeEntry, stream: BinaryIO) -> Iterator[Digest]:
    return (record.id for record in iter_records(reader, entry.path, stream))


def cases_of(*files: str) -> list[Any]:
    return [
        pytest.param(load(f"verdicts/{file}.json")["base"], case, id=f"{file}-{case['id']}")
        for file in files
        for case in load(f"verdicts/{file}.json")["cases"]
    ]


@pytest.fixture
def _opened_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a credential or a status list is parsed strictly a second time."""
    reads: Counter[bytes] = Counter()
    read = canon._read

    def counting(data: bytes, *limits: Any, floats: bool = False, **more: Any) -> Any:
        reads[data] += not floats
        return read(data, *limits, floats=floats, **more)

    monkeypatch.setattr(canon, "_read", counting)
    yield
    monkeypatch.undo()
    again = [OpenedCredential(data) for data, count in reads.items() if count > 1]
    assert reads
    assert not [one.data for one in again if one.kind or one.list_url]


@pytest.mark.usefixtures("_opened_once")
@pytest.mark.parametrize(
    ("base", "case"),
    cases_of(
        *("deliveries", "resold", "rows", "figures"),
        *("attestations", "attester-keys", "recompute"),
    ),
)
def test_deliveries(base: dict[str, Any], case: dict[str, Any], tmp_path: Path) -> None:
    changes = case["changes"]
    siblings = {
        name: bytes.fromhex(data["hex"]) if isinstance(data, dict) else data.encode()
        for name, data in {**base["siblings"], **changes.get("siblings", {})}.items()
        if data is not None
    }
    folder = None
    if "data" not in changes or changes["data"] is not None:
        folder = FolderData(tmp_path)
        for path, data in {**base["data"], **(changes.get("data") or {})}.items():
            if data is not None:
                (tmp_path / path).parent.mkdir(exist_ok=True)
                (tmp_path / path).write_bytes(data.encode())
    report = verify_delivery(
        OpenedCredential(changes.get("credential", base["credential"]).encode()),
        siblings=siblings,
        data=folder,
        record_ids=record_ids,
        trust=parse_trust(changes.get("trust", base["trust"]).encode()),
        at=parse_timestamp(changes.get("at", base["at"])),
        recompute=Measurement if changes.get("recompute", True) else None,
    )
    assert report.verdict == case["verdict"]
    for check, expected in case["checks"].items():
        made = report.check(check)
        assert made.detail.get("reason", str(made.state)) == expected, made
    for check, members in case.get("details", {}).items():
        detail = report.check(check).detail
        assert {name: detail[name] for name in members} == members
    if "issuers" in case:
        shown: Any = report.check("attestations").detail["attestations"]
        assert [one.get("issuer") for one in shown] == case["issuers"]
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize("case", load("files/departures.json")["cases"], ids=lambda c: c["id"])
def test_departures_of_files(case: dict[str, Any], tmp_path: Path) -> None:
    for path, text in case["found"].items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    listed = {path: text.encode() for path, text in case["listed"].items()}
    entries = (TreeEntry(path, len(data), Digest.of(data)) for path, data in listed.items())
    check = check_files(FolderData(tmp_path).compare(Tree.of(entries)))
    assert check.detail.get("reason", str(check.state)) == case["answer"]
    assert {name: check.detail.get(name) for name in case["detail"]} == case["detail"]


@pytest.mark.usefixtures("_opened_once")
@pytest.mark.parametrize(("base", "case"), cases_of("grants", "grant-keys"))
def test_grants(base: dict[str, Any], case: dict[str, Any]) -> None:
    changes = case["changes"]
    files = {**base["files"], **changes.get("files", {})}
    report = verify_alone(
        OpenedCredential(changes.get("target", base["target"]).encode()),
        siblings=SiblingFiles.unnamed(
            OpenedCredential(text.encode()) for text in files.values() if text is not None
        ),
        kind=GRANT,
        trust=parse_trust(changes.get("trust", base["trust"]).encode()),
        at=parse_timestamp(changes.get("at", base["at"])),
        holder=Holder(**changes["holder"]) if "holder" in changes else None,
    )
    assert report.verdict == case["verdict"]
    for check, expected in case["checks"].items():
        made = report.check(check)
        assert made.detail.get("reason", str(made.state)) == expected, made
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize("case", load("verdicts/keys.json")["cases"], ids=lambda c: c["id"])
def test_keys(case: dict[str, Any], tmp_path: Path) -> None:
    base = load("verdicts/keys.json")
    for path, data in base["data"].items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data.encode())
    report = verify_delivery(
        OpenedCredential(case["credential"].encode()),
        siblings={
            name: bytes.fromhex(data["hex"]) if isinstance(data, dict) else data.encode()
            for name, data in case["siblings"].items()
        },
        data=FolderData(tmp_path),
        record_ids=record_ids,
        trust=parse_trust(case.get("trust", base["trust"]).encode()),
        at=parse_timestamp(base["at"]),
    )
    made = {check.id: check.detail.get("reason", str(check.state)) for check in report.checks}
    assert {check: made[check] for check in case["checks"]} == case["checks"], made
    assert report.verdict == case["verdict"], made
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize(("base", "case"), cases_of("presented"))
def test_presented_grants(base: dict[str, Any], case: dict[str, Any]) -> None:
    changes = {**base, **case["changes"]}
    files = {**base["files"], **case["changes"].get("files", {})}
    siblings = [text.encode() for text in files.values() if text is not None]
    trust = parse_trust(changes["trust"].encode())
    report = verify_presentation(
        changes["target"].encode(),
        Surroundings(
            trust=trust,
            at=parse_timestamp(changes["at"]),
            resolver=Resolver((*trust.known_documents(), *documents_among(siblings))),
            status_updates=StatusUpdates.among(map(OpenedCredential, siblings)),
            resources=Resources(siblings=siblings),
        ),
        challenge=changes["challenge"],
        domain=changes["domain"],
    )
    assert report.verdict == case["verdict"]
    for check, expected in case["checks"].items():
        made = report.check(check)
        assert made.detail.get("reason", str(made.state)) == expected, made
    for check, expected in case.get("grant", {}).items():
        made = report.parts[0].check(check)
        assert made.detail.get("reason", str(made.state)) == expected, made
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize("case", load("verdicts/decide.json")["cases"], ids=lambda c: c["id"])
def test_decide(case: dict[str, Any]) -> None:
    details = case.get("details", {})
    checks = [
        Check(name, CheckState(state), ("-", details.get(name, {})))
        for name, state in case["states"].items()
    ]
    required = load("verdicts/decide.json")["required"]
    without = case.get("withoutData", False)
    assert decide(checks, required, without_data=without) == case["verdict"]


@pytest.mark.parametrize("case", load("beside/words.json")["cases"], ids=lambda c: c["id"])
def test_what_may_speak(case: dict[str, Any]) -> None:
    assert is_candidate_statement(spelt(case["file"])) == case["words"]
    assert load("beside/words.json")["most"] == MAX_STATEMENTS_BYTES


@pytest.mark.parametrize("case", load("beside/words.json")["folders"], ids=lambda c: c["id"])
def test_how_much_stores_may_say(case: dict[str, Any]) -> None:
    files = [spelt(file) for count, file in case["files"] for _ in range(count)]
    assert check_few(files) == case["few"]


def spelt(pieces: list[Any]) -> bytes:
    text = "".join(part if isinstance(part, str) else part[0] * part[1] for part in pieces)
    return text.encode()


def test_vectors_parse_as_strict_json() -> None:
    for case in load("credentials/issued.json")["cases"]:
        parse(case["credential"].encode())
