"""S3, Google Cloud Storage and Azure backends, through obstore (reasons: spec/adr/0006-remotes.md).

obstore's own retries are off; lyrikstore retries itself. obstore returns no status code and no
headers, only a text that contains the URL, so errors are distinguished by that text, which is never
passed on.
"""

import contextlib
import mmap
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore import exceptions, store

from lyrikstore.canon.errors import NotFoundError, RemoteError
from lyrikstore.objects.backends.aws_profiles import profile_settings
from lyrikstore.objects.backends.remote import (
    MAX_READ,
    SLOWEST,
    Abilities,
    RemoteBackend,
    open_source,
    parse_timeout,
)
from lyrikstore.objects.backends.retry import Retry, TransientError
from lyrikstore.objects.backends.urls import RemoteUrl

T = TypeVar("T")

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
# Azurite's answer where 416 is meant, as obstore names it; no URL has a space in it.
_PAST_THE_END = re.compile(r"source: StartTooLarge \{")
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
# Codes behind a 4xx that are the network's doing, or a race that only another try decides.
_AGAIN_CODES = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestTimeout",
        "SlowDown",
        "BadDigest",
        "InvalidDigest",
        "IncompleteBody",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "Md5Mismatch",
    }
)
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_NO_CONTAINER = frozenset({"NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"})
_FULL = frozenset({"QuotaExceeded", "EntityTooLarge", "StorageFull", "XMinioStorageFull"})
_NO_CREDENTIALS = re.compile(r"credential|InstanceMetadata|metadata endpoint|token", re.IGNORECASE)


class CloudBackend(RemoteBackend):
    """A store in a bucket. The server does exclusive create and compare-and-swap.

    Args:
        url: Bucket and prefix.
        scratch: A local folder.
        retry: The retry policy.
        options: See :data:`lyrikstore.objects.backends.urls.OPTIONS`.
        environment: The environment of the process, to find an AWS profile; see
            :func:`open_backend`.
    """

    def __init__(
        self,
        url: RemoteUrl,
        scratch: Path,
        retry: Retry,
        options: dict[str, str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(url, scratch, retry, options)
        self._timeout = parse_timeout(options)
        self._store = _open(url, options, environment)
        self._bare_tags = False  # whether If-Match wants the ETag without its quotes

    def probe(self) -> Abilities:
        """Try both conditional requests; see :meth:`RemoteBackend.probe`."""
        name = f"tmp/probe-{os.urandom(8).hex()}"
        self.create(name, b"first")
        try:
            creates = not self.create(name, b"second") and self.read(name) == b"first"
            # A version that never was: S3 and Azure go by the tag, Google by the generation.
            stale = {"e_tag": "0" * 32, "version": "1"}
            swaps = creates and not self._try(lambda: self._put_if(name, b"x", stale))
        finally:
            self.remove(name)
        return Abilities(writable=True, creates=creates, swaps=swaps)

    def _get(self, name: str, start: int, length: int | None) -> bytes:
        def get() -> bytes:
            options: Any = None
            if length is not None:
                options = {"range": (start, start + length)}
            elif start:
                options = {"range": {"offset": start}}
            answer = obstore.get(self._store, name, options=options)
            first, end = answer.range
            # Caps before allocation, whatever the server claims.
            if end - first > (MAX_READ if length is None else length) or first != start:
                raise self._failed(f"reading {name}", "it returned another range")
            data = self._content(answer, f"reading {name}", end - first)
            if len(data) != end - first:
                raise TransientError(self._failed(f"reading {name}", "the answer was cut short"))
            return data

        try:
            return self._ask(f"reading {name}", get)
        except _RangeError:
            return b""

    def _content(self, answer: Any, doing: str, most: int) -> bytes:
        # ATTACK A07: what the headers announce says nothing about how much is sent, or how fast.
        end = time.monotonic() + self._timeout + most / SLOWEST
        parts, got = [], 0
        for part in answer.stream(min_chunk_size=1):  # each as it comes
            got += len(part)
            if got > most:
                raise self._failed(doing, "it sent more than was requested")
            parts.append(bytes(part))
            if time.monotonic() > end:
                raise TransientError(self._failed(doing, "it sends too slowly"))
        return b"".join(parts)

    def _head(self, name: str) -> int | None:
        try:
            head = self._ask(f"looking for {name}", lambda: obstore.head(self._store, name))
        except NotFoundError:
            return None
        return int(head["size"])

    def _put_new(self, name: str, source: bytes | Path) -> bool:
        with _buffer(source, name) as data:
            try:
                self._ask(
                    f"writing {name}",
                    lambda: obstore.put(self._store, name, data, mode="create"),
                )
            except _ExistsError:
                return False
        return True

    def _put(self, name: str, source: bytes | Path) -> None:
        with _buffer(source, name) as data:
            self._ask(
                f"writing {name}",
                lambda: obstore.put(self._store, name, data, use_multipart=False),
            )

    def _swap(self, name: str, expected: bytes, new: bytes) -> bool:
        def read() -> Any:
            answer = obstore.get(self._store, name)
            if answer.meta["size"] != len(expected):
                return None
            same = self._content(answer, f"reading {name}", len(expected)) == expected
            return answer.meta if same else None

        try:
            meta = self._try(lambda: self._ask(f"reading {name}", read))
        except NotFoundError:
            return False
        if meta is None:
            return False
        # Ceph compares If-Match with the ETag without quotes, AWS and others with them.
        for bare in (self._bare_tags, not self._bare_tags):
            version: Any = {key: meta[key] for key in ("e_tag", "version") if meta[key]}
            if bare and "e_tag" in version:
                version["e_tag"] = version["e_tag"].strip('"')
            swapped, uncertain = self._attempt(partial(self._put_if, name, new, version))
            if swapped:
                self._bare_tags = bare
            if swapped or (uncertain and self._holds(name, new)):
                return True
        return False

    def _put_if(self, name: str, data: bytes, version: Any) -> bool:
        with contextlib.suppress(_ExistsError):
            put = partial(obstore.put, self._store, name, data, mode=version)
            self._ask(f"writing {name}", put)
            return True
        return False

    def _names(self, folder: str) -> Sequence[str]:
        def names() -> Sequence[str]:
            pages = obstore.list(self._store, folder or None, chunk_size=1000)
            return self._bounded((str(found["path"]) for page in pages for found in page), doing)

        doing = f"listing {folder}"
        return self._ask(doing, names)

    def _delete(self, name: str) -> None:
        with contextlib.suppress(NotFoundError):
            self._ask(f"removing {name}", lambda: obstore.delete(self._store, name))

    def _ask(self, doing: str, request: Callable[[], T]) -> T:
        try:
            return request()
        except (exceptions.BaseError, OSError, ValueError) as error:
            # `from None`: the text quotes the request, and with it perhaps a signed URL.
            raise self._translated(doing, error) from None

    def _translated(self, doing: str, error: Exception) -> Exception:
        if isinstance(error, exceptions.InvalidPathError):
            return self._failed(
                doing,
                "it lists a name that no file of a store can have",
                hint="find the file with the cloud's own tool, and remove it",
            )
        text = str(error)
        found = _STATUS.search(text)
        status = int(found[1]) if found else 0
        found = _CODE.search(text)
        code = found[1] if found else ""
        if code in _NO_CONTAINER:
            return self._failed(doing, "there is no such bucket", kind="remote-missing")
        if status == 404 or isinstance(error, FileNotFoundError):
            return NotFoundError("no-file", f"{self.url}: {doing}: there is no such file")
        said = f"the server returned {status} {code}".rstrip()
        if code in _AGAIN_CODES:
            return TransientError(self._failed(doing, said), refused=True)
        if status in _AGAIN:
            return TransientError(self._failed(doing, said))
        if status in {304, 412} or isinstance(
            error, exceptions.AlreadyExistsError | exceptions.PreconditionError
        ):
            return _ExistsError(said)
        if status == 416 or _PAST_THE_END.search(text):
            return _RangeError(said)
        if code in _CLOCK:
            return self._failed(doing, "the clocks differ too much", kind="remote-clock")
        if status in {401, 403}:
            return self._failed(doing, said, kind="remote-denied")
        if code in _FULL or status == 507:
            return self._failed(doing, said, kind="remote-full")
        if status:
            return self._failed(doing, said)
        if _NO_CREDENTIALS.search(text) and "error sending request" not in text:
            return self._failed(doing, "no credentials were found", kind="remote-denied")
        return TransientError(
            self._failed(doing, "the connection failed", kind="remote-unreachable")
        )


class _ExistsError(Exception):
    """A condition of the request is not met: 412."""


class _RangeError(Exception):
    """The file ends before the first requested byte: 416."""


@contextlib.contextmanager
def _buffer(source: bytes | Path, name: str) -> Iterator[Any]:
    # A conditional put is one request with a body in memory. Mapping the file keeps that memory
    # the page cache's: a pack of 128 MiB costs none of our own.
    if isinstance(source, bytes):
        yield source
        return
    with open_source(source, name) as file:
        file.seek(0, 2)
        if not file.tell():
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def _open(url: RemoteUrl, options: dict[str, str], environment: Mapping[str, str] | None) -> Any:
    kind, config = _settings(url, options, environment or {})
    if url.scheme == "s3":
        config = {**_s3_profile(options, environment), **config}
    seconds = parse_timeout(options)
    client: Any = {
        "connect_timeout": timedelta(seconds=min(10, seconds)),
        "read_timeout": timedelta(seconds=seconds),  # without a byte
        "timeout": timedelta(minutes=15),  # of one request: a pack over a slow line
    }
    if str(config.get("base_url") or config.get("endpoint", "")).startswith("http://"):
        client["allow_http"] = True
    try:
        return kind(
            url.host,
            prefix=url.path or None,
            config=config,
            client_options=client,
            retry_config={"max_retries": 0},
        )
    except (exceptions.BaseError, ValueError, OSError):
        raise RemoteError(
            "remote-denied",
            f"{url}: the settings for this remote cannot be used",
            hint="check endpoint, region, account and the files or variables with the credentials",
        ) from None


def _settings(
    url: RemoteUrl, options: dict[str, str], environment: Mapping[str, str]
) -> tuple[Any, dict[str, Any]]:
    # What obstore calls the class and the settings.
    config: dict[str, Any] = {}
    if options.get("anonymous") == "true":
        config["skip_signature"] = True
    endpoint = options.get("endpoint")
    if url.scheme == "gs":
        return store.GCSStore, config | ({"base_url": endpoint} if endpoint else {})
    if url.scheme == "az":
        config |= {"account_name": options["account"]} if "account" in options else {}
        return store.AzureStore, config | ({"endpoint": endpoint} if endpoint else {})
    endpoint = (
        endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    )
    config |= {"endpoint": endpoint} if endpoint else {}
    config |= {"region": options["region"]} if "region" in options else {}
    if options.get("virtual-host") == "true":
        config["virtual_hosted_style_request"] = True
    return store.S3Store, config


_OTHER_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def _s3_profile(options: dict[str, str], environment: Mapping[str, str] | None) -> dict[str, str]:
    # The order of the AWS tools: a profile asked for, the environment (which obstore reads itself),
    # the default profile. Without knowing the environment, the last step would shadow it.
    if options.get("anonymous") == "true":
        return {}
    if asked := options.get("profile") or (environment or {}).get("AWS_PROFILE"):
        return profile_settings(asked)
    if environment is None or any(name in environment for name in _OTHER_CREDENTIALS):
        return {}
    return profile_settings(None)
