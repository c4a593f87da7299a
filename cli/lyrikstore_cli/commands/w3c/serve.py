"""``lyrikstore w3c serve``: the VC API on this machine."""

import ssl
import sys
from ipaddress import ip_address
from pathlib import Path

import click

from lyrikstore.api.commands import read_resources
from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.timestamps import now
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare(
    "serve",
    signs=True,
    epilog="lyrikstore w3c serve --signer acme\nlyrikstore w3c serve --tls --certificate me.pem",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8740,
    show_default=True,
    help="The port; 0 picks a free one.",
)
@click.option(
    "--allow-remote", is_flag=True, help="Allow an address that other machines can reach."
)
@click.option("--host-name", "names", multiple=True, help="A further host name of the server.")
@click.option("--tls", is_flag=True, help="Use HTTPS with a new self-signed certificate.")
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="The file to write that certificate to."
)
@options.trust_file
@click.option(
    "--resource",
    "resources",
    metavar="FILE|FOLDER|URL=FILE",
    multiple=True,
    help="A schema, status list or DID document that credentials name.",
)
def command(
    session: Session,
    host: str,
    port: int,
    allow_remote: bool,
    names: tuple[str, ...],
    tls: bool,
    certificate: Path | None,
    trust_file: Path | None,
    resources: tuple[str, ...],
) -> None:
    """Serve the VC API: verify and, with --signer, issue credentials and presentations.

    Without --signer the server has no secret and only verifies. It fetches nothing. Every program
    that reaches it can have credentials signed: so it listens on this machine only, unless you give
    --allow-remote, and answers no web page. docs/serve.md lists the endpoints.
    """
    if not allow_remote and not _is_loopback(host):
        raise InvalidInputError(
            "not-loopback",
            f"{host} can be reached from other machines",
            hint="every program that reaches it can have things signed; allow it: --allow-remote",
        )
    if certificate is not None and not tls:
        raise click.UsageError("--certificate needs --tls")
    try:
        from lyrikstore.api.commands import make_app, make_service
        from lyrikstore_cli.commands.w3c.server import MAX_CONNECTIONS, bind, listen
    except ModuleNotFoundError:
        raise InvalidInputError(
            "missing-extra",
            "serving needs starlette and uvicorn",
            hint="pip install 'lyrikstore[serve]'",
        ) from None
    trust = session.trust(trust_file)
    files = read_resources(resources)
    with bind(host, port, MAX_CONNECTIONS) as listener:
        shown = f"[{host}]" if ":" in host else host
        base = f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}"
        signer = None if session.options.signer is None else session.signer()
        service = make_service(base, trust=trust, files=files, signer=signer, clock=now)
        context = _tls(host, certificate) if tls else None
        did = None if signer is None else signer.did
        doing = "verifying only" if did is None else f"signing as {did}"

        def announce() -> None:
            session.emit("serve", {"url": base, "issuer": did}, done=False)
            session.screen.result(f"listening on {base}, {doing}")
            sys.stdout.flush()  # the caller waits for this line

        app = make_app(service, [host, "localhost", *names])
        listen(app, listener, context, session.screen, announce)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(host: str, certificate: Path | None) -> ssl.SSLContext:
    from lyrikstore.api.commands import self_signed_context

    context, public = self_signed_context(host, now())
    if certificate is not None:
        with storage_errors(f"writing {certificate}"):
            options.write_over(certificate, public)
    return context
