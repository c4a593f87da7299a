"""Stored training states: to resume a run (§13.2.3), or to replay its segments (§13.14.1).

* Training state: weights, optimizer state and random numbers after a step.
* Resume state: the latest training state of a run, in the user's cache.
* Segment: the steps between two signed training states.
* Replay: training of a segment again, from its first state, to compare the last one.

Example::

    states = RunResumeState(resume_state_folder(cache, run.name), run.id, signer)
    members = states.staged("lora", staging)       # None: training begins again
"""
