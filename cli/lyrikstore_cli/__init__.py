"""The command line ``lyrikstore``: the only package that reads the environment and prints.

Terms:

* command: a module of ``commands/``; its function's docstring is the help text.
* session: one invocation, with its options, user paths, signer and store (``session.py``).
* screen: where results, messages and hints are printed (``output/screen.py``).
* result: the JSON object of ``--json``; ``schemas/cli/`` has a schema for each command.
* exit code: what a script reads, by the class or kind of an error (``exits.py``).

Example:
    >>> from lyrikstore.canon.errors import NotFoundError, PolicyError
    >>> from lyrikstore_cli.exits import MEANING, exit_code
    >>> exit_code(NotFoundError("no-store", "there is no store here"))
    10
    >>> MEANING[exit_code(PolicyError("no-right", "the data may not be used to train"))]
    'refused by policy or use rights'
"""
