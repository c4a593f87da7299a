"""Formats of base models and checkpoints: which files and settings are read and written.

* Base model: ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
* Family: the models of one ``model_type``, with the settings that they may have.
* Format: the files of a checkpoint, such as ``peft-lora/1`` or ``tfidf/2``.
* Check: each setting has one type and a range; an unknown setting refuses the model.

Example:
    >>> from lyrikstore.train.formats.formats import FORMATS
    >>> sorted(FORMATS["peft-lora/1"].weight_files)
    ['adapter_model.safetensors', 'classifier.safetensors']
    >>> FORMATS["tfidf/2"].needs_base
    False
"""
