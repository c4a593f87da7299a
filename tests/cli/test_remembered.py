"""What a user's cache remembers of refs: commands go by it, and `verify` does not."""

from lyrikstore.history.refcache import RefCache
from lyrikstore.history.refs import Flagged
from lyrikstore.history.repository import Repository

NAME = "acme/docs"


def test_verify_finds_a_name_by_the_log_alone(publisher) -> None:
    folder = publisher.folder / "documents"
    folder.mkdir()
    ids = []
    for text in ("one", "two"):
        (folder / "a.txt").write_text(text)
        ids.append(publisher.ok("commit", folder, "-d", NAME, "--json").json["id"])
    repo = Repository.open(publisher.folder / ".lyrikstore")
    steps = list(repo.home_table.steps)
    index, newest = steps[-1]
    assert str(newest.id) == ids[1]
    steps[-1] = Flagged(index, newest.id, "invalid")
    cache = publisher.home / ".cache" / "lyrikstore" / repo.store_id.short
    RefCache(cache).save(repo.records.hashes, steps)

    assert publisher.ok("show", NAME, "--json").json["id"] == ids[0]
    report = publisher.run("verify", NAME)
    assert ids[1] in report.out
    assert ids[0] not in report.out
