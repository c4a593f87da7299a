"""``lyrikstore suspend``: suspend a credential."""

from lyrikstore_cli.commands.credential_status import standing_command

command = standing_command(
    "suspend",
    "Suspend CREDENTIAL until you reinstate it.",
    "suspended",
    lambda store, credential, alone: store.set_status(
        credential, "suspension", value=True, alone=alone
    ),
    falls=True,
)
