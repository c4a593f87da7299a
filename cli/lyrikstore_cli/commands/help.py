"""``lyrikstore help``: the commands of each role, the exit codes, the environment."""

from collections.abc import Mapping

import click
from msgspec import Struct

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.exits import MEANING
from lyrikstore_cli.session import VARIABLES, Session


class RoleHelp(Struct, frozen=True):
    """The commands of one role.

    Attributes:
        goal: The goal of the role.
        steps: Command line → what it does; at most nine, in the order of use.
        further: The next command after these, and its purpose.
        also: Command lines for later, in no order → what each does.
    """

    goal: str
    steps: dict[str, str]
    further: tuple[str, str]
    also: dict[str, str] = {}


ROLES = {
    "publisher": RoleHelp(
        "sign documents with a sheet, and issue deliveries that anyone can verify",
        {
            "key new": "make your signing key",
            "init": "create a store in this folder",
            "commit DIR -d me/texts": "sign the folder as a version",
            "filter me/texts --recipe R --as me/good": "derive a cleaner dataset",
            "why me/good FILE": "see why a document was dropped",
            "issue me/good -o OUT --permit train": "write the delivery with its terms",
            "grant OUT --to DID --permit train": "license it to one buyer by name",
            "credential revoke OUT": "revoke a credential",
            "push REMOTE": "copy the store to a remote",
        },
        ("help buyer", "what the buyer of your delivery types"),
    ),
    "buyer": RoleHelp(
        "verify a delivery offline, and see what it may be used for",
        {
            "trust add DID --name ACME": "trust the key of a publisher",
            "verify DELIVERY": "check its files, signatures and log",
            "terms DELIVERY --purpose train": "see whether a use is permitted",
            "page -o verify.html": "check it in a browser, offline",
            "key new": "make a key that a licence can name",
            "present GRANT --challenge TEXT -o OUT": "prove that a grant is yours",
            "init": "create a store in this folder",
            "import DELIVERY GRANT": "import the dataset with its terms",
        },
        ("help developer", "train on what you imported"),
    ),
    "developer": RoleHelp(
        "fine-tune a model on data whose terms permit it, with its lineage signed",
        {
            "key new": "make your signing key",
            "init": "create a store in this folder",
            "commit ROWS -d me/rows --label F": "sign your rows",
            "permit me/rows --permit train,evaluate": "sign what they may be used for",
            "filter me/rows --recipe legal --as me/task": "clean and split them",
            "checkpoint add PACKAGE": "import a base model",
            "plan me/task": "estimate cost, write train.toml",
            "train train.toml": "try candidates, sign the best",
            "evaluate CHECKPOINT --on me/task.test": "measure it beside a baseline",
        },
        ("card CHECKPOINT -o card.html", "what a regulator reads"),
        {
            "reproduce CHECKPOINT": "repeat its run, sign the verdict",
            "checkpoint merge ADAPTER --as NAME": "merge one into its base",
            "train --input REF --as NAME -- CMD": "train with any program",
        },
    ),
    "auditor": RoleHelp(
        "find out what a dataset or a model was made from, and who signed it",
        {
            "trust add DID --name ACME": "trust a publisher",
            "verify DELIVERY": "verify a delivery",
            "attest DELIVERY --kind quality --statement S": "sign what you found",
            "clone URL DIR": "copy a store, verified",
            "verify": "verify the whole copy",
            "log --audit": "who signed what, when",
            "lineage CHECKPOINT": "what it was made from",
            "impact NAME": "what depends on a dataset",
            "audit CHECKPOINT -o audit.html": "one file that verifies itself",
        },
        ("help exit-codes", "the same from a script"),
    ),
}
"""Role → its commands, without the name of the program."""

COMMANDS = "commands"
"""The default topic."""

_TABLES = {
    "exit-codes": {str(code): meaning for code, meaning in MEANING.items()},
    "environment": dict(VARIABLES),
}


@declare("help", epilog="lyrikstore help\nlyrikstore help publisher")
@click.argument(
    "topic",
    metavar="[TOPIC]",
    default=COMMANDS,
    type=click.Choice([COMMANDS, *ROLES, *_TABLES]),
)
def command(session: Session, topic: str) -> None:
    """List all commands, the commands of a role in order, the exit codes or the environment.

    TOPIC is publisher, buyer, developer, auditor, exit-codes or environment, and by default
    commands.
    """
    if topic == COMMANDS:
        _show_commands(session)
        return
    if topic in ROLES:
        _show_role(session, topic, ROLES[topic])
        return
    table = _TABLES[topic]
    session.emit("help", {"topic": topic, "meanings": table}, version=2)
    width = max(map(len, table))
    for name, meaning in table.items():
        session.screen.result(f"{name:>{width}}  {meaning}")
    if topic == "exit-codes":
        session.screen.result("an unknown exit code other than 0 is a failure")


def _show_commands(session: Session) -> None:
    from lyrikstore_cli.main import GROUPS

    abouts = {name: about for group in GROUPS.values() for name, about in group.items()}
    session.emit("help", {"topic": COMMANDS, "meanings": abouts}, version=2)
    if (program := click.get_current_context().parent) is not None:
        for line in program.get_help().splitlines():
            session.screen.result(line)


def _steps_json(steps: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"command": f"lyrikstore {typed}", "purpose": does} for typed, does in steps.items()]


def _show_role(session: Session, topic: str, role: RoleHelp) -> None:
    further, purpose = role.further
    session.emit(
        "help",
        {
            "topic": topic,
            "goal": role.goal,
            "steps": _steps_json(role.steps),
            "also": _steps_json(role.also),
            "next": {"command": f"lyrikstore {further}", "purpose": purpose},
        },
        version=2,
    )
    width = max(map(len, (*role.steps, *role.also)))
    lines = [
        f"To {role.goal}:",
        "",
        *(
            f"{n}  {typed:<{width}}  {does}"
            for n, (typed, does) in enumerate(role.steps.items(), 1)
        ),
        "",
        *(["Later:"] if role.also else []),
        *(f"   {typed:<{width}}  {does}" for typed, does in role.also.items()),
        *([""] if role.also else []),
        "Type lyrikstore before each; lyrikstore COMMAND --help explains it.",
        f"Next: lyrikstore {further}  ({purpose})",
    ]
    for line in lines:
        session.screen.result(line)
