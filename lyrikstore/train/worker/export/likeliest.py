"""The likeliest next tokens, of the sealed model and of one that was deployed (spec §14.7.6)."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from secrets import token_hex
from typing import Any, cast
from urllib.parse import urlsplit

import torch
from transformers import GenerationConfig

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.decoders.serving import GRAMMAR
from lyrikstore.train.worker.errors import loading
from lyrikstore.train.worker.fitting.written import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import latency
from lyrikstore.train.worker.models.adapters import load_peft
from lyrikstore.train.worker.models.encoder import prepare
from lyrikstore.train.worker.staging import CHECKPOINT, TEST
from lyrikstore.train.worker.writing.choices import AnswerChoices
from lyrikstore.train.worker.writing.decoder import AdaptedDecoder
from lyrikstore.train.worker.writing.texts import WriterText

MILLION = 1_000_000
SECONDS = 600
"""How long a served model may take for one token."""

Among = Sequence[Sequence[int]]
"""Of each place of an answer, the tokens that are a choice's; empty: there are no choices."""

Next = Callable[[Sequence[int], Sequence[int], Among], list[int]]
"""Prompt and answer in tokens → the likeliest token at each place of the answer."""


def write_probe(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Write the start of the sealed model's answer to some prompts.

    Args:
        job: ``threads``, ``seed``; ``weights``: files of the base's weights; ``chat``; ``tokens``:
            how many are written of each answer; ``choices``: the only answers, each with its
            completion, which are written whole.
        files: The staging folder: the checkpoint, its base, ``test.jsonl``.
        report: Called per record.

    Returns:
        ``stops``: the tokens that end an answer; ``answers``: of each record ``prompt`` and
        ``tokens``, ``text``, ``leads``: by how many millionths of a logit each token leads the
        second, and ``among``: of each place the tokens that are a choice's, none without choices.
    """
    prepare(job["threads"], job["seed"])
    text = WriterText(files, chat=job["chat"])
    prompts = text.prompts([json.loads(line)["prompt"] for line in files.lines(TEST)])
    model = AdaptedDecoder.load(files, CHECKPOINT, job["weights"])
    choices = AnswerChoices.of_checkpoint(text, job, model.about)
    most = choices.longest or int(job["tokens"])
    room = int(model.about["maxTokens"]) - most
    if max(map(len, prompts)) > room:
        raise InvalidInputError(
            "bad-probe",
            f"a prompt has {max(map(len, prompts))} tokens, and {room} leave room for an answer",
            hint="shorten the texts of the probe",
        )
    settings = cast("Any", GenerationConfig)(
        do_sample=False,
        max_new_tokens=most,
        eos_token_id=list(text.stops),
        pad_token_id=text.stops[0],
        output_scores=True,
        return_dict_in_generate=True,
    )
    answers = []
    for number, prompt in enumerate(prompts):
        read = torch.tensor([prompt])
        with torch.inference_mode():
            written = model.causal.generate(
                input_ids=read,
                attention_mask=torch.ones_like(read),
                generation_config=settings,
                **choices.asked_with(len(prompt)),
            )
        tokens = written.sequences[0, len(prompt) :].tolist()
        best = [one[0].to(torch.float64).topk(2).values for one in written.scores]
        answers.append(
            {
                "prompt": prompt,
                "tokens": tokens,
                "text": choices.name(tokens) if choices else text.read(tokens).strip(),
                "leads": [round(min(float(a - b) * MILLION, 1 << 50)) for a, b in best],
                "among": [choices.following(tokens[:at]) for at in range(len(tokens))]
                if choices
                else [],
            }
        )
        report("score", number + 1, len(prompts))
    return {"answers": answers, "stops": list(text.stops)}


def ask_writer(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Ask a deployed model for the likeliest token after each token of some answers.

    Args:
        job: ``folder``, its path; ``target``; ``threads``; ``file``: of the folder, what is loaded;
            ``stops`` and ``answers``, as :func:`write_probe` gives them, these with ``said``, the
            prompt as text.
        files: The staging folder.
        report: Called per record.

    Returns:
        ``tokens``: of each record a list as long as its answer, empty where the prompt is read as
        other tokens; within choices, it may be shorter behind a token that differs; and
        ``latencyMs`` of one token.
    """
    del files
    folder = Path(job["folder"])
    with loading("the folder"):
        load = _llama_cpp if job["target"] == "gguf" else _peft
        next_tokens, read = load(folder, job["threads"], frozenset(job["stops"]))
    found, times = [], []
    for number, one in enumerate(job["answers"]):
        begun = time.perf_counter()
        fine = read(one["said"]) == one["prompt"]
        found.append(next_tokens(one["prompt"], one["tokens"], one["among"]) if fine else [])
        times.append((time.perf_counter() - begun) * 1000 / len(one["tokens"]))
        report("check", number + 1, len(job["answers"]))
    return {"tokens": found, "latencyMs": latency(times)}


def _llama_cpp(
    folder: Path, threads: int, stops: frozenset[int]
) -> tuple[Next, Callable[[str], list[int]]]:
    import xllamacpp

    from lyrikstore.train.worker.export.gguf_model import MODEL

    settings = xllamacpp.CommonParams()
    settings.model.path = str(folder / MODEL)
    settings.n_parallel = 1
    settings.n_ctx = 0  # as many tokens as the model reads
    settings.cpuparams.n_threads = threads
    # ATTACK: the base's chat template is a program of its publisher; llama.cpp would run it.
    settings.use_jinja = False
    settings.chat_template = "chatml"
    # ATTACK: other users of the machine reach its port.
    key = token_hex(16)
    settings.api_keys = [key]
    settings.endpoint_slots = False
    server = xllamacpp.Server(settings)

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def ask(path: str, body: Mapping[str, Any]) -> Any:
        where = urlsplit(server.listening_address)  # it serves as long as somebody holds it
        connection = HTTPConnection(str(where.hostname), where.port, timeout=SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def read(text: str) -> list[int]:
        asked = {"content": text, "add_special": False, "parse_special": True}
        return [int(one) for one in ask("/tokenize", asked)["tokens"]]

    def within(prompt: Sequence[int], answer: Sequence[int]) -> list[int]:
        asked = {
            "prompt": list(prompt),
            "n_predict": len(answer),
            "temperature": 0,
            "return_tokens": True,
            "grammar": (folder / GRAMMAR).read_text("utf-8"),
        }
        given = ask("/completion", asked)
        if "tokens" not in given:
            raise ValueError(f"it answers: {str(given)[:200]}")
        found = [int(one) for one in given["tokens"]]
        # No grammar of llama.cpp says with which of its tokens an answer ends: with any it does.
        return [*found[:-1], answer[-1]] if given.get("stop_type") == "eos" else found

    def next_tokens(prompt: Sequence[int], answer: Sequence[int], among: Among) -> list[int]:
        if among:
            return within(prompt, answer)
        found = []
        for place in range(len(answer)):
            asked = {
                "prompt": [*prompt, *answer[:place]],
                "n_predict": 1,
                "temperature": 0,
                "cache_prompt": True,
                "return_tokens": True,
            }
            given = ask("/completion", asked)
            if "tokens" not in given:
                raise ValueError(f"it answers: {str(given)[:200]}")
            if given["tokens"]:
                found.append(int(given["tokens"][0]))
            else:  # some token that ends an answer, which is not given back
                found.append(answer[place] if answer[place] in stops else -1)
        return found

    return next_tokens, read


def _peft(
    folder: Path, threads: int, stops: frozenset[int]
) -> tuple[Next, Callable[[str], list[int]]]:
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    del stops  # every token is given, those that end an answer too
    torch.set_num_threads(threads)
    own: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32, **own)
    adapted = load_peft().PeftModel
    model = adapted.from_pretrained(base, str(folder / "adapter"), local_files_only=True)
    model.eval()
    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))

    def next_tokens(prompt: Sequence[int], answer: Sequence[int], among: Among) -> list[int]:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
        places = logits[len(prompt) - 1 : -1]
        if among:
            pairs = zip(places, among, strict=True)
            return [max(some, key=one.tolist().__getitem__) for one, some in pairs]
        return [int(one) for one in places.argmax(-1)]

    def read(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    return next_tokens, read
