"""Outside time of log entries: by when outsiders had seen them (spec §7.10)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from lyrikstore.canon.base64 import decode_base64
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint
from lyrikstore.history.log.cosignature import Cosignature
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.signed_log import SignedLog
from lyrikstore.verify.times.rfc3161 import read_response, verify_response


class OutsideTime(Struct, frozen=True):
    """By when an outsider had seen the beginning of a log.

    Attributes:
        size: Number of entries that had been seen.
        time: When.
        by: The verifier's name for the outsider; empty if they do not know them.
        said: The outsider's name as the evidence has it.
        kind: ``timestamp`` of an authority, or ``cosignature`` of a witness.
        index: Log index of the manifest with the evidence.
    """

    size: int
    time: datetime
    by: str
    said: str
    kind: str
    index: int

    @property
    def is_known(self) -> bool:
        """Whether the verifier believes whoever says so."""
        return bool(self.by)


class OutsideTimes:
    """The outside times of a log.

    Args:
        log: The log.
        origin: Its origin.
        trust: Whom the verifier believes.
    """

    def __init__(self, log: SignedLog, origin: str, trust: Trust) -> None:
        self._log = log
        self._origin = origin
        self._trust = trust

    def head(self, size: int) -> LogCheckpoint:
        """Return the head of the log at a size.

        Raises:
            FormatError: (``bad-checkpoint``) the log has fewer entries.
        """
        if size > len(self._hashes):
            raise FormatError("bad-checkpoint", "the log is shorter")
        return LogCheckpoint(self._origin, size, merkle.root(self._hashes[:size]))

    def read(self, manifest: Manifest) -> OutsideTime:
        """Return what a ``timestamp`` manifest of the log shows.

        Raises:
            LyrikstoreError: Its evidence is about something else, does not hold, or says otherwise
                than its body; or time stamps cannot be judged here (``missing-extra``).
        """
        body, index = manifest.body, self._log.index_of(manifest.id)
        size = body["size"]
        if size > index:
            raise FormatError("bad-checkpoint", "it is logged before what it is said to show")
        by, time = self._stamped(body, size) if "response" in body else self._signed(body, size)
        if format_timestamp(time) != body["time"]:
            raise FormatError("bad-timestamp-response", "its time is not the one it states")
        kind = "timestamp" if "response" in body else "cosignature"
        return OutsideTime(size, time, by, body["by"], kind, index)

    def known(self) -> list[OutsideTime]:
        """Return the outside times that the verifier believes, the earliest first."""
        found = []
        for _, one in self._log.all_manifests():
            if one.kind == "timestamp":
                try:
                    seen = self.read(one)
                except LyrikstoreError:
                    continue  # the check `timestamps` says so
                if seen.is_known:
                    found.append(seen)
        return sorted(found, key=lambda one: (one.time, one.size))

    def _stamped(self, body: dict[str, object], size: int) -> tuple[str, datetime]:
        data = decode_base64(str(body["response"]), "bad-timestamp-response")
        stamped = read_response(data)
        if stamped.by != body["by"]:
            raise FormatError("bad-timestamp-response", "its signer is not the one it states")
        text = self.head(size).text.encode()
        authority = verify_response(stamped, text, self._trust.authorities)
        return "" if authority is None else authority.name, stamped.time

    def _signed(self, body: dict[str, object], size: int) -> tuple[str, datetime]:
        one = Cosignature.parse(str(body["by"]), str(body["cosignature"]))
        head = self.head(size)
        known = [each for each in self._trust.witnesses if each.name == one.name]
        if known and not any(one.holds(head, each.public) for each in known):
            raise FormatError("bad-log-signature", f"the cosignature of {one.name} does not hold")
        return one.name if known else "", one.time

    @cached_property
    def _hashes(self) -> Sequence[bytes]:
        return [Leaf(one.type, one.id).hash for one in self._log.entries()]


def outside_times(context: StoreContext) -> list[OutsideTime]:
    """Return the outside times of a store that its user believes, the earliest first."""
    repository = context.repository
    return OutsideTimes(repository, repository.origin, context.trust).known()


def existed_by(times: Iterable[OutsideTime], index: int) -> OutsideTime | None:
    """Return the earliest outside time that covers a log entry, or None.

    Args:
        times: Outside times that the verifier believes, the earliest first.
        index: The log index.
    """
    return next((one for one in times if one.size > index), None)
