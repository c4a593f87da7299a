"""A retired version is gone at once for everybody who asks, whatever still lies in packs."""

import csv

import fsspec
import pytest

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.filesystem import LyrikFileSystem

NAME = "acme/texts"
RECIPE = 'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n'


def commit(publisher, texts, note, name=NAME):
    """Commit documents of these texts and a sheet with one note about each."""
    data = publisher.folder / name.replace("/", "-")
    data.mkdir(exist_ok=True)
    for old in data.iterdir():
        old.unlink()
    for path, text in texts.items():
        (data / path).write_text(text)
    sheet = publisher.folder / "sheet.csv"
    with sheet.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "note"), *((path, note) for path in texts)])
    done = publisher.ok("commit", data, "-d", name, "--metadata", sheet, "--yes", "--json")
    return done.json["id"]


@pytest.fixture
def two(publisher):
    """Return somebody with two versions, the first retired, with all of its data still there."""
    old = commit(publisher, {"a.txt": "one", "same.txt": "same"}, "said of the first")
    new = commit(publisher, {"a.txt": "two", "same.txt": "same"}, "said of the second")
    publisher.ok("gc", "--keep", "1", NAME)
    return publisher, old, new


def test_nobody_is_handed_its_data(two):
    publisher, old, _ = two
    (publisher.folder / "recipe.toml").write_text(RECIPE)
    for ref in (f"{NAME}~1", old):
        for command in (
            ("checkout", ref, "out"),
            ("filter", ref, "--recipe", "recipe.toml", "--as", "acme/clean"),
            ("issue", ref, "-o", "delivery", "--permit", "train"),
        ):
            assert publisher.fails(5, *command, "--json").kind == "retired"
    assert not (publisher.folder / "out").exists()
    assert not (publisher.folder / "delivery").exists()
    # What is signed and logged can be shown, and holds.
    assert "retired" in publisher.ok("show", old).out
    assert "retired" not in publisher.ok("show", NAME).out
    publisher.ok("diff", f"{NAME}~1", NAME)
    publisher.ok("verify", old)
    publisher.ok("checkout", NAME, "now")
    assert (publisher.folder / "now" / "a.txt").read_text() == "two"


def test_no_file_of_it_is_read(two):
    publisher, old, _ = two
    system = LyrikFileSystem(store=publisher.folder, skip_instance_cache=True)
    for version in ("~1", old):
        head = f"datasets/{NAME}@{version}"
        for ask in (system.ls, system.info, system.exists, system.find):
            with pytest.raises(IncompleteError) as caught:
                ask(head)
            assert caught.value.kind == "retired"
        with pytest.raises(IncompleteError):
            system.open(f"{head}/same.txt")
    assert system.cat_file(f"datasets/{NAME}/same.txt") == b"same"


def test_who_has_it_open_already_gets_an_error(publisher):
    old = commit(publisher, {"a.txt": "one"}, "first")
    system = fsspec.filesystem("lyrik", store=publisher.folder, skip_instance_cache=True)
    path = f"datasets/{NAME}@{old}/a.txt"
    assert system.cat_file(path) == b"one"
    commit(publisher, {"a.txt": "two"}, "second")
    publisher.ok("gc", "--keep", "1", NAME)
    with pytest.raises(IncompleteError) as caught:
        system.cat_file(path)
    assert caught.value.kind == "retired"


def test_no_row_of_its_sheet_is_answered(publisher):
    first = commit(publisher, {"a.txt": "one"}, "said of the first")
    commit(publisher, {"a.txt": "two"}, "said of the second")
    ask = "select value from metadata order by value"
    assert len(publisher.ok("query", ask, "--json").json["rows"]) == 2
    publisher.ok("gc", "--keep", "1", NAME)
    assert publisher.ok("query", ask, "--json").json["rows"] == [["said of the second"]]
    gaps = publisher.ok("query", "select id, what from gaps", "--json").json["rows"]
    assert gaps == [[first, "metadata"]]
    assert len(publisher.ok("query", "select path from files", "--json").json["rows"]) == 2


def test_the_same_data_again_is_another_version(two):
    publisher, old, _ = two
    again = commit(publisher, {"a.txt": "one", "same.txt": "same"}, "said of the first")
    assert again != old
    publisher.ok("checkout", NAME, "again")
    assert (publisher.folder / "again" / "a.txt").read_text() == "one"
    assert publisher.fails(5, "checkout", old, "old", "--json").kind == "retired"
    rows = publisher.ok("query", "select manifest from metadata where value = 'said of the first'")
    assert old.removeprefix("blake3:")[:12] not in rows.out


def test_what_was_issued_of_it_stops_no_later_delivery(publisher):
    commit(publisher, {"a.txt": "one", "same.txt": "same"}, "first")
    publisher.ok("issue", NAME, "-o", "first", "--permit", "train")
    commit(publisher, {"a.txt": "two", "same.txt": "same"}, "second")
    publisher.ok("gc", "--keep", "1", NAME)
    for _ in range(2):
        publisher.ok("gc", "--grace", "0")
    publisher.ok("issue", NAME, "-o", "second", "--permit", "train")
    publisher.ok("verify", "first")
    publisher.ok("verify", "second")
    publisher.ok("verify")


def test_what_waits_in_a_clone_keeps_what_it_rests_on(publisher):
    """A pending version may have data in common with one that the home retires."""
    shared = "".join(f"{number} of a text that two versions have\n" for number in range(20000))
    commit(publisher, {"a.txt": shared}, "first")
    publisher.ok("clone", publisher.folder / ".lyrikstore", "copy")
    copy = publisher.folder / "copy"
    (copy / "mine").mkdir()
    (copy / "mine" / "b.txt").write_text(shared)
    publisher.ok("commit", "mine", "-d", "acme/mine", cwd=copy)

    commit(publisher, {"a.txt": "short"}, "second")
    publisher.ok("gc", "--keep", "1", NAME)
    publisher.ok("pull", cwd=copy)  # whose log drops the pack
    publisher.ok("checkout", "acme/mine", "kept", cwd=copy)
    for _ in range(2):
        publisher.ok("gc", "--grace", "0", cwd=copy)
    publisher.ok("checkout", "acme/mine", "still", cwd=copy)
    assert publisher.fails(5, "checkout", f"{NAME}~1", "old", "--json", cwd=copy).kind == "retired"
    assert publisher.run("verify", cwd=copy).code in {0, 4}

    publisher.ok("push", cwd=copy)
    publisher.ok("checkout", "acme/mine", "pushed")
    assert (publisher.folder / "pushed" / "b.txt").read_text() == shared
    assert publisher.fails(5, "checkout", f"{NAME}~1", "old", "--json").kind == "retired"
    # Nothing waits any more, so nothing keeps it.
    for _ in range(2):
        publisher.ok("gc", "--grace", "0", cwd=copy)
    publisher.ok("checkout", "acme/mine", "after", cwd=copy)
    publisher.ok("verify", cwd=copy)
