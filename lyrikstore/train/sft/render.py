"""Rendering of chat templates in a process with limits, which starts and ends with a run.

A chat template is a program by the publisher of the model. It runs in Jinja's immutable sandbox,
in a process without an environment, with little memory and time (spec §13.12.3).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lyrikstore.objects.parallel.tasks import Message, Stream, receive, send

TARGET: Final = "lyrikstore.train.sft.render:talk"
MAX_TEMPLATE_BYTES: Final = 1 << 16


def talk(stream: Stream) -> None:
    """Render conversations until the stream ends; the main function of the process.

    The first message has ``template``, ``bos`` and ``eos``; every other one ``conversations``. The
    answer has ``rendered``, for each conversation the prompt and the whole text; or ``problem``.
    """
    first = receive(stream)
    if first is None:
        return
    try:
        template = _compiled(first.header["template"])
    except Exception as error:  # noqa: BLE001 - a template can raise any exception
        template, problem = None, _words(error)
    while (request := receive(stream)) is not None:
        if template is None:
            send(stream, Message({"problem": problem}))
            continue
        try:
            found = [
                _render(template, first.header, one) for one in request.header["conversations"]
            ]
        except Exception as error:  # noqa: BLE001 - as above
            send(stream, Message({"problem": _words(error)}))
        else:
            send(stream, Message({"rendered": found}))


def _compiled(source: str) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], undefined=StrictUndefined
    )
    environment.globals["raise_exception"] = _raise
    return environment.from_string(source)


def _raise(message: object) -> None:
    raise ValueError(f"its message: {message}")


def _render(
    template: Any, about: Mapping[str, Any], messages: Sequence[Mapping[str, str]]
) -> tuple[str, str]:
    known = {
        "bos_token": about["bos"],
        "eos_token": about["eos"],
        "tools": None,
        "documents": None,
    }
    prompt = template.render(messages=list(messages[:-1]), add_generation_prompt=True, **known)
    whole = template.render(messages=list(messages), add_generation_prompt=False, **known)
    return prompt, whole


def _words(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return text.encode("utf-8", "replace").decode()
