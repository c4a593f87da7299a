"""A tiny causal model with a tokenizer, and a program that fine-tunes it with TRL."""

from pathlib import Path

WORDS = ("<pad>", "<eos>", "<unk>", "alpha", "beta", "a", "b", "is", "it")

TRL = """
import json, pathlib, sys
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

folder, base, output, lora = sys.argv[1:5]
rows = [json.loads(line) for line in (pathlib.Path(folder) / "rows.jsonl").open()]
data = Dataset.from_list([{"prompt": r["text"], "completion": " " + r["label"]} for r in rows])
trainer = SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(base),
    args=SFTConfig(output_dir=output, max_steps=3, save_steps=2, use_cpu=True, report_to="none",
                   bf16=False, max_length=32, per_device_train_batch_size=4, logging_steps=1),
    train_dataset=data,
    processing_class=AutoTokenizer.from_pretrained(base),
    peft_config=LoraConfig(r=2, target_modules=["q_proj"]) if lora == "lora" else None,
)
trainer.train()
trainer.save_model()
"""


def write_llama(folder: Path) -> None:
    """Write a Llama of two layers with random weights, and a tokenizer of a few words."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words = Tokenizer(WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    ).save_pretrained(folder)
