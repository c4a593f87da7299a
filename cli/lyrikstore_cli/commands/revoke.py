"""``lyrikstore revoke``: take a credential back for good."""

from lyrikstore_cli.commands.credential_status import standing_command

command = standing_command(
    "revoke",
    "Take CREDENTIAL back for good.",
    "revoked",
    lambda store, credential, alone: store.set_status(
        credential, "revocation", value=True, alone=alone
    ),
    falls=True,
)
