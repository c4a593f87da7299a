"""Deployed models: folders that serving programs load, with evidence and attributions.

* target: the form of a folder and the program that loads it: ``hf``, ``onnx``, ``gguf``;
* folder: the model files for one target, with ``USE.md``, ``check.py`` and a licence notice;
* evidence: the signed files in the folder that show which run and data the model came from;
* approval: a signed decision on the model card; by default a folder needs one;
* rebuild: the comparison of a folder with one built again from the same checkpoint.

Example:
    >>> from lyrikstore.train.worker.targets.registry import target_for
    >>> target = target_for("onnx", "tfidf/1", fields=False, check=False)
    >>> target.name, target.loader
    ('onnx', 'ONNX Runtime')
"""
