"""What `query` prints: ids that can be copied, and no cell that was cut unseen."""

import csv
import io

from tests.cli.test_progress import at_a_terminal


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
    assert "--format csv" in shown.err
    assert list(csv.reader(io.StringIO(publisher.ok(*asked, "--format", "csv").out)))[1] == row
    whole = publisher.ok("query", "select id from datasets limit 1")
    assert "…" not in whole.out
    assert not whole.err


def test_lists_are_lists_and_a_slip_says_where_to_look(publisher) -> None:
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("a")
    publisher.ok("commit", documents, "-d", "acme/docs", "--licence", "CC0-1.0")
    publisher.ok("issue", "acme/docs", "-o", "delivery", "--permit", "train,evaluate")
    asked = ("query", "select permits, [1, null], [1.5], [['x']] from credentials")
    assert publisher.ok(*asked, "--json").json["rows"] == [
        [["train", "evaluate"], [1, None], "[1.5]", "[[x]]"]
    ]
    assert "[train, evaluate]" in publisher.ok(*asked).out
    assert '"[train, evaluate]",' in publisher.ok(*asked, "--format", "csv").out
    slip = publisher.fails(16, "query", "select * from credential")
    for statement in ("show tables", "describe credentials"):
        assert statement.split()[0] in slip.err
        publisher.ok("query", statement)


def test_csv_runs_in_no_spreadsheet(publisher) -> None:
    columns = "'=1+1' as a, chr(27) || '[31m' as b, '-1,5' as c"
    found = publisher.ok("query", f"select {columns}", "--format", "csv")
    assert found.out == 'a,b,c\n\'=1+1,\x1b[31m,"-1,5"\n'
    assert "! 1 cell begins like a formula" in found.err
    assert publisher.ok("query", f"select {columns}", "--json").json["rows"][0][0] == "=1+1"
    assert not publisher.ok("query", "select 1 as a", "--format", "csv").err


def test_csv_on_a_terminal_cannot_steer_it(publisher) -> None:
    shown = at_a_terminal(
        publisher, "query", "select chr(27) || '[31m' as a", "--format", "csv", both=True
    )
    assert "\x1b[31m" not in shown
    assert "a\r\n" in shown


def test_a_terminal_sees_the_index_being_built(publisher) -> None:
    asked = ("query", "select name from refs")
    assert "building the index" in at_a_terminal(publisher, *asked)
    assert "building the index" not in at_a_terminal(publisher, *asked)
    assert "building the index" in at_a_terminal(publisher, "maintain", "index")
