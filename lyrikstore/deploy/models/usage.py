"""``USE.md`` and ``answer.py``: how the folder is loaded, in words and as a program to copy."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.text import pluralize
from lyrikstore.deploy.models.folder_check import CHECK, CHECK_FILE, CHECK_WORDS
from lyrikstore.train.formats import blend, word_counts
from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.choice.task import AnswerRule

Files = dict[str, bytes]
"""Name → bytes."""

_HUGGING_FACE = """\
```python
from transformers import pipeline

model = pipeline("text-classification", "THIS FOLDER", truncation=True, top_k=None)
print(model("A text."))
```

`truncation=True` reads as much of a text as the sealed model does; without it a longer one ends in
an error. Load it in fp32, as it is, or in bf16; in fp16 its answers are NaN. It is for answering:
to train it further, train the checkpoint.
"""
_ONNX = """\
```sh
pip install onnxruntime tokenizers numpy
python answer.py "A text."
```

prints answer, confidence, whether it does not know (`abstained`), and all probabilities.
`onnx/model.onnx` takes {inputs}, and gives `logits`; {scale} makes them probabilities.
"""
_JAVASCRIPT = """
With `@huggingface/transformers` in Node:

```js
import {{ env, pipeline }} from "@huggingface/transformers";

env.allowRemoteModels = false;
env.localModelPath = "./";
const model = await pipeline("text-classification", "THIS FOLDER", {{ dtype: "fp32" }});
console.log(await model("A text.", {{ top_k: null }}));
```
"""
_ANSWERS = """
## What it answers

{fitted} How far a probability can be believed, an evaluation says (`calibration`).

"""
_FITTED = "Temperature and limits were fitted on {records} of validation data{few}."
_UNFITTED = "Its probabilities were not fitted to validation data."
_ONE_LABEL = """\
1. The answer is the label with the greatest probability, of equal ones the first of `id2label`.
2. The confidence of the answer is that probability.
"""
_SEVERAL = """\
1. Each label with a probability of {threshold} or more is given{bare}.
2. The confidence of the answer is the least of all labels: of a given label its probability p, of
   every other one 1 − p. It says how sure it is that these labels and no other are right.
"""
_LIMIT = """\
3. Below a confidence of {below} the answer is: I do not know. Somebody has to look at the text.
"""
_NO_LIMIT = """\
3. It always answers, however unsure it is.
"""
_WORDS = """
The vocabulary of the model has the words and pairs of words that are in two training records or
more (where no word is in two, all of them), and `probe.jsonl` may be made of some. Names can be
among them: hand the folder on only to those who may know them.
"""
_RULE = """
`probe.jsonl` has texts with the answers of the sealed model, for a check of your own after every
update of a program; a probability that differs by more than 0.001 is another answer.
`lyrikstore/` has the signed objects that the model rests on, and `NOTICE` whom to name. Whether a
right was revoked since shows only the store: `lyrikstore verify {checkpoint}`.
"""
_ANSWER_CHECKS = """
`answer.py` does the same whenever it loads the model, if it lies beside that copy:
`Model("FOLDER")`, or `python3 answer.py --folder=FOLDER TEXT`. Programs of yours import it from
there, too: Python leaves `__pycache__` beside what it imports, and a folder to which anything was
added is refused.

"""
ANSWER = '''\
"""Answers texts with the model in this folder: python answer.py [--folder=FOLDER] TEXT ...

Before it loads the model it compares the folder's files with what was written, by check.py, which
says what that shows. Both lie in the folder, so whoever can change the model can change them. Copy
them out of it, and pin the signer's key (LYRIKSTORE_PINNED_KEY), before you rely on that.
"""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # __pycache__ would be a file that was not deployed
from check import BadFolder, check_folder
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
THRESHOLD = @THRESHOLD@  # where there may be several labels: from which probability one is given
AT_LEAST_ONE = @AT_LEAST_ONE@  # the likeliest is given where none reaches it
ABSTAIN_BELOW = @ABSTAIN_BELOW@  # confidence below which the answer is: I do not know


class Model:
    def __init__(self, folder=HERE):
        folder = Path(folder)
        print(check_folder(folder), file=sys.stderr)
        if (folder / "answer.py").read_bytes() != Path(__file__).read_bytes():
            raise BadFolder(f"{folder} was deployed with another answer.py: its limits may differ")
        config = json.loads((folder / "config.json").read_text("utf-8"))
        self.labels = [config["id2label"][str(at)] for at in range(len(config["id2label"]))]
        self.several = config["problem_type"] == "multi_label_classification"
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        self.inputs = {one.name for one in self.session.get_inputs()}
        if "word_ids" in self.inputs:
            self.words = Tokenizer.from_file(str(folder / "words" / "tokenizer.json"))

    def probabilities(self, text):
        ids = self.tokenizer.encode(text).ids
        given = {"input_ids": [ids]}
        if "attention_mask" in self.inputs:
            given["attention_mask"] = [[1] * len(ids)]
        if "word_ids" in self.inputs:
            given["word_ids"] = [self.words.encode(text).ids]
        given = {name: np.array(value, np.int64) for name, value in given.items()}
        logits = self.session.run(["logits"], given)[0][0].astype(np.float64)
        if self.several:
            found = 1 / (1 + np.exp(-logits))
        else:
            found = np.exp(logits - logits.max())
            found /= found.sum()
        return dict(sorted(zip(self.labels, found.tolist()), key=lambda one: -one[1]))

    def answer(self, text):
        likely = {label: round(p, 6) for label, p in self.probabilities(text).items()}
        ranked = sorted(self.labels, key=lambda label: -likely[label])
        first = ranked[0]
        given = [label for label in ranked if likely[label] >= THRESHOLD]
        if not self.several or (AT_LEAST_ONE and not given):
            given = [first]
        confidence = likely[first]
        if self.several:
            confidence = min(p if label in given else 1 - p for label, p in likely.items())
        abstained = round(confidence, 6) < ABSTAIN_BELOW
        return {
            "answer": [] if abstained else given,
            "confidence": round(confidence, 6),
            "abstained": abstained,
            "probabilities": likely,
        }


if __name__ == "__main__":
    texts, folder = sys.argv[1:], HERE
    if texts and texts[0].startswith("--folder="):
        folder = texts.pop(0).removeprefix("--folder=")
    try:
        model = Model(folder)
    except BadFolder as error:
        sys.exit(f"answer.py: {error}")
    for text in texts:
        print(json.dumps(model.answer(text), ensure_ascii=False))
'''


def usage_files(body: Mapping[str, Any], target: str, checkpoint: str, validation: int) -> Files:
    """Return the files that say how a folder is loaded.

    Args:
        body: Of the checkpoint's manifest.
        target: What it was deployed to.
        checkpoint: Its id.
        validation: How many records its decision was fitted on.
    """
    files: Files = {CHECK_FILE: CHECK.encode()}
    form, task = body["format"], body["task"]
    rule, several = AnswerRule.of_body(body), task == "multi-label"
    threshold = 0.5 if rule.threshold is None else rule.threshold
    words = form in {word_counts.FORMAT, blend.FORMAT}
    if target == "hf":
        how = _HUGGING_FACE
    else:
        inputs = {
            word_counts.FORMAT: "`input_ids`",
            blend.FORMAT: "`input_ids` and `attention_mask` of `tokenizer.json`, and `word_ids` of "
            "`words/tokenizer.json`",
        }.get(form, "`input_ids` and `attention_mask`")
        how = _ONNX.format(inputs=inputs, scale="the logistic function" if several else "softmax")
        if form != blend.FORMAT:  # whose second tokenizer no pipeline knows
            how += _JAVASCRIPT.format()
        files["answer.py"] = (
            ANSWER.replace("@THRESHOLD@", repr(threshold))
            .replace("@AT_LEAST_ONE@", repr(rule.at_least_one))
            .replace("@ABSTAIN_BELOW@", repr(rule.abstain_below))
            .encode()
        )
    few = ", which is few: they rest on chance" if validation < FEW_RECORDS else ""
    fitted = _FITTED.format(records=pluralize(validation, "record"), few=few)
    said = _ANSWERS.format(fitted=fitted if "decision" in body else _UNFITTED)
    if several:
        bare = ", and the likeliest where none is" if rule.at_least_one else ""
        said += _SEVERAL.format(threshold=f"{threshold:.6f}", bare=bare)
    else:
        said += _ONE_LABEL
    below = f"{rule.abstain_below:.6f}"
    said += _LIMIT.format(below=below) if rule.abstain_below else _NO_LIMIT
    if words:
        said += _WORDS
    said += _RULE.format(checkpoint=checkpoint)
    said += CHECK_WORDS.format(more=_ANSWER_CHECKS if "answer.py" in files else "")
    return {**files, "USE.md": f"# How to use this model\n\n{how}{said}".encode()}
