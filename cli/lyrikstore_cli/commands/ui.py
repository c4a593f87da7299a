"""``lyrikstore ui``: look around a store in the browser."""

import sys
import webbrowser

import click

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("ui", epilog="lyrikstore ui\nlyrikstore ui --open --store acme")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The port on 127.0.0.1; 0 picks a free one.",
)
@click.option("--open", "open_", is_flag=True, help="Open the link in your browser.")
def command(session: Session, port: int, open_: bool) -> None:
    """Show the store in your browser: names, rows, lineage, runs, cards, the log.

    The pages are for this machine and for you: the link has a secret, which works once. They are
    read-only, fetch nothing, and mark what is not verified. Ctrl-C ends the explorer. docs/ui.md
    shows the pages.
    """
    try:
        from lyrikstore.explorer.explorer import Explorer
        from lyrikstore.explorer.server import Server
        from lyrikstore_cli.commands.w3c.server import MAX_CONNECTIONS, bind, listen
    except ModuleNotFoundError:
        raise InvalidInputError(
            "missing-extra",
            "the explorer needs starlette and uvicorn",
            hint="pip install 'lyrikstore[serve]'",
        ) from None
    explorer = Explorer(session.open_store)
    with bind("127.0.0.1", port, MAX_CONNECTIONS) as listener:
        bound = listener.getsockname()[1]
        server = Server(explorer, bound)

        def announce() -> None:
            session.emit("ui", {"url": server.url, "port": bound}, done=False)
            session.screen.result(server.url)
            session.screen.hint("open this link in your browser; it works once. Ctrl-C ends it")
            sys.stdout.flush()  # the caller waits for this line
            if open_:
                webbrowser.open(server.url)

        try:
            listen(server.app, listener, None, session.screen, announce)
        finally:
            server.close()
