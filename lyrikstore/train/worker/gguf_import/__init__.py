"""Conversion of a base model in one GGUF file to a folder that transformers loads.

* GGUF file: weights, settings and vocabulary of a model in one file of llama.cpp;
* field: a named setting in the file, such as ``general.architecture``;
* tensor: named weights, which are converted to the layout of transformers;
* tokenizer: the vocabulary and merges of the file, written as ``tokenizer.json``.

Example:
    >>> from lyrikstore.train.worker.gguf_import.gguf_file import GgufFile     # doctest: +SKIP
    >>> with open("base.gguf", "rb") as file:                                   # doctest: +SKIP
    ...     GgufFile(file, "base.gguf").value("general.architecture")
    'llama'
"""
