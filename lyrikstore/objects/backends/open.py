"""Opening the backend of a remote by URL (spec §4.2).

::

    place = RemotePlace("s3://bucket/prefix", {"region": "eu-west-1"})
    backend = open_backend(place, scratch=folder)
    backend.create("tx/…", data)        # True for one of any number of callers

Heavy libraries are imported when a remote of their kind is opened.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

from lyrikstore.canon.errors import RemoteError
from lyrikstore.canon.files import real_path
from lyrikstore.objects.backends.base import Backend, LocalBackend
from lyrikstore.objects.backends.memory import MemoryBackend, shared_files
from lyrikstore.objects.backends.remote import Abilities, RemoteBackend
from lyrikstore.objects.backends.retry import Retry
from lyrikstore.objects.backends.urls import RemotePlace, RemoteUrl
from lyrikstore.objects.io.safe_folder import check_place

__all__ = ["Abilities", "RemotePlace", "RemoteUrl", "Retry", "open_backend", "probe"]


def open_backend(
    place: str | RemotePlace,
    *,
    scratch: Path | None = None,
    options: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    retry: Retry | None = None,
) -> Backend:
    """Return the backend of the store at ``place``; no request is sent yet.

    Args:
        place: ``s3://``, ``gs://``, ``az://``, ``sftp://``, ``http(s)://`` (read-only),
            ``memory://`` (this process only), ``file://``, or the path of a folder; or a
            :class:`RemotePlace`, which then also has ``options`` and ``environment``.
        scratch: A local folder for unfinished files, by default the system's; a folder remote
            uses its own.
        options: See :class:`RemotePlace`.
        environment: See :class:`RemotePlace`.
        retry: The retry policy; 5 tries by default.

    Raises:
        InvalidInputError: See :class:`RemotePlace`; also (``bad-option``) the value of an option
            cannot be used.
        RemoteError: (``remote-needs-extra``) a library is not installed; (``remote-denied``) the
            credentials found cannot be used.
    """
    if isinstance(place, str):
        place = RemotePlace(place, options or {}, environment)
    url, given = RemoteUrl.parse(place.url), dict(place.options)
    retry = retry or Retry()
    scratch = scratch or real_path(Path(gettempdir()))
    if url.scheme in {"s3", "gs", "az"}:
        try:
            from lyrikstore.objects.backends import cloud
        except ModuleNotFoundError:
            extra = {"s3": "s3", "gs": "gcs", "az": "azure"}[url.scheme]
            raise _needs_extra(url, "obstore", extra) from None
        return cloud.CloudBackend(url, scratch, retry, given, place.environment)
    if url.scheme == "sftp":
        try:
            from lyrikstore.objects.backends import sftp
        except ModuleNotFoundError:
            raise _needs_extra(url, "paramiko", "sftp") from None
        return sftp.SftpBackend(url, scratch, retry, given)
    if url.scheme in {"http", "https"}:
        from lyrikstore.objects.backends import http

        return http.WebBackend(url, scratch, retry, given)
    if url.scheme == "memory":
        return MemoryBackend(scratch, shared_files(f"{url.host}/{url.path}".rstrip("/")))
    return LocalBackend(Path(url.path))


def probe(backend: Backend) -> Abilities:
    """Test a remote and return its abilities.

    Raises:
        RemoteError: It cannot be reached, or it refuses the credentials.
    """
    if isinstance(backend, RemoteBackend):
        return backend.probe()
    if isinstance(backend, LocalBackend):
        check_place(backend.root)
        place = backend.root if backend.root.is_dir() else backend.root.parent
        writable = os.access(place, os.W_OK | os.X_OK)
        return Abilities(writable=writable, creates=writable, swaps=writable)
    return Abilities(writable=True, creates=True, swaps=True)


def _needs_extra(url: RemoteUrl, library: str, extra: str) -> RemoteError:
    return RemoteError(
        "remote-needs-extra",
        f"{url.scheme}:// remotes need the library {library}",
        hint=f"pip install 'lyrikstore[{extra}]'",
    )
