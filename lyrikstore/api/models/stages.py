"""What ``store.models`` does with runs and checkpoints that there are: done again, or merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from lyrikstore.api.models.foreign import ForeignModels
from lyrikstore.canon.progress import OnProgress, silent

if TYPE_CHECKING:
    from lyrikstore.train.reproduction.reproduce import Reproduction
    from lyrikstore.train.stages.merge import Merged


@dataclass
class RepeatedModels(ForeignModels):
    """The checkpoints of a store after their run; a REF is what ``Store.resolve`` takes."""

    def merge(
        self,
        ref: str,
        name: str,
        *,
        environment: Mapping[str, str],
        progress: OnProgress = silent,
    ) -> "Merged":
        """Merge the adapter of a checkpoint into its base, as a checkpoint of its own.

        Args:
            ref: The checkpoint with the adapter.
            name: Full name of the new one.
            environment: As for :meth:`train`.
            progress: Progress callback.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.train.stages.merge.merge_adapter`.
        """
        from lyrikstore.train.stages.merge import merge_adapter

        self.store.environment, self.store.progress = environment, progress
        return merge_adapter(self.store, ref, name)

    def reproduce(
        self,
        ref: str,
        *,
        environment: Mapping[str, str],
        segments: int = 0,
        nonce: bytes = b"",
        progress: OnProgress = silent,
        message: str = "",
    ) -> "Reproduction":
        """Do a run again, compare, and return the verdict (spec §13.14).

        It is signed and logged where the store's policy lets whoever opened the store; anybody
        else, with a clone, gets it as it was found.

        Args:
            ref: The run, or a checkpoint of it.
            environment: As for :meth:`train`.
            segments: How many segments are drawn and done again; 0: the whole run is.
            nonce: 16 to 64 bytes that nobody knew before, to draw with; empty: random ones.
            progress: As for :meth:`train`.
            message: Free text, signed with the verdict.

        Raises:
            PolicyError: (``rights-missing``) the data may not be used now. Else as
                :func:`lyrikstore.train.reproduction.reproduce.reproduce_run`.
        """
        from lyrikstore.train.reproduction.replay import replay_segments
        from lyrikstore.train.reproduction.reproduce import find_run, may_sign, reproduce_run

        store = self.store
        signer = store.person
        if signer is not None and may_sign(
            store.repository, find_run(store.repository, ref)[0], signer.did
        ):
            signer = store.signer()  # which may bring the log up to date
        how: Any = {
            "trust": store.trust,
            "base_env": environment,
            "message": message,
            "signer": signer,
            "clock": store.clock,
            "progress": progress,
        }
        if not segments:
            return reproduce_run(store.repository, ref, **how)
        drawn_by = nonce or token_bytes(32)
        return replay_segments(
            store.repository, ref, segments, nonce=drawn_by, cache=store.own_cache, **how
        )
