"""Writes a checkpoint as a Hugging Face folder (bf16), and checks that transformers computes the same logits.

    python export.py --work WORK --out FOLDER
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import Llama, Shape
from prompts import SPECIALS, TEMPLATE, answer_prompt
from train import attention_mask


def config(shape: Shape) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": shape.vocab, "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "head_dim": shape.hidden // shape.heads, "hidden_act": "silu",
        "max_position_embeddings": shape.positions, "rope_theta": shape.theta, "rms_norm_eps": shape.eps, "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0, "initializer_range": 0.02, "torch_dtype": "bfloat16",
        "use_cache": True, "bos_token_id": SPECIALS.index("<s>"), "eos_token_id": SPECIALS.index("<|end|>"), "pad_token_id": SPECIALS.index("<pad>"),
    }


def write_json(path: Path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def export(work: Path, out: Path) -> Shape:
    """Writes the folder; a temporary name first, so that readers never see half of it."""
    state = torch.load(work / "checkpoint.pt")
    shape = Shape(**json.loads(state["shape"]))
    temporary = out.with_name(out.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    weights = {f"model.{name}": w.to(torch.bfloat16).contiguous() for name, w in state["optimizer"]["master"].items()}
    save_file(weights, temporary / "model.safetensors", metadata={"format": "pt"})
    write_json(temporary / "config.json", config(shape))
    ids = {f"{name}_token_id": config(shape)[f"{name}_token_id"] for name in ("bos", "eos", "pad")}
    write_json(temporary / "generation_config.json", {**ids, "do_sample": False, "max_new_tokens": 64})
    write_json(temporary / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>",
        "additional_special_tokens": ["<|user|>", "<|assistant|>", "<|system|>"], "add_bos_token": False, "clean_up_tokenization_spaces": False,
        "model_max_length": shape.positions, "chat_template": TEMPLATE})
    shutil.copy(work / "tokenizer.json", temporary / "tokenizer.json")
    (temporary / "model.safetensors").chmod(0o644)
    for extra in out.glob("*") if out.exists() else []:  # the card and reports stay
        if not (temporary / extra.name).exists():
            shutil.copy(extra, temporary / extra.name)
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
    print(json.dumps(state["place"]))
    return shape


def check(out: Path, shape: Shape):
    """Largest difference of fp32 logits, and the chat template against the training text."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(out)
    theirs = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    ours = Llama(shape)
    ours.load_state_dict({n.removeprefix("model."): w for n, w in theirs.state_dict().items() if not n.startswith("lm_head")})
    prompt = answer_prompt([("Ondrel", "Ondrel is a town on the Vask.\nIt has 1,204 people.")], "How many people live in Ondrel?")
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    positions = torch.arange(ids.shape[1])[None]
    with torch.no_grad():
        mask = attention_mask(torch.zeros_like(ids), torch.zeros_like(ids)).float()
        difference = (ours.logits(ours(ids, positions, mask)) - theirs(ids).logits).abs().max().item()
    user = prompt.removeprefix("<s><|user|>").split("<|end|>")[0]
    chat = tokenizer.apply_chat_template([{"role": "user", "content": user}], tokenize=False, add_generation_prompt=True)
    assert chat + "The answer is" == prompt, (chat, prompt)
    assert tokenizer.decode(ids[0]) == prompt, tokenizer.decode(ids[0])
    assert difference < 1e-3, difference
    size = sum(f.stat().st_size for f in out.iterdir()) / 1e6
    print(f"logits differ by at most {difference:.1e}; parameters {sum(p.numel() for p in ours.parameters()):,}; folder {size:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    check(options.out, export(options.work, options.out))


if __name__ == "__main__":
    main()
