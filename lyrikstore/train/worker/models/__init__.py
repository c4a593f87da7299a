"""Trainable models: one module for each checkpoint format, behind one protocol.

* model: a trained classifier; it returns a logit for each label of a text;
* word counts: TF-IDF vectors of words and character runs, with a linear model on top;
* encoder: a transformer that turns a text into a vector;
* adapter: the small trained weights that change an encoder (LoRA);
* blend: the weighted sum of the answers of two models.

Example:
    >>> from lyrikstore.train.worker.models.terms import words_of
    >>> words_of("The lessee's rent, 2026")
    ['the', 'lessee', 'rent', '2026']
"""
