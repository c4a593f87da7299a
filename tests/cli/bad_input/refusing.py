"""Commands that must fail with one line and leave the store as it was."""

NAME = "acme/licences"


def refused(person, code, *arguments):
    """Run a command that must fail cleanly and leave the store as it was, byte for byte."""
    before = stored(person)
    assert before
    result = person.fails(code, *arguments)
    lines = [line for line in result.err.splitlines() if line.startswith(("error: ", "{"))]
    assert len(lines) == 1, result.err
    assert stored(person) == before
    return result


def stored(person) -> dict[str, bytes]:
    """Return what a store holds, but for the folder of staging and its lock."""
    store = person.folder / ".lyrikstore"
    return {
        str(path.relative_to(store)): path.read_bytes() if path.is_file() else b""
        for path in store.rglob("*")
        if path.relative_to(store).as_posix() not in ("staging", "staging/lock")
    }
