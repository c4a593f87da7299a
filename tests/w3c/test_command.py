"""``lyrikstore verify`` on what others issued, as a user types it."""

from typing import Any

import pytest


@pytest.fixture
def buyer(new_person: Any, made: Any) -> Any:
    person = new_person("buyer")
    (person.folder / "trust.toml").write_text(made.TRUST)
    return person


def verify(person: Any, name: str, text: str, *options: object) -> Any:
    (person.folder / name).write_text(text)
    at = ("--at", "2026-11-24T14:12:39Z")
    return person.run("verify", f"./{name}", "--trust", "trust.toml", *at, *options, "--json")


def test_the_profile_is_chosen_and_said(buyer: Any, made: Any) -> None:
    result = verify(buyer, "vc.json", made.signed(made.base()))
    assert (result.code, result.json["verdict"], result.json["profile"]) == (0, "trusted", "w3c")
    shown = buyer.run("verify", "./vc.json", "--at", "2026-11-24T14:12:39Z")
    assert "profile w3c" in shown.out
    assert shown.code == 4  # nobody's trust file
    edited = made.signed(made.base()).replace("rich", "RICH")
    assert verify(buyer, "edited.json", edited).code == 3
    assert verify(buyer, "vc.json", made.signed(made.base()), "--data", ".").code == 16


def test_status_lists_and_schemas_beside_it_and_named(buyer: Any, made: Any) -> None:
    text = made.with_status()
    assert verify(buyer, "vc.json", text).code == 5
    (buyer.folder / "list").mkdir()
    (buyer.folder / "list" / "now.json").write_text(made.status_list())
    assert verify(buyer, "vc.json", text, "--status", "list").code == 0
    (buyer.folder / "revoked.json").write_text(made.status_list(made.bits_with(1)))
    assert verify(buyer, "vc.json", text).code == 3
    (buyer.folder / "revoked.json").unlink()

    schema = made.json_schema()
    item = {"id": made.SCHEMA_URL, "type": "JsonSchema", "digestSRI": made.sri(schema)}
    text = made.signed(made.base(credentialSchema=item))
    assert verify(buyer, "vc.json", text).code == 5
    (buyer.folder / "elsewhere").mkdir()
    (buyer.folder / "elsewhere" / "s.json").write_bytes(schema)
    assert verify(buyer, "vc.json", text, "--resource", "elsewhere").code == 0
    assert verify(buyer, "vc.json", text, "--resource", "elsewhere/s.json").code == 0
    # Whoever hands it over may put a schema beside it: only one with the right digest counts.
    free = made.signed(made.base(credentialSchema={"id": made.SCHEMA_URL, "type": "JsonSchema"}))
    (buyer.folder / "lax.json").write_bytes(made.json_schema(properties={}))
    assert verify(buyer, "free.json", free).code == 5
    assert verify(buyer, "free.json", free, "--resource", "elsewhere").code == 0
    other = buyer.folder / "other.json"
    other.write_bytes(schema + b" ")
    assert verify(buyer, "vc.json", text, "--resource", f"{made.SCHEMA_URL}={other}").code == 3


def test_no_file_of_a_folder_is_left_out(buyer: Any, made: Any) -> None:
    folder = buyer.folder / "many"
    folder.mkdir()
    for number in range(1001):
        (folder / f"{number}.json").write_text("{}")
    result = verify(buyer, "vc.json", made.signed(made.base()), "--resource", "many")
    assert (result.code, result.kind) == (16, "too-many-files")
    assert "1001 files" in result.error["message"]
    (folder / "0.json").unlink()
    assert verify(buyer, "vc.json", made.signed(made.base()), "--resource", "many").code == 0


def test_presentations(buyer: Any, made: Any) -> None:
    from lyrikstore.w3c.profile.presentation import make_presentation

    data = make_presentation(
        [made.signed(made.base()).encode()],
        made.HOLDER,
        challenge="c-1",
        domain="https://buyer.example",
        created=made.NOW,
    ).decode()
    asked = ("--challenge", "c-1", "--domain", "https://buyer.example")
    result = verify(buyer, "vp.json", data, *asked)
    assert (result.code, result.json["parts"][0]["verdict"]) == (0, "trusted")
    assert result.json["issuer"] == made.HOLDER.did
    assert verify(buyer, "vp.json", data).code == 4
    assert verify(buyer, "vp.json", data, "--challenge", "c-2", *asked[2:]).code == 3
    assert verify(buyer, "vp.json", data, *asked[:2], "--domain", "https://x.example").code == 3
    # A script whose challenge came out empty asked for a presentation all the same.
    bare = made.signed(made.base())
    assert verify(buyer, "vc.json", bare).code == 0
    assert verify(buyer, "vc.json", bare, "--challenge", "", "--domain", "").code == 3
    shown = buyer.run("verify", "./vp.json", "--trust", "trust.toml", *asked, "--at",
                      "2026-11-24T14:12:39Z")  # fmt: skip
    assert "presents urn:uuid:" in shown.out
    assert shown.code == 0


def test_what_does_not_belong_together(buyer: Any, made: Any) -> None:
    assert buyer.run("verify", "--challenge", "c").code == 2
    (buyer.folder / "hello.json").write_text("hello")
    assert buyer.run("verify", "./hello.json", "--challenge", "c").code == 2
    assert buyer.run("verify", "./hello.json").code == 3
    missing = verify(buyer, "vc.json", made.signed(made.base()), "--resource", "nothing.json")
    assert (missing.code, missing.kind) == (1, "no-file")
