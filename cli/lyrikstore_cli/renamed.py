"""What commands were called before: nothing answers to these names, they are refused."""

COMMANDS = {
    "revoke": "credential revoke",
    "suspend": "credential suspend",
    "reinstate": "credential reinstate",
    "supersede": "credential supersede",
    "status-lists": "credential publish",
    "checkpoints": "checkpoint",
    "checkpoints add": "checkpoint add",
    "checkpoints merge": "checkpoint merge",
    "index": "maintain index",
    "index rebuild": "maintain index",
    "schema": "maintain schema",
    "sign": "w3c sign",
    "serve": "w3c serve",
    "export": "w3c export",
}
"""Command of before → its name now. Its result with ``--json`` is called as before."""
