"""Deployed models: their usage text, probe records and comparison (spec §14.7).

* Target: the program that will serve the model, such as ``onnx`` or ``gguf``.
* Sealed model: the checkpoint in the store.
* Probe: texts that the sealed and the deployed model both answer.
* ``USE.md``: explains how to load the model, its answers, and when it abstains.
* ``check.py``: compares the files of a deployed folder with its list.

Example:
    >>> from lyrikstore.train.serving.probe import made_probe
    >>> made_probe([b'["lease", "tenant"]'], ["A", "B"])[3]
    'B lease lease tenant'
"""
