"""Generative models: loading, training, generation (spec §13.12). Runs in a worker.

* decoder: the causal language model that continues a text;
* adapter: the small trained weights that change the base model (LoRA);
* completion loss: the loss over the tokens of the answer only, not of the prompt;
* packing: several conversations in one row of tokens, so that little is padding;
* constrained choices: decoding that can produce only one of the listed answers.

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.train.worker.packing import epoch_rows
    >>> records = [Digest.of(bytes([number])) for number in range(3)]
    >>> sorted(epoch_rows(records, [60, 30, 40], most=100, seed=7, epoch=0))
    [[0, 2], [1]]
"""
