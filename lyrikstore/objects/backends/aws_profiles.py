"""AWS profiles, from the two files that every AWS tool reads but obstore does not."""

import configparser
import os
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError

_SETTINGS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}


def profile_settings(profile: str | None, folder: Path | None = None) -> dict[str, str]:
    """Return the settings in ``~/.aws/credentials`` and ``~/.aws/config``, as obstore names them.

    Args:
        profile: Name of the profile; None for ``default``, if it exists.
        folder: Folder of the two files; by default ``~/.aws``.

    Raises:
        InvalidInputError: (``bad-option``) there is no such profile, or a file cannot be read.
    """
    if folder is None:
        try:
            folder = Path("~/.aws").expanduser()
        except RuntimeError:  # this user has no home folder
            folder = Path(os.devnull)
    name = profile or "default"
    found: dict[str, str] = {}
    known = False
    for file, section in (
        ("config", "default" if name == "default" else f"profile {name}"),
        ("credentials", name),
    ):
        # No interpolation: a secret may hold `%`.
        parser = configparser.ConfigParser(interpolation=None, default_section="\0")
        try:
            parser.read(folder / file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            # The parser's message would quote the line, which may be a secret.
            raise InvalidInputError("bad-option", f"{folder / file} cannot be read") from None
        if parser.has_section(section):
            known = True
            found |= {_SETTINGS[k]: v for k, v in parser.items(section) if k in _SETTINGS}
    if profile and not known:
        raise InvalidInputError("bad-option", f"{folder} has no profile {profile!r}")
    return found
