"""Target ``onnx``: a model with labels for ONNX Runtime and transformers.js (spec §14.7.3)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.train.formats import blend, word_counts
from lyrikstore.train.formats.base_model import CONFIG
from lyrikstore.train.worker.export.labels import Answer, check_labels
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.load import UnlikeTexts, load_model
from lyrikstore.train.worker.staging import CHECKPOINT
from lyrikstore.train.worker.targets.registry import Usage
from lyrikstore.verify.evaluation.choice.task import AnswerRule
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE, limit_of

_OTHER = "encoder.logits"
_CHARACTERS = ", and, if `characters` is there, `character_ids` of\n`characters/tokenizer.json`"
_USE = """\
```sh
pip install onnxruntime tokenizers numpy
python answer.py "A text."
```

prints the answer, its confidence, whether the model abstained (`abstained`), for which reasons
(`abstainedFor`), and all probabilities. It uses one thread; `LYRIKSTORE_THREADS=4` gives it four.
`onnx/model.onnx` takes {inputs}, and gives `logits`; {scale} makes them probabilities.
{unlike}"""
_SEVERAL_TOKENIZERS = frozenset({blend.FORMAT, word_counts.FORMAT})
"""Formats of models that need a second tokenizer, which no pipeline supports."""

_DISTANCE = """\
Its `unlike` is how far a text is from the nearest class of the training data.
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

It gives probabilities alone: when not to answer is for the program that asks.
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
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # __pycache__ would be a file that was not deployed
from check import BadFolder, check_folder
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
# More threads wait for each other: they answer one text sooner and take more of a shared server.
THREADS = int(os.environ.get("LYRIKSTORE_THREADS") or 1)
THRESHOLD = @THRESHOLD@  # where there may be several labels: from which probability one is given
AT_LEAST_ONE = @AT_LEAST_ONE@  # the likeliest is given where none reaches it
ABSTAIN_BELOW = @ABSTAIN_BELOW@  # confidence below which the answer is: I do not know
UNLIKE_ABOVE = @UNLIKE_ABOVE@  # above it a text is unlike the training data; None: not known


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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {one.name for one in self.session.get_inputs()}
        self.outputs = [one.name for one in self.session.get_outputs()]
        if "word_ids" in self.inputs:
            self.words = Tokenizer.from_file(str(folder / "words" / "tokenizer.json"))
        if "character_ids" in self.inputs:
            path = folder / "characters" / "tokenizer.json"
            self.characters = Tokenizer.from_file(str(path))

    def read(self, text):
        """Return probabilities, and whether the text is unlike what the model was trained on."""
        ids = self.tokenizer.encode(text).ids
        given = {"input_ids": [ids]}
        if "attention_mask" in self.inputs:
            given["attention_mask"] = [[1] * len(ids)]
        if "word_ids" in self.inputs:
            given["word_ids"] = [self.words.encode(text).ids]
        if "character_ids" in self.inputs:
            given["character_ids"] = [self.characters.encode(text).ids]
        given = {name: np.array(value, np.int64) for name, value in given.items()}
        found = dict(zip(self.outputs, self.session.run(self.outputs, given)))
        words = ids[1:]  # of word counts, where 1 is a word that no term has
        value = words.count(1) / len(words) if words else 1.0
        value = float(found["unlike"][0]) if "unlike" in found else value
        unlike = UNLIKE_ABOVE is not None and value > UNLIKE_ABOVE
        logits = found["logits"][0].astype(np.float64)
        if self.several:
            found = 1 / (1 + np.exp(-logits))
        else:
            found = np.exp(logits - logits.max())
            found /= found.sum()
        return dict(sorted(zip(self.labels, found.tolist()), key=lambda one: -one[1])), unlike

    def probabilities(self, text):
        return self.read(text)[0]

    def answer(self, text):
        likely, unlike = self.read(text)
        likely = {label: round(p, 6) for label, p in likely.items()}
        ranked = sorted(self.labels, key=lambda label: -likely[label])
        first = ranked[0]
        given = [label for label in ranked if likely[label] >= THRESHOLD]
        if not self.several or (AT_LEAST_ONE and not given):
            given = [first]
        confidence = likely[first]
        if self.several:
            confidence = min(p if label in given else 1 - p for label, p in likely.items())
        reasons = {"confidence": round(confidence, 6) < ABSTAIN_BELOW, "unlike": unlike}
        abstained_for = [name for name, holds in reasons.items() if holds]
        return {
            "answer": [] if abstained_for else given,
            "confidence": round(confidence, 6),
            "abstained": bool(abstained_for),
            "abstainedFor": abstained_for,
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


def usage(about: Mapping[str, Any]) -> Usage:
    """Return the text that explains how to load the folder, and the program ``answer.py``."""
    form, rule = about["format"], AnswerRule.of_body(about)
    inputs = {
        word_counts.FIRST: "`input_ids`",
        word_counts.FORMAT: f"`input_ids` of `tokenizer.json`{_CHARACTERS}",
        blend.FORMAT: "`input_ids` and `attention_mask` of `tokenizer.json`, and `word_ids` of "
        f"`words/tokenizer.json`{_CHARACTERS}",
    }.get(form, "`input_ids` and `attention_mask`")
    how = _USE.format(
        inputs=inputs,
        scale="the logistic function" if about["several"] else "softmax",
        unlike=_DISTANCE if UNLIKE in about and form not in word_counts.KNOWN else "",
    )
    if form not in _SEVERAL_TOKENIZERS:
        how += _JAVASCRIPT.format()
    program = (
        ANSWER.replace("@THRESHOLD@", repr(0.5 if rule.threshold is None else rule.threshold))
        .replace("@AT_LEAST_ONE@", repr(rule.at_least_one))
        .replace("@ABSTAIN_BELOW@", repr(rule.abstain_below))
        .replace("@UNLIKE_ABOVE@", repr(limit_of(about)))
    )
    return Usage(how, {"answer.py": program.encode()}, checks=_ANSWER_CHECKS)


def write(job: Mapping[str, Any], files: StagedFiles, out: Output) -> None:
    """Write a checkpoint as an ONNX graph whose weights include the temperature.

    Raises:
        LyrikstoreError: As :func:`words_of` and :func:`encoder_model`.
    """
    from lyrikstore.train.worker.export import onnx_model
    from lyrikstore.train.worker.export.settings import (
        UNLIMITED,
        base_settings,
        closing_token,
        label_settings,
        write_base_tokenizer,
        write_tokenizer,
    )
    from lyrikstore.train.worker.export.word_graph import (
        PADDING,
        character_tokenizer_of,
        characters_of,
        tokenizer_of,
        word_graph,
        words_of,
    )

    temperature = AnswerRule.of_body(job).temperature
    distances = UnlikeTexts.open(job, files).distances
    labels, form, described = job["labels"], job["format"], label_settings(job)

    def write_characters(counts: Any) -> None:
        if characters := characters_of(counts):
            found = character_tokenizer_of(characters)
            write_tokenizer(out, "characters/", found, UNLIMITED, PADDING)

    if form in word_counts.KNOWN:
        counts: Any = load_model(files, CHECKPOINT, form)
        words = words_of(counts)
        sources = (onnx_model.TOKENS, onnx_model.CHARACTERS)
        graph = word_graph(counts, words, sources, temperature)
        proto = onnx_model.word_model(graph, len(labels))
        # What transformers.js goes by: it passes on what the tokenizer gives.
        out.write_json(CONFIG, {"model_type": "bert", **described})
        write_tokenizer(out, "", tokenizer_of(words), UNLIMITED, PADDING)
        write_characters(counts)
    else:
        settings = base_settings(files)
        if form == blend.FORMAT:
            about = json.loads(files.read(f"{CHECKPOINT}/{blend.SETTINGS}"))
            first, second = map(float, about["temperatures"])
            counts = load_model(files, f"{CHECKPOINT}/{blend.WORDS}", about["members"][0])
            other: Any = load_model(files, f"{CHECKPOINT}/{blend.OTHER}", about["members"][1])
            words, network = words_of(counts), other.network()
            proto = onnx_model.blended_model(
                onnx_model.encoder_model(network, closing_token(files), second, distances, _OTHER),
                _OTHER,
                word_graph(counts, words, (onnx_model.WORDS, onnx_model.CHARACTERS), first),
                (job["several"], float(about["weight"]), temperature),
                len(labels),
            )
            write_tokenizer(out, "words/", tokenizer_of(words), UNLIMITED, PADDING)
            write_characters(counts)
        else:
            model: Any = load_model(files, CHECKPOINT, form)
            network = model.network()
            proto = onnx_model.encoder_model(network, closing_token(files), temperature, distances)
        shown = {name: value for name, value in settings.items() if name != "architectures"}
        out.write_json(CONFIG, shown | described)
        write_base_tokenizer(files, out, settings, network.max_tokens)
    props = {"lyrikstore.checkpoint": job["checkpoint"], "lyrikstore.labels": json.dumps(labels)}
    out.write(onnx_model.MODEL, onnx_model.finished(proto, props))


def read(folder: Path, job: Mapping[str, Any]) -> Answer:
    """Return a function from a text to its answer, computed by ONNX Runtime."""
    import onnxruntime
    from tokenizers import Tokenizer

    from lyrikstore.train.worker.export.onnx_model import CHARACTERS, MASK, MODEL, TOKENS, WORDS
    from lyrikstore.train.worker.export.word_graph import UNKNOWN

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    session = onnxruntime.InferenceSession(
        str(folder / MODEL), options, providers=["CPUExecutionProvider"]
    )
    inputs = {one.name for one in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    further = {
        name: Tokenizer.from_file(str(folder / at / "tokenizer.json"))
        for name, at in ((WORDS, "words"), (CHARACTERS, "characters"))
        if name in inputs
    }

    names = [one.name for one in session.get_outputs()]

    def answer(text: str) -> tuple[NDArray[np.float64], float]:
        ids = tokenizer.encode(text).ids
        given = {TOKENS: [ids]}
        if MASK in inputs:
            given[MASK] = [[1] * len(ids)]
        for name, other in further.items():
            given[name] = [other.encode(text).ids]
        arrays = {name: np.asarray(value, np.int64) for name, value in given.items()}
        found = dict(zip(names, session.run(names, arrays), strict=True))
        unknown = ids[1:].count(UNKNOWN) / len(ids[1:]) if len(ids) > 1 else 1.0
        value = float(found[UNLIKE][0]) if UNLIKE in found else unknown
        return np.asarray(found["logits"][0], np.float64), value

    check_labels(json.loads((folder / CONFIG).read_bytes())["id2label"], job)
    return answer
