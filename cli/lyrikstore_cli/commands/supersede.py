"""``lyrikstore supersede``: take a credential back in favour of its successor."""

from lyrikstore_cli.commands.credential_status import standing_command

command = standing_command(
    "supersede",
    "Take CREDENTIAL back because you issued another in its place, with --supersedes.",
    "superseded",
    lambda store, credential, alone: store.supersede(credential, alone=alone),
    by="by ",
)
