"""The table of exit codes, from which ``docs/cli.md`` and ``help exit-codes`` are made."""

from lyrikstore.canon import errors
from lyrikstore.canon.errors import LyrikstoreError

MEANING: dict[int, str] = {
    0: "done; for verify: trusted, and everything required was checked, or all that can be checked "
    "without data that you left out",
    1: "failed for a reason that has no other code, such as a missing file or unknown name",
    2: "usage: the command line is wrong",
    3: "invalid: a signature, digest, proof or link is wrong or out of date",
    4: "valid, with or without the data, but the issuer is not in your trust file, or measured "
    "claims were not recomputed",
    5: "incomplete: something that the verdict needs is missing or could not be checked",
    10: "no store was found",
    11: "the store is locked by another process",
    12: "key missing, weak or unreadable, or wrong passphrase",
    13: "the remote could not be reached, or refused",
    14: "refused by policy or use rights",
    15: "conflict: a name was changed meanwhile, or this store is a copy",
    16: "bad input: unreadable or malformed",
    17: "the result is empty",
    18: "the training program failed",
    19: "a model drifted, or misses its thresholds on new data",
    130: "interrupted",
    141: "broken pipe: the reader of the output ended first",
}

DRIFTED = 19

VERDICT: dict[str, int] = {
    "trusted": 0,
    "trusted-without-data": 0,
    "valid": 4,
    "valid-without-data": 4,
    "incomplete": 5,
    "invalid": 3,
}

_BY_KIND: dict[str, int] = {"usage": 2, "no-store": 10, "interrupted": 130}

_BY_CLASS: dict[type[LyrikstoreError], int] = {
    errors.InvalidInputError: 16,
    errors.EmptyResultError: 17,
    errors.NotFoundError: 1,
    errors.FormatError: 16,
    errors.VerificationError: 3,
    errors.IncompleteError: 5,
    errors.KeyMaterialError: 12,
    errors.PolicyError: 14,
    errors.ConflictError: 15,
    errors.LockedError: 11,
    errors.StorageError: 1,
    errors.RemoteError: 13,
    errors.RunFailedError: 18,
}


def exit_code(error: LyrikstoreError) -> int:
    """Return the exit code of an error: by its kind where one is listed, else by its class."""
    if error.kind in _BY_KIND:
        return _BY_KIND[error.kind]
    return next((_BY_CLASS[cls] for cls in type(error).__mro__ if cls in _BY_CLASS), 1)
