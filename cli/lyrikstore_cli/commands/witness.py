"""``lyrikstore witness``: cosign a log checkpoint that extends what you saw before."""

from pathlib import Path

import click

from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("witness", signs=True, epilog="lyrikstore witness request.txt -o cosigned.txt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The log checkpoint with your signature line.",
)
def command(session: Session, file: Path, output: Path) -> None:
    """Cosign the log checkpoint in FILE, after checking that it extends what you saw of that log.

    FILE is a request that its owner wrote (`log timestamp --request`), or an audit file. Your
    trust file names the log (`trust add LOG-KEY`). A log that is shorter than what you saw, or
    contradicts it, is refused (exit code 3). What you cosigned is remembered on this machine. Send
    the file back to the owner, who logs it (`log timestamp --add`), and tell others your key,
    which is printed (`trust add KEY --witness`).
    """
    from lyrikstore.api.commands import witness_checkpoint

    options.check_new(output)
    done = witness_checkpoint(
        file,
        trust=session.trust(None),
        memory=session.memory(),
        state=session.paths.memory.parent,
        signer=session.signer(),
    )
    options.write_new(output, done.note)
    session.emit(
        "witness",
        {
            "origin": done.head.origin,
            "logSize": done.head.size,
            "rootHash": done.head.root.hex(),
            "sizeBefore": done.before,
            "cosignedAt": format_timestamp(done.cosignature.time),
            "witnessKey": done.key,
            "cosignedFile": str(output),
        },
    )
    size = pluralize(done.head.size, "entry")
    seen = "new to you" if done.before is None else f"extends the {done.before} that you saw"
    session.screen.result(f"✓ cosigned {done.head.origin}  {size}, {seen}")
    session.screen.result(f"✓ wrote    {output}")
    session.screen.result(f"your key   {done.key}")
