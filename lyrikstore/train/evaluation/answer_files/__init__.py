"""Answers that were computed elsewhere, and the models that gave them (spec §13.16).

* Answer file: JSON Lines or a sheet with one answer for each record of a test set.
* Record: its number in the dataset, from 0, or its id.
* Score: a number from 0 to 1 for a label; without scores an answer has no confidence.
* External model: a checkpoint without weights, which names the source of the answers.
* Mistakes: all faults of a file, which are reported together.

Example::

    answers = read_answer_file(Path("answers.jsonl"))
    placed = place_answers(answers, tested, labels=None, several=False)
"""
