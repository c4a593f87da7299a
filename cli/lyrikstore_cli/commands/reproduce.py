"""``lyrikstore reproduce``: a run done again, and whether the same came of it."""

import re
from collections.abc import Mapping
from typing import Any

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import VERDICT
from lyrikstore_cli.output.reproductions import reason_lines
from lyrikstore_cli.session import Session

_NONCE = re.compile(r"(?:[0-9a-f]{2}){16,64}")
_CODES = {
    "match": 0,
    "within-tolerance": 0,
    "mismatch": VERDICT["invalid"],
    "inconclusive": VERDICT["incomplete"],
}


@declare(
    "reproduce",
    signs=True,
    appends=True,
    epilog="lyrikstore reproduce checkpoints/acme/clause-classifier",
)
@click.argument("ref")
@click.option(
    "--segments", type=click.IntRange(1), help="Draw so many segments, and do these alone."
)
@click.option("--nonce", help="Draw with this, 32 to 128 hex digits, in place of random bytes.")
@click.option("-m", "--message", default="", help="A note, signed with the verdict.")
def command(
    session: Session, ref: str, segments: int | None, nonce: str | None, message: str
) -> None:
    """Do a run again, and say whether what it gave comes again.

    REF is a run or a checkpoint of one. It is done with the very data, config and seed, in a
    private folder; what comes is compared and thrown away. The data is used again, so that takes
    the right to (exit code 14). Whoever has a clone can do it: where the store's policy lets them
    not sign, the verdict is printed and not logged.

    MATCH: the same bytes. WITHIN TOLERANCE: other bytes, within what the run fixed before its first
    step. MISMATCH (exit code 3): neither. INCONCLUSIVE (5): neither, but on another processor, with
    other packages or code, or without data that is gone. Needs the extra `train`.

    With --segments, for runs whose config has `[replay]`: segments of the training are drawn after
    it was logged, each is done again from its first state to its last, and the probability is told
    that a forged one was missed.
    """
    drawn_by = _nonce(nonce, segments)
    store = session.open_store(sign=session.own_did() is not None)
    with session.progress("reproducing", phases=True):
        made = store.models.reproduce(
            ref,
            segments=segments or 0,
            nonce=drawn_by,
            message=message,
        )
    body, word, manifest = made.body, made.verdict_text, made.manifest
    session.emit(
        "reproduce",
        {
            "signed": manifest is not None,
            "id": None if manifest is None else str(manifest.id),
            "name": None if manifest is None else manifest.name,
            "logIndex": made.log_index,
            "run": str(made.run.id),
            "verdictText": word,
            "environmentDiffers": [
                {"setting": name, "ofRun": then, "ofNow": now}
                for name, then, now in made.environment_differences
            ],
            "body": body,
        },
    )
    say = session.screen.result
    say(f"{word}  {made.run.name}  {made.run.id.short}", "bold")
    for one in body.get("compared", ()):
        say(f"  checkpoint {Digest.parse(one['checkpoint']).short}: {_found(one)}")
    if told := body.get("segments"):
        say(f"  segments {', '.join(map(str, told['drawn']))} of {told['count']} were drawn")
        for one in told.get("replayed", ()):
            if one["expected"] != one["found"]:
                say(f"! segment {one['number']} does not come again", "bold")
        chance = told["missChance"]
        say(f"  a single forged segment is missed with probability {chance}")
    for line in reason_lines(body, made.environment_differences):
        say(f"  {line}")
    if manifest is not None:
        say(f"✓ statement   {manifest.name}  {manifest.id.short}")
    else:
        say("! not signed: the store's policy lets no key of yours say it, so nothing was logged")
    if code := _CODES[made.verdict]:
        raise click.exceptions.Exit(code)


def _nonce(text: str | None, segments: int | None) -> bytes:
    if text is None:
        return b""
    if segments is None:
        raise click.UsageError("--nonce draws segments: say how many with --segments")
    if not _NONCE.fullmatch(text):
        raise click.UsageError("--nonce takes 32 to 128 hex digits, an even number of them")
    return bytes.fromhex(text)


def _found(one: Mapping[str, Any]) -> str:
    if one.keys() == {"checkpoint"}:
        return "nothing came that corresponds to it"
    parts = []
    if "files" in one:
        parts.append(f"other bytes in {escape_control(', '.join(sorted(one['files'])))}")
    if "weights" in one:
        parts.append(f"weights differ by at most {one['weights']['absolute']}")
    if "metrics" in one:
        told = ", ".join(f"{name} by {value}" for name, value in one["metrics"].items())
        parts.append(escape_control(told))
    if "differs" in one:
        parts.append(f"it says another {escape_control(', '.join(one['differs']))}")
    return "; ".join(parts) or "the same bytes"
