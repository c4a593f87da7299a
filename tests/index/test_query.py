"""A foreign query can read the index and do nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError, StorageError
from lyrikstore.index import query as query_module
from lyrikstore.index import sandbox
from lyrikstore.index.query import QueryLimits, query
from tests.kinds import refused
from tests.sweep import thinned

ALL_HELD = {"files": "held", "writes": "held", "network": "held", "processes": "held"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("query") / "it's a database.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE numbers AS SELECT i, 'n' || i AS s FROM range(100000) t(i)"
        )
        connection.execute("CREATE VIEW small AS SELECT * FROM numbers WHERE i < 10")
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("key,value\npassword,hunter2\n")
    return path


def test_it_answers(database: Path) -> None:
    result = query(database, "SELECT i, s FROM small ORDER BY i DESC LIMIT 2")
    assert (result.columns, result.types) == (("i", "s"), ("BIGINT", "VARCHAR"))
    assert result.rows == ((9, "n9"), (8, "n8"))
    assert not result.truncated


def test_parameters_are_values_never_sql(database: Path) -> None:
    sql = "SELECT i FROM numbers WHERE s = ? OR i = ?"
    assert query(database, sql, ["n7", 9]).rows == ((7,), (9,))
    assert query(database, "SELECT ?", ["'; DROP TABLE numbers --"]).rows == (
        ("'; DROP TABLE numbers --",),
    )


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT NULL", None),
        ("SELECT true", True),
        ("SELECT 170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
        ("SELECT 0.1::DOUBLE", 0.1),
        ("SELECT 'nan'::DOUBLE", "nan"),
        ("SELECT 'inf'::DOUBLE", "inf"),
        ("SELECT 1.50::DECIMAL(9, 2)", "1.50"),
        ("SELECT DATE '2026-11-24'", "2026-11-24"),
        ("SELECT TIMESTAMPTZ '2026-11-24 12:00:00+00'", "2026-11-24 12:00:00+00"),
        ("SELECT [1, 2]", [1, 2]),
        ("SELECT {'a': 1}", "{'a': 1}"),
        ("SELECT '\\xFF'::BLOB", "\\xFF"),
        ("SELECT 'Ünï\u202e\n'", "Ünï\u202e\n"),
        ("SELECT (1, NULL)::VARCHAR", "(1, NULL)"),
    ],
)
def test_every_type_becomes_what_json_has_a_word_for(
    database: Path, sql: str, value: object
) -> None:
    assert query(database, sql).rows == ((value,),)


@pytest.mark.parametrize(
    "sql", ["FROM small", "DESCRIBE small", "SHOW TABLES", "SUMMARIZE small", "VALUES (1)"]
)
def test_other_spellings_of_select(database: Path, sql: str) -> None:
    assert query(database, sql).rows


def test_equal_column_names_stay_apart(database: Path) -> None:
    result = query(database, 'SELECT 1 AS a, 2 AS a, 3 AS "we""ird, name"')
    assert result.columns == ("a", "a", 'we"ird, name')
    assert result.rows == ((1, 2, 3),)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel boundaries are Linux's")
def test_the_kernel_confines_it(database: Path) -> None:
    result = query(database, "SELECT 1")
    assert {name: result.boundaries[name] for name in ALL_HELD} == ALL_HELD, result.boundaries
    assert result.confined


REACHING = [
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_csv('https://example.org/x.csv')",
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('{secret}')",
    "WITH x AS (SELECT content FROM read_text('{secret}')) SELECT * FROM x",
    "SELECT getenv('HOME')",
    "SELECT * FROM sqlite_scan('{secret}', 't')",
    "SELECT * FROM duckdb_secrets(redact = false), read_text('{secret}')",
]


@pytest.mark.parametrize("sql", REACHING)
def test_it_cannot_reach_files_or_network(database: Path, secret: Path, sql: str) -> None:
    text = sql.format(secret=secret, folder=secret.parent)
    with pytest.raises(InvalidInputError) as caught:
        query(database, text)
    assert caught.value.kind == "bad-query"
    assert "\n" not in caught.value.message
    assert "hunter2" not in caught.value.message


FORBIDDEN = [
    "COPY numbers TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{folder}/out.parquet'",
    "ATTACH '{folder}/other.duckdb'",
    "DETACH store",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET memory_limit",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CREATE TABLE t (i INT)",
    "CREATE TEMP TABLE t (i INT)",
    "CREATE OR REPLACE VIEW small AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "CREATE MACRO m() AS 1",
    "INSERT INTO numbers VALUES (1, 'x')",
    "UPDATE numbers SET i = 0",
    "DELETE FROM numbers",
    "DROP TABLE numbers",
    "ALTER TABLE numbers RENAME TO n",
    "EXPORT DATABASE '{folder}/x'",
    "IMPORT DATABASE '{folder}/x'",
    "EXPLAIN ANALYZE COPY numbers TO '{folder}/out.csv'",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "USE memory",
    "PREPARE p AS SELECT 1",
    "SELECT 1; COPY numbers TO '{folder}/out.csv'",
    "SELECT 1; SELECT 2",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("sql", thinned(FORBIDDEN, 5))
def test_only_one_select_is_run(database: Path, tmp_path: Path, sql: str) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidInputError) as caught:
        query(database, sql.format(folder=tmp_path))
    assert caught.value.kind == "not-a-select"
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_engine_itself_runs_one_select_only(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    """As the child asks it, here without the walls of the kernel around it."""
    said: list[dict[str, object]] = []
    monkeypatch.setattr(sandbox, "_say", said.append)
    request = {"sql": sql.format(folder=tmp_path), "parameters": [], "max_rows": 1, "max_bytes": 1}
    content = database.read_bytes()
    with sandbox._start_engine(64 << 20) as engine:
        sandbox._answer(engine, database, request, {})
    assert [one["error"] for one in said] == ["not-a-select"]
    assert list(tmp_path.iterdir()) == []
    assert database.read_bytes() == content


def test_python_variables_are_out_of_reach(database: Path) -> None:
    for name in ("request", "connection", "boundaries", "sys", "relation"):
        with pytest.raises(InvalidInputError):
            query(database, f"SELECT * FROM {name}")


def test_the_settings_are_locked(database: Path) -> None:
    sql = "SELECT name, value FROM duckdb_settings()"
    settings = dict(query(database, sql).rows)
    assert settings["enable_external_access"] == "false"
    assert settings["lock_configuration"] == "true"
    assert settings["threads"] == "1"
    assert settings["temp_directory"] == ""


def test_many_rows_are_cut_off(database: Path) -> None:
    result = query(database, "SELECT * FROM numbers", limits=QueryLimits(rows=500))
    assert len(result.rows) == 500
    assert result.truncated
    exact = query(database, "SELECT * FROM numbers LIMIT 500", limits=QueryLimits(rows=500))
    assert (len(exact.rows), exact.truncated) == (500, False)


def test_a_wide_answer_is_cut_off(database: Path) -> None:
    sql = "SELECT repeat('x', 1000) FROM numbers"
    result = query(database, sql, limits=QueryLimits(bytes=100_000))
    assert result.truncated
    assert 50 < len(result.rows) < 100


def test_endless_queries_end(database: Path) -> None:
    endless = (
        "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT sum(i) FROM r"
    )
    cross = "SELECT sum(a.i * b.i) FROM numbers a, numbers b, numbers c"
    for sql in (endless, cross):
        with pytest.raises(InvalidInputError, match="longer than 1 s") as caught:
            query(database, sql, limits=QueryLimits(seconds=1))
        assert caught.value.kind == "query-timeout"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('x', 10000000) FROM numbers",
        "SELECT list(repeat(s, 1000)) FROM numbers a",
        "SELECT count(*) FROM (SELECT DISTINCT a.s || b.s FROM numbers a, numbers b)",
    ],
)
def test_memory_is_bounded(database: Path, sql: str) -> None:
    limits = QueryLimits(seconds=60, memory_bytes=64 << 20)
    with pytest.raises(InvalidInputError) as caught:
        query(database, sql, limits=limits)
    assert caught.value.kind in {"query-too-large", "query-crashed"}
    assert "\n" not in caught.value.message


def test_a_query_process_that_cannot_load_its_program(
    database: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "resource.py").write_text("raise OSError(5, 'Input/output error')")
    monkeypatch.syspath_prepend(str(tmp_path))  # this process has loaded the real one
    with pytest.raises(StorageError) as caught:
        query(database, "SELECT 1")
    assert caught.value.kind == "not-loaded"
    assert caught.value.hint


def test_bad_sql_is_reported_in_one_line(database: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        query(database, "SELECT nothing\nFROM nowhere\nWHERE\x1b[31m x")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    with pytest.raises(InvalidInputError, match="longer than"):
        query(database, "SELECT '" + "x" * (64 << 10) + "'")


def test_unusable_files(database: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        query(tmp_path / "absent", "SELECT 1")
    damaged = tmp_path / "damaged"
    for data in (b"", b"not a database" * 100, database.read_bytes()[:5000]):
        damaged.write_bytes(data)
        with pytest.raises(FormatError) as caught:
            query(damaged, "SELECT 1")
        assert caught.value.kind == "bad-index"


def test_the_caller_s_environment_and_files_stay_outside(
    database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LYRIKSTORE_PASSPHRASE", "hunter2")
    held = (tmp_path / "held").open("w")
    os.set_inheritable(held.fileno(), True)
    seen: list[dict[str, object]] = []
    real = subprocess.Popen

    def spy(*arguments: object, **options: object) -> object:
        seen.append(options)
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(query_module.subprocess, "Popen", spy)
    query(database, "SELECT 1")
    held.close()
    given = {"PYTHONPATH", "JE_ARROW_MALLOC_CONF", "OPENBLAS_NUM_THREADS"}
    assert set(seen[0]["env"]) == given  # type: ignore[call-overload]
    assert seen[0]["close_fds"] is True


ATTEMPTS = [
    "open('/etc/passwd').read()",
    "os.listdir('/')",
    "open(path.parent / 'new', 'w').write('x')",
    "open(path, 'r+b').write(b'x')",
    "os.truncate(path, 0)",
    "os.unlink(path)",
    "os.rename(path, str(path) + '2')",
    "os.link(path, str(path) + '2')",
    "os.symlink('/', path.parent / 's')",
    "os.mkdir(path.parent / 'd')",
    "os.mkfifo(path.parent / 'f')",
    "os.chmod(path, 0o777)",
    "os.utime(path)",
    "_socket.socket()",
    "_socket.socket(_socket.AF_UNIX)",
    "_socket.socketpair()",
    "os.fork()",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.execv('/bin/true', ['true'])",
    "os.kill(os.getppid(), 0)",
    "os.memfd_create('m')",
    "os.open(path, os.O_RDONLY | os.O_CREAT)",
]


def run_confined(path: Path, *actions: str) -> dict[str, list[object]]:
    """Try Python expressions in a process confined as the query's is; return how each ended."""
    program = (
        "import os, json, threading, _socket\n"
        "from pathlib import Path\n"
        "from lyrikstore.index.confine import confine, limit, close_inherited\n"
        f"path = Path({str(path)!r})\n"
        "close_inherited()\n"
        "limit(memory_bytes=1 << 30, cpu_seconds=20, open_files=16)\n"
        "confine(path)\n"
        "def attempt(action):\n"
        "    try:\n"
        "        return ['done', eval(action)]\n"
        "    except BaseException as error:\n"
        "        return [type(error).__name__, str(error)]\n"
        f"print(json.dumps({{a: attempt(a) for a in {list(actions)!r}}}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel boundaries are Linux's")
def test_confined_python_can_do_nothing(tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"content")
    ended = run_confined(path, *ATTEMPTS)
    assert {action: how for action, how in ended.items() if how[0] != "PermissionError"} == {}
    assert list(ended) == ATTEMPTS
    assert path.read_bytes() == b"content"
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel boundaries are Linux's")
def test_confined_python_can_read_the_one_file_and_start_threads(tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"content")
    thread = "[t.start() or t.join() for t in [threading.Thread(target=int)]]"
    ended = run_confined(path, "open(path).read()", thread)
    assert list(ended.values()) == [["done", "content"], ["done", [None]]]


def test_without_an_index(tmp_path: Path) -> None:
    with refused("no-index"):
        query(tmp_path / "index.duckdb", "select 1")
