"""``lyrikstore w3c``: the commands for software that knows W3C credentials, and not this store."""

from lyrikstore_cli.groups import lazy_group


@lazy_group(
    __package__,
    {
        "sign": "sign a credential of a kind of your own",
        "serve": "the VC API on this machine, for programs that speak it",
        "export": "the terms of a credential for other software",
    },
)
def command() -> None:
    """Sign, serve and export for software that knows the standards of the W3C alone."""
