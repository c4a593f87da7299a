"""Further stages: checkpoints that are made from trained ones (spec §13.15).

* Adapter: LoRA matrices that are trained beside frozen weights.
* Merge: the adapter is added to the weights of its base; the result is an ``encoder/1``.
* Probe: a short text that both models answer, to check that they agree.

Example::

    merged = merge_adapter(context, "acme/clauses", "checkpoints/acme/clauses-merged")
    merged.moved                                   # the greatest change of a logit
"""
