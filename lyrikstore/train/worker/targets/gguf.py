"""Target ``gguf``: a generative model as one file for llama.cpp and Ollama (spec §14.7.6)."""

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
"""The file with the grammar that restricts llama.cpp to the choices."""

FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Each ``model_type`` that can be written."""

_SECONDS = 600  # for one token
_OTHER = "use --to vllm, which writes base and adapter unchanged"
_USE = """\
```sh
python3 -I check.py && llama-server -m {model} -c {context}{grammar}
ollama create NAME -f Modelfile && ollama run NAME
```

The weights are those of the base with the adapter merged, in fp16: this model is not the sealed
one, and its answers may differ. It was not compared in Ollama itself.
"""
_CHOICES = """\
`grammar.gbnf` restricts llama.cpp to them, token by token; a llama.cpp that does not support tokens
in grammars refuses the file. Ollama has no grammars: its answers are free text, and were not
measured."""


def check(model: TextModel) -> None:
    """Raise ``no-such-target`` unless llama.cpp can read the model as it was trained."""
    family = model.settings["model_type"]
    if family not in FAMILIES:
        raise refused(f"lyrikstore cannot write a {family} as GGUF", _OTHER)
    for member in ("rope_parameters", "rope_scaling"):
        stated = model.settings.get(member) or {}
        if stated.get("rope_type", "default") != "default":
            raise refused("lyrikstore cannot write scaled positions (RoPE scaling) as GGUF", _OTHER)
    described = json.loads(model.tokenizer)
    if described["model"].get("type") != "BPE" or pretokenizer_name(described) is None:
        raise refused("llama.cpp does not support the pre-tokenizer of this model", _OTHER)


def usage(model: TextModel) -> Usage:
    """Return how the file is loaded, with the Modelfile for Ollama."""
    grammar = f" --grammar-file {GRAMMAR}" if model.choices else ""
    how = _USE.format(model=MODEL, context=model.max_tokens, grammar=grammar)
    return Usage(how, {"Modelfile": _modelfile(model).encode()}, _CHOICES)


def write(job: Mapping[str, Any], files: StagedFiles, out: Output) -> None:
    """Write base and adapter merged into one file, and the grammar of the choices."""
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
    """Return the interface to the deployed model, served by llama.cpp's own server."""
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

    def post(path: str, body: Mapping[str, Any]) -> Any:
        where = urlsplit(server.listening_address)  # it serves as long as it is referenced
        connection = HTTPConnection(str(where.hostname), where.port, timeout=_SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def read(text: str) -> list[int]:
        request = {"content": text, "add_special": False, "parse_special": True}
        return [int(one) for one in post("/tokenize", request)["tokens"]]

    def within(prompt: Sequence[int], answer: Sequence[int]) -> list[int]:
        request = {
            "prompt": list(prompt),
            "n_predict": len(answer),
            "temperature": 0,
            "return_tokens": True,
            "grammar": (folder / GRAMMAR).read_text("utf-8"),
        }
        response = post("/completion", request)
        if "tokens" not in response:
            raise ValueError(f"it answers: {str(response)[:200]}")
        found = [int(one) for one in response["tokens"]]
        # No grammar of llama.cpp says with which of its tokens an answer ends: with any it does.
        return [*found[:-1], answer[-1]] if response.get("stop_type") == "eos" else found

    def next_tokens(prompt: Sequence[int], answer: Sequence[int], among: "Among") -> list[int]:
        if among:
            return within(prompt, answer)
        found = []
        for place in range(len(answer)):
            request = {
                "prompt": [*prompt, *answer[:place]],
                "n_predict": 1,
                "temperature": 0,
                "cache_prompt": True,
                "return_tokens": True,
            }
            response = post("/completion", request)
            if "tokens" not in response:
                raise ValueError(f"it answers: {str(response)[:200]}")
            if response["tokens"]:
                found.append(int(response["tokens"][0]))
            else:  # some token that ends an answer, which is not returned
                found.append(answer[place] if answer[place] in job["stops"] else -1)
        return found

    def write(prompt: Sequence[int], most: int) -> str:
        request: dict[str, Any] = {"prompt": list(prompt), "n_predict": most, "temperature": 0}
        if (folder / GRAMMAR).exists():
            request["grammar"] = (folder / GRAMMAR).read_text("utf-8")
        response = post("/completion", request)
        if "content" not in response:
            raise ValueError(f"it answers: {str(response)[:200]}")
        return str(response["content"])

    return TokenReader(next_tokens, read, write)


def _modelfile(model: TextModel) -> str:
    """Return Ollama's Modelfile, with the same prompt as in training."""
    return (
        f"FROM ./{MODEL}\n"
        f'TEMPLATE """{go_template(*model.around)}"""\n'
        f"PARAMETER stop {json.dumps(model.end, ensure_ascii=False)}\n"
        "PARAMETER temperature 0\n"
        f"PARAMETER num_ctx {model.max_tokens}\n"
        f"PARAMETER num_predict {model.answer_tokens}\n"
    )


def go_template(before: str, after: str) -> str:
    """Return the Go template that puts a prompt between two texts, for use in triple quotes.

    Raises:
        InvalidInputError: (``no-such-target``) such a template cannot hold the texts.
    """
    first, last = (text.replace("{", '{{ "{" }}') for text in (before, after))
    whole = f"{first}{{{{ .Prompt }}}}{last}"
    # A quote beside the three that enclose it would end it one sign early.
    if '"""' in whole or whole.startswith('"') or whole.endswith('"'):
        raise InvalidInputError(
            "no-such-target",
            "a Modelfile cannot hold the quotes in its prompt",
            hint="use --to vllm, or train it with another [prompt] template",
        )
    return whole
