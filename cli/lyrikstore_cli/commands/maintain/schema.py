"""``lyrikstore maintain schema``: the form of a result or a document."""

import json
import re
import sys

import click

from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

_RESULT = re.compile(r"lyrikstore/(cli/[a-z-]+)/v[0-9]+")


@declare(
    "schema",
    epilog="lyrikstore maintain schema\nlyrikstore maintain schema cli/commit\n"
    'lyrikstore maintain schema "$(jq -r .schema result.json)"',
)
@click.argument("name", required=False)
def command(session: Session, name: str | None) -> None:
    """Print the JSON Schema (2020-12) NAME, or list all schemas.

    `cli/commit` describes the output of `commit --json`, and so for every command; `cli/error`
    describes the error of a command that fails. The `schema` member of a result is also a NAME. The
    other schemas describe documents: `kept-report`, `manifest`, `trust`. Each schema includes all
    that it refers to. `facts` lists every fact that a profile of model cards can name.
    """
    from lyrikstore.canon.schemas import schema_names, whole_schema

    if name is None:
        names = schema_names()
        session.emit("schema", {"names": names})
        for one in names:
            session.screen.result(one)
        return
    if name == "facts":
        from lyrikstore.api.commands import card_facts

        facts = card_facts()
        session.emit("schema", {"names": list(facts)})
        for one, about in facts.items():
            session.screen.result(f"{one:30} {about}")
        return
    found = _RESULT.fullmatch(name)
    wanted = found[1] if found else name
    try:
        document = whole_schema(wanted)
    except FormatError:
        document = {}
    # Other versions of a result have another form.
    if not document or (found and f'"{name}"' not in json.dumps(document)):
        raise NotFoundError(
            "no-schema",
            f"there is no schema {name[:80]!a}",
            hint="lyrikstore maintain schema lists them",
        )
    session.emit("schema", {"name": wanted, "document": document})
    if not session.options.json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
