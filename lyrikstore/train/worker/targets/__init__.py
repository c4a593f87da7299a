"""Deployment targets, one module each: usage text, writer and reader.

* target: the form of a deployed folder, with the software that loads it;
* loader: the program or library that loads the folder, such as vLLM or ONNX Runtime;
* format: the kind of checkpoint that a target accepts, such as ``tfidf/1``;
* writer: the function of a target that writes the folder, in a worker;
* reader: the function of a target that loads the folder again, to compare its answers.

Example:
    >>> from lyrikstore.train.worker.targets.registry import target_for
    >>> target_for("hf", "encoder/1", fields=False, check=False).loader
    'transformers, AutoModelForSequenceClassification'
"""
