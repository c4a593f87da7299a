"""Terms files: what a stranger's must not make us read, and values that are none."""

import os
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.curate.terms.offer import load_offer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "private").write_text("a key")
    made = tmp_path / "terms"
    (made / "texts").mkdir(parents=True)
    (made / "texts" / "nda.txt").write_text("the terms")
    (made / "inner").symlink_to("texts/nda.txt")
    (made / "outer").symlink_to("../private")
    (made / "circle").symlink_to("circle")
    os.mkfifo(made / "fifo")
    return made


def written(folder: Path, toml: str) -> Path:
    path = folder / "terms.toml"
    path.write_text('permits = ["train"]\n' + toml)
    return path


@pytest.mark.parametrize("name", ["texts/nda.txt", "inner", "./texts/../texts/nda.txt"])
def test_licence_texts_lie_beside_it(folder: Path, name: str) -> None:
    offer = load_offer(written(folder, f'[texts]\nLicenseRef-NDA = "{name}"'))
    assert offer.texts == (("LicenseRef-NDA", b"the terms"),)


@pytest.mark.parametrize(
    "name",
    [
        "../private",
        "/etc/passwd",
        "outer",
        "fifo",
        "texts",
        "absent",
        "circle",
        "a\\u0000b",
        "é" * 300,
    ],
)
def test_no_other_file_is_handed_out(folder: Path, name: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError)) as caught:
        load_offer(written(folder, f'[texts]\nLicenseRef-NDA = "{name}"'))
    assert caught.value.kind in {"bad-terms", "no-file", "unreadable"}
    if name in {"../private", "/etc/passwd", "outer"}:
        assert "not in the folder" in caught.value.message


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_the_calendar_is_named(folder: Path, moment: str) -> None:
    with pytest.raises(InvalidInputError, match="between the years"):
        load_offer(written(folder, f"limits = {{ useUntil = {moment} }}"))


def test_a_union_of_states_is_written_out_and_one_that_is_not_known_refused(folder: Path) -> None:
    (part,) = load_offer(written(folder, 'limits = { territory = ["EU", "CH"] }')).terms.partitions
    assert len(part.limits.territory) == 28
    assert {"AT", "SK", "CH"} < set(part.limits.territory)
    with pytest.raises(InvalidInputError, match="not an ISO 3166 code") as caught:
        load_offer(written(folder, 'limits = { territory = ["UK"] }'))
    assert caught.value.kind == "unknown-word"
