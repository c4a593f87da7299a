"""Base models: imported, or trained in this store before (spec §13.15.1).

* Base model: the checkpoint from which a run starts.
* Imported: committed from a folder or a package; it has no run.
* Stage: a run that starts from a checkpoint of another run.
* Chain: the stages back to the imported model; ``chain.py`` follows it.
* Trained weights: tensors that replace those of the imported model; ``weights.py`` joins them.

Example::

    first = first_base(repo, manifest)            # the imported model
    weights = trained_weights(repo, manifest)     # model.safetensors after all stages
"""
