"""What ``verify`` prints: short when all is well, never less than what matters, all when asked."""

import json
import re

import pytest

from tests.cli.tour import DEGREE

ALWAYS = {"period", "records.root"}
SYMBOLS = {"fail": "✗", "unchecked": "?", "warn": "!", "stated": "»"}


@pytest.fixture
def targets(publisher):
    """Everything that can be verified without a model, by the arguments that name it."""
    texts = publisher.folder / "texts"
    texts.mkdir()
    for name in ("one", "two"):
        (texts / f"{name}.txt").write_text(f"{name}\n")
    publisher.ok("commit", "texts", "-d", "acme/texts")
    publisher.ok("issue", "acme/texts", "-o", "delivery", "--permit", "train")
    degree = {**DEGREE, "issuer": publisher.did()}
    (publisher.folder / "degree.json").write_text(json.dumps(degree))
    publisher.ok("w3c", "sign", "degree.json", "-o", "signed.json")
    publisher.ok("trust", "add", publisher.did(), "--name", "Me", "--names", "credentials/*")
    return {
        "store": (),
        "ref": ("acme/texts",),
        "delivery": ("delivery",),
        "credential": ("delivery/credential.json", "--data", "delivery/data"),
        "w3c": ("signed.json",),
    }


@pytest.mark.parametrize("kind", ["store", "ref", "delivery", "credential", "w3c"])
def test_all_is_well_in_a_dozen_lines(publisher, targets, kind) -> None:
    result = publisher.run("verify", *targets[kind])
    report = publisher.run("verify", *targets[kind], "--json").json
    assert report["verdict"] == "trusted", result.out
    lines = [*result.out.splitlines(), *result.err.splitlines()]
    assert len(lines) <= 12, result.out
    assert result.out.splitlines()[-1].startswith("TRUSTED")
    states = [check["state"] for check in report["checks"]]
    assert f"✓ {states.count('pass')} check" in result.out
    for check in report["checks"]:
        shown = f" {SYMBOLS.get(check['state'], '✓')} {check['id']} "
        always = check["id"] in ALWAYS and check["state"] == "pass"
        assert (shown in result.out) == (check["state"] in SYMBOLS or always), check
    # The first of what is not proven, and how many there are.
    first, *rest = report["notProven"]
    assert f" – not proven: {first}" in result.out
    assert not any(line in result.out for line in rest)
    assert f" – not proven: {len(rest)} more" in result.out

    whole = publisher.run("verify", *targets[kind], "-v").out
    assert all(f" {check['id']} " in whole for check in report["checks"])
    assert all(f" – not proven: {line}" in whole for line in report["notProven"])
    assert whole.splitlines()[-1] == result.out.splitlines()[-1]

    quiet = publisher.run("verify", *targets[kind], "-q")
    assert (quiet.out, quiet.err) == (f"{result.out.splitlines()[-1]}\n", "")


def test_what_decided_comes_first_and_is_all_there(publisher, targets) -> None:
    (publisher.folder / "delivery" / "data" / "one.txt").unlink()
    (publisher.folder / "delivery" / "data" / "two.txt").write_text("changed\n")
    (publisher.folder / "delivery" / "genesis.json").unlink()
    result = publisher.fails(3, "verify", "delivery").out
    report = publisher.fails(3, "verify", "delivery", "--json").json
    bad = [one for one in report["checks"] if one["state"] in SYMBOLS]
    shown = re.findall(r"^ ([✗?!✓»]) (\S+)", result, re.MULTILINE)
    symbols = [symbol for symbol, _ in shown]
    assert symbols == sorted(symbols, key="✗?!✓»".index)
    assert {name for symbol, name in shown if symbol != "✓"} == {one["id"] for one in bad}
    quiet = publisher.fails(3, "verify", "delivery", "-q")
    assert quiet.out.splitlines() == [result.splitlines()[-1]]
    assert quiet.out.startswith("INVALID: 1 check failed: data.files")


def test_a_key_that_was_compromised_later_is_never_left_out(publisher, targets) -> None:
    """It was logged before, so all is well; and whoever reads the short report has to know."""
    publisher.ok("key", "new", "next", "--no-passphrase")
    revoke = ("key", "revoke", "default", "--suspect-from", "9", "--successor", "next", "--yes")
    publisher.ok(*revoke, "-o", "delivery")
    result = publisher.ok("verify", "delivery").out
    report = publisher.ok("verify", "delivery", "--json")
    assert report.check("issuer.key")["detail"]["standing"] == "compromised"
    for name in ("issuer.key", *ALWAYS):
        assert f" ✓ {name} " in result
    until = report.check("period")["detail"]["validUntil"]
    count = report.check("records.root")["detail"]["count"]
    assert until in result
    assert f"{count} records" in result
