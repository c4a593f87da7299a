"""``lyrikstore reproduce``: repeat a run, and compare the results."""

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
    "--segments", type=click.IntRange(1), help="Draw so many segments, and repeat only these."
)
@click.option(
    "--nonce", help="Draw with this nonce, 32 to 128 hex digits, instead of random bytes."
)
@click.option("-m", "--message", default="", help="A note, signed with the verdict.")
def command(
    session: Session, ref: str, segments: int | None, nonce: str | None, message: str
) -> None:
    """Repeat a run, and report whether it gives the same result.

    REF is a run or a checkpoint of one. The run is repeated with the same data, config and seed in
    a private folder; its results are compared and deleted. The data is used again, which needs the
    right to do so (exit code 14). Everybody with a clone can do this: if the store's policy does
    not let your key sign, the verdict is printed and not logged.

    MATCH: the same bytes. WITHIN TOLERANCE: other bytes, within the tolerance that the run fixed
    before its first step. MISMATCH (exit code 3): neither. INCONCLUSIVE (5): neither, but on
    another processor, with other packages or code, or without data that is gone. Needs the extra
    `train`.

    With --segments, for runs whose config has `[replay]`, segments of the logged training are
    drawn and each is repeated from its first resume state to its last; the output states the
    probability of missing a forged one.
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
    if segments_ := body.get("segments"):
        say(f"  drawn segments {', '.join(map(str, segments_['drawn']))} of {segments_['count']}")
        for one in segments_.get("replayed", ()):
            if one["expected"] != one["found"]:
                say(f"! segment {one['number']} is not reproduced", "bold")
        chance = segments_["missChance"]
        say(f"  a single forged segment is missed with probability {chance}")
    for line in reason_lines(body, made.environment_differences):
        say(f"  {line}")
    if manifest is not None:
        say(f"✓ statement   {manifest.name}  {manifest.id.short}")
    else:
        say("! not signed: the store's policy lets none of your keys sign it; nothing was logged")
    if code := _CODES[made.verdict]:
        raise click.exceptions.Exit(code)


def _nonce(text: str | None, segments: int | None) -> bytes:
    if text is None:
        return b""
    if segments is None:
        raise click.UsageError("--nonce draws segments: add --segments N")
    if not _NONCE.fullmatch(text):
        raise click.UsageError("--nonce takes 32 to 128 hex digits, of an even number")
    return bytes.fromhex(text)


def _found(one: Mapping[str, Any]) -> str:
    if one.keys() == {"checkpoint"}:
        return "the repeated run gave no such checkpoint"
    parts = []
    if "files" in one:
        parts.append(f"other bytes in {escape_control(', '.join(sorted(one['files'])))}")
    if "weights" in one:
        parts.append(f"weights differ by at most {one['weights']['absolute']}")
    if "metrics" in one:
        metrics = ", ".join(f"{name} by {value}" for name, value in one["metrics"].items())
        parts.append(escape_control(metrics))
    if "differs" in one:
        parts.append(f"different statements: {escape_control(', '.join(one['differs']))}")
    return "; ".join(parts) or "the same bytes"
