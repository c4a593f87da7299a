"""The session of one invocation: options, paths, environment, signer, store.

No setting is kept between invocations, and a store can change none of them: a copied store
must not choose whom its reader trusts.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lyrikstore.api import nearest_store
from lyrikstore.api.commands import store_folder
from lyrikstore.canon.errors import (
    InvalidInputError,
    KeyMaterialError,
    LyrikstoreError,
    storage_error,
)
from lyrikstore.canon.files import no_file
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.output.screen import Screen, json_text

if TYPE_CHECKING:
    from lyrikstore.api import (
        Digest,
        KeyFolder,
        LogMemory,
        Pools,
        PublicKey,
        RemotePlace,
        Signer,
        Store,
        Trust,
    )
    from lyrikstore.api.commands import Listing, LogPosition, NamedRemotes


VARIABLES: Mapping[str, str] = {
    "LYRIKSTORE_STORE": "the store folder, instead of the nearest .lyrikstore here or above",
    "LYRIKSTORE_SIGNER": "the key that signs: a name, or a URI such as file:/path/to/key",
    "LYRIKSTORE_PASSPHRASE_FILE": "a file whose first line is the passphrase of the signing key",
    "LYRIKSTORE_TRUST": "the trust file, instead of the one in the configuration folder",
    "LYRIKSTORE_CONFIG": "the configuration folder: keys, trust and remotes",
    "LYRIKSTORE_STATE": "the state folder: log checkpoints already seen",
    "LYRIKSTORE_CACHE": "the cache folder: file hashes, index, resume states; can be deleted",
    "NO_COLOR": "no colours",
}


class UserPaths(Struct, frozen=True):
    """The paths of this user's files; none of them is inside a store.

    Attributes:
        keys: The folder of the private keys, with mode 0700.
        trust: The trust file.
        memory: The log checkpoints that were signed or seen before.
        remotes: The remotes of each store.
        cache: File hashes and other derived data; can be deleted.
    """

    keys: Path
    trust: Path
    memory: Path
    remotes: Path
    cache: Path


def user_paths(environment: Mapping[str, str]) -> UserPaths:
    """Return this user's paths from the environment."""
    import platformdirs

    try:
        config = Path(
            environment.get("LYRIKSTORE_CONFIG") or platformdirs.user_config_dir("lyrikstore")
        )
    except RuntimeError:  # a user id without an account, and no HOME
        raise InvalidInputError(
            "no-home", "the user has no home folder", hint="set HOME and run the command again"
        ) from None
    state = Path(environment.get("LYRIKSTORE_STATE") or platformdirs.user_state_dir("lyrikstore"))
    trust = Path(environment.get("LYRIKSTORE_TRUST") or config / "trust.toml")
    cache = Path(environment.get("LYRIKSTORE_CACHE") or platformdirs.user_cache_dir("lyrikstore"))
    return UserPaths(
        keys=config / "keys",
        trust=trust,
        memory=state / "logs",
        remotes=config / "remotes",
        cache=cache,
    )


@dataclass(slots=True)
class Options:
    """The options that every command takes."""

    json: bool = False
    store: Path | None = None
    quiet: bool = False
    verbose: bool = False
    color: bool | None = None
    no_input: bool = False
    signer: str | None = None
    passphrase_file: Path | None = None
    appends: bool = False
    after_gap: bool = False


@dataclass
class Session:
    """One invocation: options, paths, screen, and the store and keys they lead to."""

    options: Options
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    finished: bool = False
    _opened: "list[tuple[Store, LogPosition]]" = field(default_factory=list)
    _stores: "list[Store]" = field(default_factory=list)
    _listener: OnProgress = silent

    @cached_property
    def paths(self) -> UserPaths:
        """This user's paths."""
        return user_paths(self.environment)

    @cached_property
    def screen(self) -> Screen:
        """The terminal output of this invocation."""
        options = self.options
        return Screen(
            json=options.json,
            quiet=options.quiet,
            color=options.color,
            verbose=options.verbose,
        )

    def emit(
        self, command: str, result: Mapping[str, Any], *, version: int = 1, done: bool = True
    ) -> None:
        """Print the result as one JSON object if the user gave ``--json``.

        It is called before any other output, and once the work is done (a server: once it listens).
        """
        self.finished = done
        if self.options.appends:
            result = {**result, "clockBehind": self._warn_of_clock()}
        if self.options.json:
            document = {"schema": f"lyrikstore/cli/{command}/v{version}", **result}
            sys.stdout.write(json_text(document, indent=2) + "\n")

    def _warn_of_clock(self) -> dict[str, Any] | None:
        from lyrikstore.canon.timestamps import format_timestamp

        for store in self._stores:
            if (behind := store.repository.clock_behind) is None:
                continue
            floor = format_timestamp(behind.floor)
            self.screen.say(
                f"! the clock here shows {format_timestamp(behind.clock)}, but log entry "
                f"{behind.index} is dated {floor}: new signatures get that later date",
                "yellow",
            )
            self.screen.hint(
                "set the clock; if it is right, an owner marks the date in the log as wrong: "
                f"lyrikstore key misdated {behind.index}"
            )
            clock = format_timestamp(behind.clock)
            return {"clock": clock, "floor": floor, "logIndex": behind.index}
        return None

    def _accept_gap(self, error: LyrikstoreError) -> bool:
        if self.options.after_gap:
            return True
        if self.options.no_input or not sys.stdin.isatty():
            return False
        import click

        return click.confirm(f"{error.message}. Is the clock right?", err=True)

    @property
    def store_named(self) -> bool:
        """Whether the user named a store; if not, the nearest one is used."""
        return bool(self.options.store or self.environment.get("LYRIKSTORE_STORE"))

    def refuse_store(self) -> None:
        """Raise a usage error if ``--store`` was given to a command that makes a store in DIR.

        Raises:
            click.UsageError: ``--store`` was given; the store would be made in another folder.
        """
        import click

        if self.options.store is not None:
            raise click.UsageError("DIR names the folder of the new store: leave --store out")

    def store_folder(self) -> Path:
        """Return the store folder that the user named, or the nearest one here or above.

        Raises:
            NotFoundError: (``no-store``) There is none.
        """
        named = self.options.store or self.environment.get("LYRIKSTORE_STORE")
        if named:
            return store_folder(Path(named))
        return nearest_store(
            Path.cwd(), hint="create a store with `lyrikstore init`, or name one with --store PATH"
        )

    def open_store(
        self, *, sign: bool = False, without_log_key: "PublicKey | None" = None
    ) -> "Store":
        """Return the opened store.

        Args:
            sign: Whether it can also append, signed by the signer of this session.
            without_log_key: A log key that must not sign the log.
        """
        from lyrikstore.api import DeferredSigner, Store

        store = Store.open(
            self.store_folder(),
            memory_dir=self.paths.memory,
            trust_file=self.paths.trust,
            keys=self.keys(without_log_key),
            signer=DeferredSigner(self.signer) if sign else None,
            cache_dir=self.paths.cache,
            environment=self.environment,
            progress=self._listener,
        )
        store.repository.accept_gap = self._accept_gap
        self._stores.append(store)
        if sign:
            self.keys().uri(self._signer_named)  # a missing key is reported before any work
            self._opened.append((store, store.position))
        return store

    @contextlib.contextmanager
    def progress(self, label: str, *, phases: bool = False) -> "Iterator[OnProgress]":
        """Show the progress of the work on the opened stores while the block runs.

        Args:
            label: The name of the work.
            phases: Whether each phase gets a line, as in training.
        """
        from lyrikstore_cli.output.training_progress import follow

        with self.screen.progress(label) as meter:
            self._listener = follow(self.screen, meter) if phases else meter
            for store in self._stores:
                store.progress = self._listener
            yield self._listener

    def output_failed(self, error: OSError) -> LyrikstoreError:
        """Return the error for output that could not be written, with what was logged before."""
        failure = storage_error(error, "cannot write the output")
        logged: list[tuple[Digest, str]] = []
        with contextlib.suppress(LyrikstoreError):
            for store, before in self._opened:
                logged += store.logged_since(before)
        if logged:
            first = ", ".join(f"{name} ({identity.short})" for identity, name in logged[:3])
            more = f" and {len(logged) - 3} more" if len(logged) > 3 else ""
            is_ = "is" if len(logged) == 1 else "are"
            failure.message += f"; {first}{more} {is_} logged: only the output failed"
            failure.hint = f"lyrikstore show {logged[-1][0].short} shows what was logged"
            failure.details["logged"] = [str(identity) for identity, _ in logged]
        elif self.finished:
            failure.hint = "the command is done, only its output is missing: free space for it"
        return failure

    def listing(self, folder: Path, sheet: Path | None, *, follow_links: bool) -> "Listing | None":
        """Start listing a folder that is known to be large; return None for other folders."""
        from lyrikstore.api.commands import begin_listing

        store = self.store_folder()
        return begin_listing(
            self.paths.cache, folder, store=store, sheet=sheet, follow_links=follow_links
        )

    @contextlib.contextmanager
    def pools(self, dask: str | None) -> "Iterator[Pools | None]":
        """Yield the pools of the Dask cluster that the user named, or None."""
        if dask is None:
            yield None
            return
        from lyrikstore.api import dask_cluster

        with dask_cluster(dask) as cluster:
            yield cluster.pool

    def remotes(self) -> "NamedRemotes":
        """Return the remotes that this user configured for the store."""
        from lyrikstore.api.commands import NamedRemotes

        return NamedRemotes(self.paths.remotes, self.store_folder())

    def place(self, name: str | None) -> "RemotePlace | None":
        """Return the place of a remote with its settings; None where no remote is named."""
        return None if name is None else self.remotes().find(name).place(self.environment)

    def trust(self, file: Path | None = None) -> "Trust":
        """Return the trust of ``file``, or else of the user's own trust file.

        Raises:
            NotFoundError: (``no-file``) The named file does not exist; the user's own may be
                missing.
            FormatError: The file is not a trust file.
        """
        from lyrikstore.api import load_trust

        if file is not None and not file.is_file():
            raise no_file(file, "trust file")
        return load_trust(file or self.paths.trust)

    def memory(self) -> "LogMemory":
        """Return this user's memory of log checkpoints."""
        from lyrikstore.api import LogMemory

        return LogMemory(self.paths.memory)

    def keys(self, without_log_key: "PublicKey | None" = None) -> "KeyFolder":
        """Return this user's keys, which prompt for a passphrase where one is needed."""
        from lyrikstore.api import KeyFolder

        return KeyFolder(self.paths.keys, self.passphrase, without_log_key)

    def signer(self) -> "Signer":
        """Return the signer that the user named, or the key ``default``, opened.

        Raises:
            KeyMaterialError: There is no such key, or its passphrase is wrong or missing.
        """
        return self.keys().signer(self._signer_named)

    def own_did(self) -> str | None:
        """Return the DID of the key that would sign; None where it cannot be read."""
        return self.keys().did(self._signer_named)

    @property
    def _signer_named(self) -> str:
        return self.options.signer or self.environment.get("LYRIKSTORE_SIGNER") or "default"

    def passphrase(self, key: Path) -> bytes:
        """Return the passphrase of a key, from a file or by a prompt.

        Raises:
            LyrikstoreError: As :meth:`Session.ask_passphrase`.
        """
        return self.ask_passphrase(f"passphrase for {key.name}")

    def ask_passphrase(
        self, prompt: str, *, confirm: bool = False, way: str = "--passphrase-file FILE"
    ) -> bytes:
        """Return a passphrase from the passphrase file, or by a prompt on the terminal.

        Args:
            prompt: The text of the prompt.
            confirm: Whether the user types it twice.
            way: The option to give where there is no terminal.

        Raises:
            KeyMaterialError: (``passphrase-missing``) There is neither a file nor a terminal.
        """
        file = self.options.passphrase_file or self.environment.get("LYRIKSTORE_PASSPHRASE_FILE")
        if file:
            from lyrikstore.api.commands import MAX_PASSPHRASE
            from lyrikstore.canon.files import read_at_most

            lines = read_at_most(Path(file), MAX_PASSPHRASE + 2, pipes=True).splitlines()
            if not lines or not 0 < len(lines[0]) <= MAX_PASSPHRASE:
                raise KeyMaterialError(
                    "passphrase-missing",
                    f"the first line of {escape_control(file)} has to be a passphrase of 1 to "
                    f"{MAX_PASSPHRASE} bytes",
                )
            return lines[0]
        if self.options.no_input or not sys.stdin.isatty():
            raise KeyMaterialError(
                "passphrase-missing",
                "there is no terminal to prompt for the passphrase",
                hint=f"give {way}",
            )
        import click

        answer: str = click.prompt(prompt, hide_input=True, err=True, confirmation_prompt=confirm)
        return answer.encode()

    def confirm_here(self, question: str) -> bool:
        """Ask the user to confirm, if there is a terminal.

        Returns:
            Whether the user was asked, and confirmed.

        Raises:
            LyrikstoreError: As :meth:`Session.confirm`.
        """
        if self.options.no_input or not sys.stdin.isatty():
            return False
        self.confirm(question)
        return True

    def choose(self, question: str, choices: tuple[str, ...]) -> str | None:
        """Return the word that the user chooses; None where there is no terminal."""
        if self.options.no_input or not sys.stdin.isatty():
            return None
        import click

        answer: str = click.prompt(question, type=click.Choice(choices), err=True)
        return answer

    def confirm(self, question: str) -> None:
        """Ask the user to confirm a step that is hard to undo.

        Raises:
            InvalidInputError: (``not-confirmed``) The answer is no, or there is no terminal.
        """
        if self.options.no_input or not sys.stdin.isatty():
            raise InvalidInputError(
                "not-confirmed", question, hint="to confirm, run the command again with --yes"
            )
        import click

        if not click.confirm(question, err=True):
            raise InvalidInputError("not-confirmed", "stopped; nothing was changed")
