"""``lyrikstore reinstate``: end a suspension."""

from lyrikstore_cli.commands.credential_status import standing_command

command = standing_command(
    "reinstate",
    "End the suspension of CREDENTIAL.",
    "reinstated",
    lambda store, credential, alone: store.set_status(
        credential, "suspension", value=False, alone=alone
    ),
)
