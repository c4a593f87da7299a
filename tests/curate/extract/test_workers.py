"""A parser that dies, hangs or fills the memory takes only its own document with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.curate.extract import worker, workers
from lyrikstore.curate.extract.document import ExtractOptions, extract
from lyrikstore.curate.extract.result import Extracted, Unreadable
from lyrikstore.curate.extract.workers import Extractor
from lyrikstore.objects.parallel import limited
from tests.conftest import Corpus
from tests.curate.extract import making

MIB = 1 << 20
SLOW = making.pages_pdf([b"BT /F1 1 Tf " + b"1 0 0 1 9 9 Tm (a) Tj " * 3_000_000 + b"ET"])
"""Takes some seconds and more than a gigabyte."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Return the processes that extractors start, in order."""
    made: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        made.append(start(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(limited.subprocess, "Popen", remember)
    return made


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def works(extractor: Extractor) -> bool:
    return isinstance(extractor.extract("next.txt", b"next"), Extracted)


def test_results_do_not_depend_on_the_number_of_processes(corpus: Corpus) -> None:
    documents = [(path, data) for path, data in list(corpus.texts.items())[:20]]
    documents += [("a.pdf", making.pages_pdf([making.line("hello"), making.SCAN]))]
    documents += [("b.docx", making.docx(making.paragraph("hello"))), ("c.pdf", b"%PDF-")]
    documents += [("d.html", b"<p>hello"), ("e.txt", "größer".encode("cp1252")), ("f.txt", b"")]
    documents += [("g.eml", b"From: a@b.c\nSubject: x\nDate: y\n\nhello"), ("h.zip", b"PK\5\6")]
    here = [extract(path, data) for path, data in documents]
    for count in (1, 3):
        with Extractor(count=count) as extractor:
            assert list(extractor.map(documents)) == here
    with Extractor(count=2) as extractor:
        assert list(extractor.map(documents[::-1])) == here[::-1]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(signal.SIGSEGV, "broken"), (signal.SIGKILL, "out-of-memory"), (signal.SIGXCPU, "timeout")],
)
def test_a_parser_that_dies(started: list[Any], ending: signal.Signals, reason: str) -> None:
    with Extractor(count=1) as extractor:

        def end() -> None:
            while not (started and cpu_seconds(started[0].pid) > 0.6):  # it is reading
                time.sleep(0.01)
            os.kill(started[0].pid, ending)

        thread = threading.Thread(target=end)
        thread.start()
        result = extractor.extract("slow.pdf", SLOW)
        thread.join()
        assert isinstance(result, Unreadable)
        assert (result.reason, ending.name in result.detail) == (reason, True)
        assert works(extractor)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_a_parser_that_hangs_is_ended(started: list[Any]) -> None:
    with Extractor(count=1, seconds=0.3) as extractor:
        assert works(extractor)
        result = extractor.extract("slow.pdf", SLOW)
        assert isinstance(result, Unreadable)
        assert result.reason == "timeout"
        assert started[0].poll() is not None
        assert works(extractor)


def test_a_parser_that_fills_the_memory_gets_a_second_chance_in_a_fresh_process(
    started: list[Any],
) -> None:
    with Extractor(count=1, memory_bytes=500 * MIB) as extractor:
        assert works(extractor)
        result = extractor.extract("slow.pdf", SLOW)
        assert isinstance(result, Unreadable)
        assert result.reason == "out-of-memory"
        assert len(started) == 2
        assert works(extractor)
        large = making.docx(making.paragraph("x y " * 1_000_000))
        assert isinstance(extractor.extract("large.docx", large), Extracted)


def test_the_process_has_neither_environment_nor_files(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    with Extractor(count=1) as extractor:
        assert works(extractor)
        folder = f"/proc/{started[0].pid}"
        with open(f"{folder}/environ", "rb") as file:
            assert file.read() == b"LC_ALL=C.UTF-8\0"
        with open(f"{folder}/limits") as file:
            rows = {line[:26].strip(): line[26:].split()[0] for line in file}
        assert rows["Max address space"] == str(limited.MAX_MEMORY_BYTES)
        assert (rows["Max file size"], rows["Max core file size"]) == ("0", "0")
        assert os.readlink(f"{folder}/cwd") == "/"


def test_it_ends_with_the_process_that_started_it() -> None:
    script = (
        "from lyrikstore.curate.extract import workers\n"
        "import os, subprocess\n"
        "start = subprocess.Popen\n"
        "made = []\n"
        "subprocess.Popen = lambda *a, **o: made.append(start(*a, **o)) or made[-1]\n"
        "workers.Extractor(count=1).extract('x.txt', b'x')\n"
        "print(made[0].pid, flush=True)\n"
        "os._exit(1)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    pid = int(ran.stdout)
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the worker outlived its parent")


def test_an_extractor_that_nobody_closes_ends_with_its_last_user(started: list[Any]) -> None:
    extractor = Extractor(count=1)
    assert works(extractor)
    del extractor
    assert started[0].poll() is not None


def test_documents_are_taken_only_as_they_are_read() -> None:
    taken = 0

    def source() -> Any:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield f"{number}.txt", b"text"

    with Extractor(count=2) as extractor:
        results = extractor.map(source())
        next(results)
        assert taken <= 4
        results.close()  # type: ignore[attr-defined]


def test_too_large_is_said_without_a_process(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MAX_DOCUMENT_BYTES", 3)
    with Extractor() as extractor:
        result = extractor.extract("x.txt", b"1234")
    assert isinstance(result, Unreadable)
    assert (result.reason, started) == ("too-large", [])


@pytest.mark.parametrize("library", ["pypdfium2", "lxml", "charset_normalizer"])
def test_a_library_that_is_missing_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    data = {
        "pypdfium2": making.pages_pdf([b""]),
        "lxml": b"<html>",
        "charset_normalizer": "größer".encode("cp1252"),
    }[library]
    with pytest.raises(InvalidInputError) as error:
        extract("x", data)
    assert error.value.kind == "no-parser"
    assert library in error.value.message
    assert "lyrikstore[documents]" in error.value.hint


def test_a_bad_encoding_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InvalidInputError) as error:
        Extractor(ExtractOptions("zip"))
    assert error.value.kind == "bad-encoding"


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({}, b""),
        ({"unreadable": {"reason": "because", "detail": ""}}, b""),
        ({"unreadable": {"reason": 5}}, b""),
        ({"extracted": {"format": "pdf"}}, b""),
        ({"extracted": [1]}, b""),
    ],
)
def test_answers_of_another_shape_are_refused(header: dict[str, Any], data: bytes) -> None:
    with pytest.raises(FormatError):
        worker.unpack(header, (data,))


@pytest.mark.parametrize("lengths", [[3], [6], [-1, 6], [10**12]])
def test_page_lengths_are_those_of_the_text(
    lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "limit_time", lambda _: None)  # it would end this process
    ((header, data),) = worker.extract_one(
        {"seconds": 9, "encoding": None}, {"path": "x.txt"}, b"hello"
    )
    assert worker.unpack(header, (data,)) == extract("x.txt", b"hello")
    header["extracted"]["lengths"] = lengths
    with pytest.raises(FormatError):
        worker.unpack(header, (data,))
