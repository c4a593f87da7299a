"""Stores on other machines: :func:`open_backend` and what it opens (spec/04-objects.md §4.2).

::

    backend = open_backend("s3://bucket/prefix", scratch=folder, options={"region": "eu-west-1"})
    backend.create("tx/…", data)        # True for one of any number of callers

Heavy libraries are imported when a remote of their kind is opened.
"""

from collections.abc import Mapping
from pathlib import Path

from lyrikstore.canon.errors import InvalidInputError, RemoteError
from lyrikstore.objects.backend import Backend, LocalBackend
from lyrikstore.objects.remote.base import Abilities, RemoteBackend
from lyrikstore.objects.remote.memory import MemoryBackend, shared_files
from lyrikstore.objects.remote.retrying import Retry
from lyrikstore.objects.remote.urls import RemoteUrl

__all__ = ["Abilities", "RemoteUrl", "Retry", "open_backend", "probe"]


def open_backend(
    url: str,
    *,
    scratch: Path,
    options: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    retry: Retry | None = None,
) -> Backend:
    """Return the backend of the store at ``url``; nothing is asked of it yet.

    Args:
        url: ``s3://``, ``gs://``, ``az://``, ``sftp://``, ``http(s)://`` (read-only),
            ``memory://`` (this process only), ``file://``, or the path of a folder.
        scratch: A local folder for files being built; a folder remote uses its own.
        options: What this kind of remote lets one set; never a secret.
        environment: The environment of the process, for ``AWS_PROFILE`` and for knowing when the
            default profile of ``~/.aws`` counts; without it only the option ``profile`` names one.
            The libraries read their own variables (``AWS_*``, ``AZURE_*``, ``GOOGLE_*``) anyway.
        retry: How often to try; 5 times if left out.

    Raises:
        InvalidInputError: (``bad-remote-url``, ``secret-in-url``, ``bad-option``)
        RemoteError: (``remote-needs-extra``) a library is not installed; (``remote-denied``) the
            credentials found cannot be used.
    """
    place = RemoteUrl.parse(url)
    given = dict(options or {})
    retry = retry or Retry()
    if place.scheme in {"s3", "gs", "az"}:
        try:
            from lyrikstore.objects.remote import cloud
        except ImportError:
            extra = {"s3": "s3", "gs": "gcs", "az": "azure"}[place.scheme]
            raise _needs_extra(place, "obstore", extra) from None
        _check_options(given, cloud.OPTIONS[place.scheme], place)
        return cloud.CloudBackend(place, scratch, retry, given, environment)
    if place.scheme == "sftp":
        try:
            from lyrikstore.objects.remote import sftp
        except ImportError:
            raise _needs_extra(place, "paramiko", "sftp") from None
        _check_options(given, sftp.OPTIONS, place)
        return sftp.SftpBackend(place, scratch, retry, given)
    if place.scheme in {"http", "https"}:
        from lyrikstore.objects.remote import web

        _check_options(given, web.OPTIONS, place)
        return web.WebBackend(place, scratch, retry, given)
    _check_options(given, frozenset(), place)
    if place.scheme == "memory":
        return MemoryBackend(scratch, shared_files(f"{place.host}/{place.path}".rstrip("/")))
    return LocalBackend(Path(place.path))


def probe(backend: Backend) -> Abilities:
    """Return what a remote can be relied on for, having tried it.

    Raises:
        RemoteError: It cannot be reached, or it refuses the credentials.
    """
    if isinstance(backend, RemoteBackend):
        return backend.probe()
    return Abilities(writable=True, creates=True, swaps=True)


def _needs_extra(url: RemoteUrl, library: str, extra: str) -> RemoteError:
    return RemoteError(
        "remote-needs-extra",
        f"{url.scheme}:// remotes need the library {library}",
        hint=f"pip install 'lyrikstore[{extra}]'",
    )


def _check_options(given: Mapping[str, str], known: frozenset[str], url: RemoteUrl) -> None:
    for name in given:
        if name not in known:
            raise InvalidInputError(
                "bad-option",
                f"{url.scheme}:// remotes have no option {name[:40]!r}",
                hint=f"they have {', '.join(sorted(known))}" if known else "they have none",
            )
