"""Texts of generative models, and the figures that follow from them (spec §13.12.8).

* generation: the text that a model wrote for one test record;
* answer: the label or the fields that are read from a generated text;
* sample: the test records that were used, drawn with the seed of the run;
* choices: the listed answers that a prompt permits;
* output file: the generated texts, kept with the evaluation so that it can be computed again.

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.verify.evaluation.generation.generations import sample_records
    >>> records = {Digest.of(bytes([number])) for number in range(20)}
    >>> len(sample_records(records, 5, seed=7))
    5
"""
