"""A generative model as one file that llama.cpp and Ollama load (spec §14.7.6)."""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.base_model import CONFIG, TOKENIZER
from lyrikstore.train.formats.decoders.pretokenizers import pretokenizer_name
from lyrikstore.train.worker.export.output import Output
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import BASE, CHECKPOINT
from lyrikstore.train.worker.targets.registry import TextModel, Usage, refused

if TYPE_CHECKING:
    from lyrikstore.train.worker.export.next_tokens import Among, TokenReader

MODEL = "model-f16.gguf"
GRAMMAR = "grammar.gbnf"
"""The file that holds llama.cpp to choices."""

FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Each ``model_type`` that is written."""

_SECONDS = 600  # for one token
_OTHER = "take vllm, which has base and adapter as they are"
_USE = """\
```sh
python3 -I check.py && llama-server -m {model} -c {context}{grammar}
ollama create NAME -f Modelfile && ollama run NAME
```

The weights are the base's with the adapter added, in fp16: another model than the sealed one, which
may answer otherwise. Ollama itself was not asked.
"""
_CHOICES = """\
`grammar.gbnf` holds llama.cpp to them, token by token; a llama.cpp that does not know tokens in
grammars refuses the file. Ollama takes no grammar: what the model writes there is free text, and
not what was measured."""


def check(model: TextModel) -> None:
    """Refuse a model of which no file is written that llama.cpp reads as it was trained."""
    family = model.settings["model_type"]
    if family not in FAMILIES:
        raise refused(f"no GGUF file is written of a {family}", _OTHER)
    for member in ("rope_parameters", "rope_scaling"):
        stated = model.settings.get(member) or {}
        if stated.get("rope_type", "default") != "default":
            raise refused("its positions are scaled, which is not written as GGUF", _OTHER)
    described = json.loads(model.tokenizer)
    if described["model"].get("type") != "BPE" or pretokenizer_name(described) is None:
        raise refused("llama.cpp knows no tokenizer that cuts texts as this one does", _OTHER)


def usage(model: TextModel) -> Usage:
    """Return how it is loaded, and what Ollama makes it of."""
    grammar = f" --grammar-file {GRAMMAR}" if model.choices else ""
    how = _USE.format(model=MODEL, context=model.max_tokens, grammar=grammar)
    return Usage(how, {"Modelfile": _modelfile(model).encode()}, _CHOICES)


def write(job: Mapping[str, Any], files: StagedFiles, out: Output) -> None:
    """Write base and adapter as one file, and the grammar of its choices."""
    from lyrikstore.train.worker.export.gguf_model import merged, write_gguf
    from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices
    from lyrikstore.train.worker.generation.decoder import AdaptedDecoder
    from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer

    model = AdaptedDecoder.load(files, CHECKPOINT, job["weights"])
    write_gguf(
        out.place(MODEL),
        json.loads(files.read(f"{BASE}/{CONFIG}")),
        files.read(f"{BASE}/{TOKENIZER}"),
        job["chatTemplate"],
        merged(model.causal),
    )
    out.was_written(MODEL)
    text = ConversationTokenizer(files, chat=job["chat"])
    if choices := AnswerChoices.of_checkpoint(text, job, model.about):
        out.write(GRAMMAR, choices.grammar().encode())


def read(folder: Path, job: Mapping[str, Any]) -> "TokenReader":
    """Return what gives tokens, reads texts and answers them, by llama.cpp's own server."""
    import xllamacpp

    from lyrikstore.train.worker.export.next_tokens import TokenReader

    settings = xllamacpp.CommonParams()
    settings.model.path = str(folder / MODEL)
    settings.n_parallel = 1
    settings.n_ctx = 0  # as many tokens as the model reads
    settings.cpuparams.n_threads = job["threads"]
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
        connection = HTTPConnection(str(where.hostname), where.port, timeout=_SECONDS)
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

    def next_tokens(prompt: Sequence[int], answer: Sequence[int], among: "Among") -> list[int]:
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
                found.append(answer[place] if answer[place] in job["stops"] else -1)
        return found

    def write(prompt: Sequence[int], most: int) -> str:
        asked: dict[str, Any] = {"prompt": list(prompt), "n_predict": most, "temperature": 0}
        if (folder / GRAMMAR).exists():
            asked["grammar"] = (folder / GRAMMAR).read_text("utf-8")
        given = ask("/completion", asked)
        if "content" not in given:
            raise ValueError(f"it answers: {str(given)[:200]}")
        return str(given["content"])

    return TokenReader(next_tokens, read, write)


def _modelfile(model: TextModel) -> str:
    """Return what Ollama makes the model of, with the very prompt that it was trained with."""
    return (
        f"FROM ./{MODEL}\n"
        f'TEMPLATE """{go_template(*model.around)}"""\n'
        f"PARAMETER stop {json.dumps(model.end, ensure_ascii=False)}\n"
        "PARAMETER temperature 0\n"
        f"PARAMETER num_ctx {model.max_tokens}\n"
        f"PARAMETER num_predict {model.answer_tokens}\n"
    )


def go_template(before: str, after: str) -> str:
    """Return what gives a prompt between two texts, as a template of Go between three quotes.

    Raises:
        InvalidInputError: (``no-such-target``) it cannot be said there.
    """
    first, last = (text.replace("{", '{{ "{" }}') for text in (before, after))
    whole = f"{first}{{{{ .Prompt }}}}{last}"
    # A quote beside the three that enclose it would end it one sign early.
    if '"""' in whole or whole.startswith('"') or whole.endswith('"'):
        raise InvalidInputError(
            "no-such-target",
            "its prompt has quotes where no Modelfile can hold them",
            hint="use --to vllm, or train it with another [prompt] template",
        )
    return whole
