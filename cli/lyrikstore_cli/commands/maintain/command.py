"""``lyrikstore maintain``: commands for administrators of stores and authors of programs."""

from lyrikstore_cli.groups import lazy_group


@lazy_group(
    __package__,
    {
        "index": "rebuild the index that query reads",
        "schema": "print the JSON Schema of a result or a file",
    },
)
def command() -> None:
    """Rebuild the index; print the JSON Schema of a result or a file."""
