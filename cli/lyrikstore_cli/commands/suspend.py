"""``lyrikstore suspend``: suspend a credential."""

from lyrikstore_cli.standing import standing_command

command = standing_command(
    "suspend",
    "Suspend CREDENTIAL until you reinstate it.",
    "suspended",
    lambda store, credential, alone: store.set_status(
        credential, "suspension", value=True, alone=alone
    ),
    falls=True,
)
