"""Generative base models: their families, settings and pre-tokenizers (spec §13.12).

* Decoder: a language model that generates text token by token.
* Family: the decoders of one ``model_type``, such as ``llama`` or ``qwen3``.
* Stop: a token at which an answer ends.
* Pre-tokenizer: the rule that divides a text into words before tokens are made.

Example:
    >>> from lyrikstore.train.formats.decoders.families import stops_of
    >>> stops_of({"eos_token_id": [1, 106]})
    (1, 106)
"""
