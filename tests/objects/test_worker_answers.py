"""Answers of workers are parsed strictly: nothing of one that is malformed is recorded."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.objects import distributed
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.parallel.tasks import Message, Result
from tests.servers.dask import InProcess, new_store


def answering(change: Callable[[Result], list[Result]]) -> Any:
    """Return pools whose every last answer is replaced by what ``change`` returns."""

    class Changed(InProcess):
        def map(self, tasks: Iterable[Message]) -> Iterator[Result]:
            for result in super().map(tasks):
                yield from [result] if "read" in result.header else change(result)

    return Changed


def header(**members: Any) -> Callable[[Result], list[Result]]:
    return lambda result: [result._replace(header={**result.header, **members})]


def silent(_: Result) -> list[Result]:
    return []


def twice(result: Result) -> list[Result]:
    return [result, result]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(distributed, "_SHARE_MIN", 2000)  # several shares
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(f"text {number}\n" * 100)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        silent,
        twice,
        header(packs=7),
        header(packs=[["00", 1, "data"]]),
        header(packs=[["00" * 32, -1, "data"]]),
        header(packs=[["00" * 32, 1, "other"]]),
        header(lists=[["00"]]),
        header(sizes=[1]),
        header(sizes="all"),
        lambda result: [result._replace(buffers=(result.buffers[0][1:],))],
        lambda result: header(sizes=[-1, *result.header["sizes"][1:]])(result),
        lambda result: header(sizes=[1.5, *result.header["sizes"][1:]])(result),
    ],
)
def test_a_malformed_answer_about_stored_files_is_refused(
    tmp_path: Path, data: Path, change: Callable[[Result], list[Result]]
) -> None:
    store = new_store(tmp_path)
    with pytest.raises(FormatError):
        store.datasets.commit(data, "acme/corpus", pools=answering(change))
    assert "datasets/acme/corpus" not in store.repository.refs
    assert store.verify().verdict == "trusted"
    # What was left in the store does no harm to whoever stores the same.
    made = store.datasets.commit(data, "acme/corpus").manifest
    assert made is not None
    store.datasets.checkout(str(made.id), tmp_path / "out")
    for path in data.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        silent,
        twice,
        header(packs=None),
        header(packs=[]),
        header(packs=[["many", ""]]),
        header(blocks=[[10**6, 0]]),
        header(blocks=[[0]]),
        header(blobs=[-1]),
        header(read="all of it"),
    ],
)
def test_a_malformed_answer_about_packs_is_refused(
    tmp_path: Path, data: Path, change: Callable[[Result], list[Result]]
) -> None:
    store = new_store(tmp_path)
    store.datasets.commit(data, "acme/corpus")
    with pytest.raises(FormatError, match="worker"):
        list(verify_blobs(store.repository.blobs, pools=answering(change)))
