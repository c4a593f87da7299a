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
THRESHOLD = 0.5  # where there may be several labels: from which probability one is given
AT_LEAST_ONE = False  # the likeliest is given where none reaches it
ABSTAIN_BELOW = 0.606423  # confidence below which the answer is: I do not know


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
