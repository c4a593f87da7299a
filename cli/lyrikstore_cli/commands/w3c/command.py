"""``lyrikstore w3c``: the group of commands for other W3C software."""

from lyrikstore_cli.groups import lazy_group


@lazy_group(
    __package__,
    {
        "sign": "sign a W3C credential of any type",
        "serve": "serve the VC API on this machine",
        "export": "export the terms of a credential",
    },
)
def command() -> None:
    """Sign, serve and export for software that reads W3C credentials."""
