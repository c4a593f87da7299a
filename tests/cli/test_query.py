"""What `query` prints: ids that can be copied, and no cell that was cut unseen."""

import csv
import io


def test_ids_are_whole_and_what_is_cut_says_so(publisher) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("a")
    publisher.ok("commit", documents, "-d", "acme/docs", "-m", "because " * 20)
    asked = ("query", "select id, author, message from manifests where kind = 'dataset'")
    exact = publisher.ok(*asked, "--json").json
    (row,) = exact["rows"]
    assert exact["columns"] == ["id", "author", "message"]
    shown = publisher.ok(*asked)
    assert row[0] in shown.out
    assert row[1] in shown.out
    assert row[2] not in shown.out
    assert "…" in shown.out
    assert "--csv" in shown.err
    assert list(csv.reader(io.StringIO(publisher.ok(*asked, "--csv").out)))[1] == row
    whole = publisher.ok("query", "select id from datasets limit 1")
    assert "…" not in whole.out
    assert not whole.err
