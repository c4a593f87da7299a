"""Bodies and inputs of the manifests of runs and checkpoints (spec §13.2).

* Run manifest: logged before the first step; it announces what will be trained.
* Checkpoint manifest: logged after training; it names its run.
* Body: the signed members that only this kind of manifest has.
* Inputs: the versions that a run reads, or that a checkpoint was made from.

Example::

    copied = copy_inputs(repo, plan, staging)      # verified copies for the worker
    body = run_body(plan, copied)
"""
