"""External trainers: programs of the caller, run on verified copies (spec §13.13).

* Request: the inputs, the output and the use of a run, whose rights are checked as always.
* Command: the program with its arguments; ``{input}`` and ``{output}`` stand for folders.
* Sandbox: bubblewrap; the command sees the copies and no other data.
* Opening: further files, variables or the network, which are signed with the run.
* Output: the files that become a checkpoint, of known kinds only.

Example:
    >>> from lyrikstore.train.external.request import ExternalRun
    >>> ExternalRun(("acme/clauses.train",), "acme/clauses").run_name
    'runs/acme/clauses'
"""
