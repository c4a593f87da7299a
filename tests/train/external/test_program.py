"""What of a program goes along with a job: what Git tracks or is named, and never a secret."""

import subprocess
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.external.program import copy_program, find_program


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Give a folder with a program in it, and much else."""
    folder = tmp_path / "code"
    for path, text in {
        "train.py": "import deep\n",
        "deep/more.py": "",
        ".gitignore": "data/\n.env\n",
        ".env": "TOKEN=a\n",
        "data/rows.csv": "a\n",
        "new.py": "",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "train.py").chmod(0o755)
    return folder


def git(folder: Path, *words: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tracked(code: Path) -> Path:
    """Give the same in a Git repository, which tracks two files."""
    git(code, "init", "-q")
    git(code, "add", "train.py", "deep/more.py")
    return code


def take(tmp_path: Path, *program: Path, include: tuple[Path, ...] = ()) -> tuple[set[str], int]:
    """Return what was taken along, and how much was left."""
    job = tmp_path / "job"
    parts = find_program(program, include, job, tmp_path / "store")
    job.mkdir()
    count = copy_program(parts, job)
    found = {one.relative_to(job).as_posix() for one in job.rglob("*") if not one.is_dir()}
    assert count == len(found)
    return found, sum(one.left_out for one in parts)


def refused(tmp_path: Path, *program: Path, include: tuple[Path, ...] = ()) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        take(tmp_path, *program, include=include)
    return caught.value


def test_of_a_folder_goes_what_git_tracks(tracked: Path, tmp_path: Path) -> None:
    found, left = take(tmp_path, tracked)
    assert found == {"code/train.py", "code/deep/more.py"}
    assert left == 4
    assert (tmp_path / "job/code/train.py").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "job/code/deep/more.py").stat().st_mode & 0o777 == 0o600


def test_of_a_folder_in_a_repository_goes_what_git_tracks_there(
    tracked: Path, tmp_path: Path
) -> None:
    assert take(tmp_path, tracked / "deep") == ({"deep/more.py"}, 0)


def test_what_is_named_goes_too(tracked: Path, tmp_path: Path) -> None:
    found, left = take(tmp_path, tracked, include=(tracked / "data", tracked / "new.py"))
    assert found == {"code/train.py", "code/deep/more.py", "code/data/rows.csv", "code/new.py"}
    assert left == 2


def test_outside_git_only_what_is_named_goes(code: Path, tmp_path: Path) -> None:
    assert refused(tmp_path, code).kind == "bad-program"
    assert take(tmp_path, code, include=(code / "deep",)) == ({"code/deep/more.py"}, 5)


def test_a_file_that_is_named_goes(code: Path, tmp_path: Path) -> None:
    assert take(tmp_path, code / "train.py") == ({"train.py"}, 0)


def test_no_link_leads_out(tracked: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "more.py").write_text("secret")
    for name, target in {
        "inside": "train.py",
        "deep/up": "../train.py",
        "out": "../secret/more.py",
        "untracked": "new.py",
        "absolute": str(tracked / "train.py"),
    }.items():
        (tracked / name).symlink_to(target)
    git(tracked, "add", "-A")
    git(tracked, "rm", "-q", "--cached", "new.py", "-f")
    # A folder that Git tracks files in, and that is a link by now.
    (tracked / "deep").rename(tmp_path / "aside")
    (tracked / "deep").symlink_to(tmp_path / "secret")
    found, _ = take(tmp_path, tracked)
    assert found == {"code/train.py", "code/.gitignore", "code/inside"}
    assert (tmp_path / "job/code/inside").readlink() == Path("train.py")
    (tmp_path / "link").symlink_to(tracked)
    assert refused(tmp_path, tmp_path / "link").kind == "not-a-file"


def test_a_secret_refuses_the_job(tracked: Path, tmp_path: Path) -> None:
    (tracked / "notes.md").write_text("AGE-SECRET-KEY-1" + "QPZRY9X8GF" * 5 + "2TVDW0S3")
    git(tracked, "add", "-f", "notes.md", ".env")
    error = refused(tmp_path, tracked)
    assert error.kind == "secret-found"
    assert set(error.details["holds"]) == {"code/notes.md", "code/.env"}
    assert "QPZRY9X8GF" not in str(error.to_json())


def test_credentials_that_are_named_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\n")
    error = refused(tmp_path, tmp_path / ".aws" / "credentials")
    assert error.details["holds"] == {"credentials": "credentials (AWS)"}


def test_a_raw_seed_cannot_be_seen(tracked: Path, tmp_path: Path) -> None:
    (tracked / "weights.bin").write_bytes(bytes(range(32)))
    git(tracked, "add", "weights.bin")
    assert "code/weights.bin" in take(tmp_path, tracked)[0]


@pytest.mark.parametrize("what", ["elsewhere", "store", "git"])
def test_what_is_named_has_to_lie_in_what_goes_along(
    tracked: Path, tmp_path: Path, what: str
) -> None:
    place = {
        "elsewhere": tmp_path / "other.py",
        "store": tracked / ".lyrikstore",
        "git": tracked / ".git" / "HEAD",
    }[what]
    if what == "store":
        place.mkdir()
        (place / "format").write_text("a")
    elif what == "elsewhere":
        place.write_text("")
    assert refused(tmp_path, tracked, include=(place,)).kind == "bad-program"
