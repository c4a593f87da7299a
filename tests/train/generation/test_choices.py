"""Answers that are one of a few: tokens, grammar, figures, and what serves such a model."""

import json
from types import SimpleNamespace

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.train.formats.adapter import ADAPTER_CONFIG
from lyrikstore.train.formats.decoder import DECODER_FIXED, FORMAT, PROMPT, check_decoder_settings
from lyrikstore.train.worker.targets.gguf import FAMILIES
from lyrikstore.train.worker.targets.registry import TARGETS, TextModel
from lyrikstore.train.worker.targets.vllm import vllm_rank
from lyrikstore.verify.evaluation.generation.texts import count_outside, judge_text
from tests.writers import CHOICES, SHAPE

pytestmark = pytest.mark.train

END = 9


class Text:
    """A tokenizer for which every character is a token."""

    stops = (END, 10)

    def answers(self, completions):
        return [[100 + ord(sign) for sign in one] + [END] for one in completions]


def within(*choices, most=1 << 20):
    from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices

    return AnswerChoices(Text(), [(one, one) for one in choices], most=most)


def test_after_each_beginning_come_the_tokens_of_a_choice_and_the_end_after_a_whole_one():
    found = within("a", "ab", "c")
    assert found.following([]) == [197, 199]
    assert sorted(found.following([197])) == [END, 198]
    assert found.following([197, 198]) == [END]
    assert found.following([197, 198, END]) == [END]
    assert found.following([5]) == [END]
    assert found.name([197, END]) == "a"
    with pytest.raises(InvalidInputError) as refused:
        found.name([5, END])
    assert refused.value.kind == "bad-checkpoint"


def test_no_choices_hold_nobody():
    found = within()
    assert not found
    assert found.generation_arguments(3) == {}


@pytest.mark.parametrize(
    ("choices", "most"), [(("", "a"), 99), (("a" * 65, "a"), 99), (("abc", "a"), 3)]
)
def test_what_has_no_tokens_or_too_many_is_no_choice(choices, most):
    with pytest.raises(InvalidInputError) as refused:
        within(*choices, most=most)
    assert refused.value.kind == "bad-choices"


def test_no_choice_is_cut_to_what_its_prompt_leaves():
    tokenizers = pytest.importorskip("tokenizers")
    from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer

    words = tokenizers.models.WordLevel({"yes": 0, "please": 1, "?": 2}, unk_token="?")
    made = tokenizers.Tokenizer(words)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    settings = {"vocab_size": 10, "eos_token_id": END}
    staged = {"base/tokenizer.json": made.to_str(), "base/config.json": json.dumps(settings)}
    files = SimpleNamespace(read=lambda name: staged[name].encode())
    text = ConversationTokenizer(files, chat=False)
    rows = [{"id": Digest.of(b"1").hex, "prompt": "? ?", "completion": "yes please"}]
    for most, kept in ((5, [0, 1, END]), (4, [0, 1]), (3, [0])):
        (record,) = text.tokenize(rows, most=most, answer_tokens=8)
        assert (record.completion, record.cut) == (kept, most < 5)
        if not record.cut:
            assert text.tokenize(rows, most=most, answer_tokens=8, whole=True) == [record]
            continue
        with pytest.raises(InvalidInputError) as refused:
            text.tokenize(rows, most=most, answer_tokens=8, whole=True)
        assert refused.value.kind == "prompt-too-long"


def test_two_choices_are_not_the_same_tokens():
    from lyrikstore.train.worker.generation.constrained_choices import AnswerChoices

    with pytest.raises(InvalidInputError) as refused:
        AnswerChoices(Text(), [("A", "a"), ("a", "a")])
    assert refused.value.kind == "bad-choices"


@pytest.mark.parametrize(
    "hostile",
    [
        *CHOICES,
        'x" | "y',
        "x\\",
        "]",
        "x\nroot ::= [a-z]*",
        "x\r| <[1]>",
        "x\u2028root ::= .*",
        "x\u0085y",
        "#",
        "<[7]>",
        ")",
    ],
)
def test_no_choice_changes_the_grammar(hostile):
    lines = within("plain", hostile).grammar().splitlines()
    rules = [line.partition("#")[0].strip() for line in lines]
    tokens = [" ".join(f"<[{100 + ord(sign)}]>" for sign in one) for one in ("plain", hostile)]
    assert [one for one in rules if one] == ["root ::= (", tokens[0], f"| {tokens[1]}", ")"]
    assert json.loads(lines[-2].partition("# ")[2]) == hostile


def test_right_is_what_is_the_choice_itself():
    asked = {"identifier": 0, "tokens": 2, "ended": True, "choices": ("+", "-", "Yes")}
    assert judge_text("+", "+", **asked).exact
    assert not judge_text("+", "-", **asked).exact  # neither has a word
    assert not judge_text("Yes", "yes", **asked).exact
    assert judge_text("Yes", "yes", identifier=0, tokens=2, ended=True).exact
    assert count_outside(["+", "yes", "Yes"], ("+", "-", "Yes")) == 1


def prompt_file(**change):
    about = {"answerTokens": 8, "format": FORMAT, "maxTokens": 64, "precision": "fp32"}
    about |= {"quantization": "", "system": "", "task": "sft", "template": ""}
    return json.dumps(about | change).encode()


@pytest.mark.parametrize(
    ("written", "signed"),
    [
        ({"choices": ["yes", "no"]}, {}),
        ({}, {"choices": ["yes", "no"]}),
        ({"choices": ["yes"]}, {"choices": ["yes", "no"]}),
        ({"choices": ["no", "yes"]}, {"choices": ["yes", "no"]}),
        ({"choices": "yes"}, {"choices": ["y", "e", "s"]}),
        ({"choices": None}, {}),
    ],
)
def test_no_checkpoint_is_loaded_whose_choices_are_not_those_that_were_signed(written, signed):
    base, settings = Digest.of(b"base"), {**SHAPE, "model_type": "llama"}
    adapter = {**DECODER_FIXED, "base_model_name_or_path": str(base), "lora_alpha": 8}
    adapter |= {"lora_dropout": 0.0, "peft_version": "0.21.2", "r": 4, "target_modules": ["q_proj"]}
    body = {"format": FORMAT, "task": "sft", "text": {"maxTokens": 64}}

    def check(written, signed):
        files = {ADAPTER_CONFIG: json.dumps(adapter).encode(), PROMPT: prompt_file(**written)}
        check_decoder_settings(files, {**body, "prompt": signed}, base, settings)

    check(signed, signed)
    with pytest.raises(FormatError) as refused:
        check(written, signed)
    assert refused.value.kind == "bad-checkpoint"


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True, "trim_offsets": True}


def served(target, settings=(), tokenizer=(), *, adapter=(("r", 8),), quantization=""):
    described = {"model": {"type": "BPE"}, "pre_tokenizer": BYTES, **dict(tokenizer)}
    model = TextModel(
        name="writer",
        settings={"model_type": "llama", **dict(settings)},
        tokenizer=json.dumps(described).encode(),
        adapter=dict(adapter),
        quantization=quantization,
    )
    TARGETS[target].part.check(model)


@pytest.mark.parametrize(
    "adapter",
    [
        {"r": 513},
        {"r": 8, "use_dora": True},
        {"r": 8, "modules_to_save": ["lm_head"]},
        {"r": 8, "bias": "all"},
    ],
)
def test_vllm_does_not_serve_every_adapter(adapter):
    with pytest.raises(InvalidInputError) as refused:
        served("vllm", adapter=adapter)
    assert refused.value.kind == "no-such-target"
    served("gguf", adapter=adapter, quantization="nf4")


@pytest.mark.parametrize(
    ("settings", "tokenizer"),
    [
        ({"model_type": "gemma"}, {}),
        ({"rope_parameters": {"rope_type": "llama3"}}, {}),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, {}),
        ({}, {"model": {"type": "WordLevel"}}),
        ({}, {"normalizer": {"type": "Lowercase"}}),
        ({}, {"pre_tokenizer": {"type": "Whitespace"}}),
        ({}, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTES, BYTES]}}),
        ({}, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTES, 7]}}),
        ({}, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": 7}}),
        ({}, {"pre_tokenizer": None}),
        ({}, {"pre_tokenizer": [BYTES]}),
    ],
)
def test_a_base_that_is_not_written_as_gguf_is_served_by_vllm(settings, tokenizer):
    with pytest.raises(InvalidInputError) as refused:
        served("gguf", settings, tokenizer)
    assert refused.value.kind == "no-such-target"
    served("vllm", settings, tokenizer)


@pytest.mark.parametrize(("rank", "least"), [(1, 8), (8, 8), (9, 16), (257, 320), (512, 512)])
def test_vllm_gets_the_least_rank_that_it_takes(rank, least):
    assert vllm_rank(rank) == least


def test_every_family_that_gguf_serves_is_written():
    from lyrikstore.train.worker.export import gguf_model

    assert set(gguf_model.ARCHITECTURES) == FAMILIES
