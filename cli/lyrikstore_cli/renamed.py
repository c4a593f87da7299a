"""Earlier names of commands and flags, which are refused with the new name."""

from lyrikstore.canon.errors import InvalidInputError

COMMANDS = {
    "revoke": "credential revoke",
    "suspend": "credential suspend",
    "reinstate": "credential reinstate",
    "supersede": "credential supersede",
    "status-lists": "credential publish",
    "checkpoints": "checkpoint",
    "checkpoints add": "checkpoint add",
    "checkpoints merge": "checkpoint merge",
    "index": "maintain index",
    "index rebuild": "maintain index",
    "schema": "maintain schema",
    "sign": "w3c sign",
    "serve": "w3c serve",
}
"""Earlier name of a command → its name now. The schema of its result keeps the earlier name."""

FLAGS = {
    ("clone", "--id"): "--store-id",
    ("commit", "--measure"): "--statistic",
    ("evaluate", "--report"): "--html",
    ("evaluate", "--sample"): "--limit",
    ("gc", "--threshold"): "--repack-at",
    ("import", "--dataset"): "--as",
    ("import", "--output"): "--as",
    ("import", "-d"): "--as",
    ("issue", "--version"): "--version-label",
    ("page", "--check"): "--compare",
    ("profile", "--output"): "--html",
    ("profile", "-o"): "--html",
    ("query", "--csv"): "--format csv",
    ("train", "--output"): "--as",
    ("trust add", "--document"): "--did-document",
    ("w3c serve", "--name"): "--host-name",
}
"""Command and earlier flag → the flag now."""


def renamed_flag(command: str, flag: str) -> InvalidInputError:
    """Return the error that gives the new name of a flag of :data:`FLAGS`."""
    new = FLAGS[command, flag]
    return InvalidInputError("usage", f"lyrikstore {command} {flag} is now: {new}")


def renamed_command(command: str) -> InvalidInputError:
    """Return the error that gives the new name of a command of :data:`COMMANDS`."""
    new = COMMANDS[command]
    return InvalidInputError("usage", f"lyrikstore {command} is now: lyrikstore {new}")
