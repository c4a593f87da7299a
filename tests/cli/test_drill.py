"""``drill`` by an auditor without a key, in an audit clone, and in a damaged store."""

import json

STATES = {"caught", "not-applicable"}


def test_an_auditor_drills_a_clone_for_an_audit(publisher, new_person) -> None:
    (publisher.folder / "texts").mkdir()
    (publisher.folder / "texts" / "a.txt").write_text("a" * 999)
    publisher.ok("commit", "texts", "-d", "acme/texts")
    auditor = new_person("auditor")
    auditor.ok("clone", publisher.folder / ".lyrikstore", "clone", "--for-audit")
    clone = auditor.folder / "clone"
    said = json.loads(auditor.ok("drill", "-C", clone, "--json").out)
    assert said["missedCount"] == 0
    assert {one["attackOutcome"] for one in said["copyAttacks"]} <= STATES
    assert said["caughtCount"] >= 25

    # What is wrong before any attack is not taken for caught.
    pack = next((clone / ".lyrikstore").rglob("*.pack"))
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:-1])
    assert auditor.fails(3, "drill", "-C", clone).code == 3
