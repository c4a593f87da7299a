"""Export of trained checkpoints for serving programs, and inference by those programs.

* output: the folder that receives the exported files;
* settings: the files that transformers expects, such as ``config.json`` and the tokenizer;
* labels: the names of the classes, in the order of the model's outputs;
* word graph: an ONNX graph that counts words and characters and applies a linear model.

Example:
    >>> from lyrikstore.train.worker.export.labels import check_labels
    >>> check_labels({0: "no", 1: "yes"}, {"labels": ["no", "yes"]})
"""
