"""URLs and options of remotes: checked, and without secrets."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct, field

from lyrikstore.canon.errors import InvalidInputError

SCHEMES = ("file", "memory", "s3", "gs", "az", "sftp", "http", "https")
OPTIONS = {
    "s3": frozenset({"endpoint", "region", "profile", "anonymous", "virtual-host", "timeout"}),
    "gs": frozenset({"endpoint", "anonymous", "timeout"}),
    "az": frozenset({"endpoint", "account", "anonymous", "timeout"}),
    "sftp": frozenset({"identity", "known-hosts", "timeout"}),
    "http": frozenset({"ca-file", "timeout"}),
    "https": frozenset({"ca-file", "timeout"}),
}
"""The options of each kind of remote: names and paths, never a secret."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_MEMORY = re.compile(r"[A-Za-z0-9_.-]{0,255}")


class RemotePlace(Struct, frozen=True):
    """A remote with its options and environment; ``str()`` returns the URL.

    Attributes:
        url: A URL or path for :meth:`RemoteUrl.parse`.
        options: Options of this kind of remote (:data:`OPTIONS`).
        environment: The environment of the process, for ``AWS_PROFILE`` and to decide whether the
            default profile of ``~/.aws`` applies; without it only the option ``profile`` names one.
            The libraries read their own variables (``AWS_*``, ``AZURE_*``, ``GOOGLE_*``) anyway.

    Raises:
        InvalidInputError: (``bad-remote-url``, ``secret-in-url``) see :meth:`RemoteUrl.parse`;
            (``bad-option``) this kind of remote has no such option; (``secret-in-url``) the
            option ``endpoint`` contains a user, a password or a query.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return self.url

    def __post_init__(self) -> None:
        """Raise `bad-option` for an option that the remote does not have, before it is stored."""
        url = RemoteUrl.parse(self.url)
        known = OPTIONS.get(url.scheme, frozenset())
        for name in self.options:
            if name not in known:
                raise InvalidInputError(
                    "bad-option",
                    f"{url.scheme}:// remotes have no option {name[:40]!r}",
                    hint=f"they have {', '.join(sorted(known))}" if known else "they have none",
                )
        endpoint = self.options.get("endpoint", "")
        if "@" in endpoint or "?" in endpoint:
            raise InvalidInputError(
                "secret-in-url", "the endpoint contains a user or a query, which may be secrets"
            )


class RemoteUrl(Struct, frozen=True):
    """The URL of a remote. ``str()`` returns its normal form, to be shown and stored.

    Attributes:
        scheme: One of :data:`SCHEMES`.
        host: Host, bucket or container; empty for folders.
        port: The port; 0 for the default port.
        user: For SFTP, or empty.
        path: Decoded path; absolute for a folder; for an object store the prefix, without ``/`` at
            its ends; for SFTP relative to the user's home unless it starts with ``/``.
    """

    scheme: str
    host: str
    port: int
    user: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "RemoteUrl":
        """Parse ``text``, a URL or the path of a folder.

        Raises:
            InvalidInputError: (``bad-remote-url``) it is not a supported URL;
                (``secret-in-url``) it contains a password or token. Neither message repeats the
                URL's secret part.
        """
        match = _SCHEME.match(text)
        if match is None:
            if not text or "\0" in text:
                raise InvalidInputError("bad-remote-url", "a remote needs a URL or a folder")
            path = Path(text)
            # Without `..`, which is no part of a name: links are followed only where it is there.
            path = path.resolve() if ".." in path.parts else path.absolute()
            return cls("file", "", 0, "", str(path))
        scheme = match[1].lower()
        if scheme not in SCHEMES:
            raise InvalidInputError(
                "bad-remote-url",
                f"remotes of kind {scheme}:// are not supported",
                hint=f"use a folder or one of {', '.join(f'{name}://' for name in SCHEMES)}",
            )
        return cls._of(scheme, text)

    @classmethod
    def _of(cls, scheme: str, text: str) -> "RemoteUrl":
        try:
            parts = urlsplit(text)
            port = parts.port or 0
        except ValueError:
            raise InvalidInputError("bad-remote-url", f"not a {scheme}:// URL") from None
        userinfo = parts.netloc.rpartition("@")[0]
        # A URL is shown, logged and remembered: whatever may be a secret must not be in it.
        if ":" in userinfo or (userinfo and scheme != "sftp") or parts.query:
            raise InvalidInputError(
                "secret-in-url",
                f"this {scheme}:// URL contains a user, password or query, which may be secrets",
                hint="leave it out; docs/remotes.md says where each kind of remote finds "
                "its credentials",
            )
        host, path = parts.hostname or "", unquote(parts.path)
        if parts.fragment or re.search(r"[\0-\x1f\x7f]", host + path) or ".." in path.split("/"):
            raise InvalidInputError("bad-remote-url", f"not a {scheme}:// URL of a store")
        if scheme == "file":
            return cls._folder(host, path)
        if scheme in {"s3", "gs", "az", "memory"}:
            host = parts.netloc  # case counts
            named = _MEMORY if scheme == "memory" else _BUCKET
            fits = named.fullmatch(host) is not None
            path = "/".join(part for part in path.split("/") if part)
        else:
            fits = bool(host)
            path = path.rstrip("/")
        if not fits:
            wrong = f"{host!r} cannot name one" if host else "the URL names none"
            what = "host" if scheme in {"sftp", "http", "https"} else "bucket"
            raise InvalidInputError(
                "bad-remote-url",
                f"{scheme}:// needs a {what}, and {wrong}",
                hint=f"such as {scheme}://{what}/folder",
            )
        if scheme == "sftp":  # sftp://host/~/x and sftp://host/~ are below the user's home
            path = path[3:] if path.startswith("/~/") else "" if path == "/~" else path or "/"
        return cls(scheme, host, port, unquote(userinfo), path)

    @classmethod
    def _folder(cls, host: str, path: str) -> "RemoteUrl":
        if host not in {"", "localhost"} or not path.startswith("/"):
            raise InvalidInputError("bad-remote-url", "a file:// URL looks like file:///folder")
        return cls("file", "", 0, "", str(Path(path)))

    def __str__(self) -> str:
        path = quote(self.path, safe="/~-._:+=@,!$&'()*;")
        if self.scheme == "file":
            return self.path
        if self.scheme == "sftp" and not path.startswith("/"):
            path = f"~/{path}" if path else "~"
        user = f"{quote(self.user)}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{host}{port}" + ("/" + path.lstrip("/") if path else "")
