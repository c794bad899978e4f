"""Measures an exported folder: perplexity, reading with one and with three passages, closed-book, question writing.

    python evaluate.py --model FOLDER --work WORK --out REPORT.json
"""

import argparse
import json
import math
import random
import re
import string
import time
from collections import Counter
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import rules
import sources
from eval_sets import invented_items, squad_items, wiki_items, world_items
from prompts import REASON, answer_prompt, answer_start, clues_question, memory, questions_prompt, rewrite_prompt


def normalize(text: str) -> list[str]:
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def score(prediction: str, answers) -> tuple[float, float]:
    """(exact match, F1) against the best of the answers, as in SQuAD."""
    exact = best = 0.0
    for answer in answers:
        p, a = normalize(prediction), normalize(answer)
        common = sum((Counter(p) & Counter(a)).values())
        exact = max(exact, float(p == a))
        best = max(best, 2 * common / (len(p) + len(a)) if common else float(p == a))
    return exact, best


class Reader:
    def __init__(self, folder: Path):
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def generate(self, prompts, limit, size=16):
        """Greedy continuations, in order; prompts of similar length share a batch."""
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        out = [""] * len(prompts)
        for start in range(0, len(order), size):
            part = order[start : start + size]
            batch = self.tokenizer([prompts[i] for i in part], add_special_tokens=False, padding=True, return_tensors="pt")
            ids = self.model.generate(input_ids=batch.input_ids, attention_mask=batch.attention_mask, max_new_tokens=limit, do_sample=False)
            for i, row in zip(part, ids):
                text = self.tokenizer.decode(row[batch.input_ids.shape[1] :])
                out[i] = text.split("<|end|>")[0].strip()
        return out

    def answers(self, items):
        """items: (passages, question, answers) → (EM, F1) in percent, and the predictions."""
        predictions = [p.rstrip(".").strip() for p in self.generate([answer_prompt(p, q) for p, q, _ in items], 24)]
        scores = [score(p, a) for p, (_, _, a) in zip(predictions, items)]
        mean = [round(100 * sum(s) / len(s), 1) for s in zip(*scores)]
        return {"exact": mean[0], "f1": mean[1], "questions": len(items)}, predictions

    @torch.no_grad()
    def perplexity(self, texts, limit=384):
        nll = tokens = size = 0
        for text in texts:
            ids = self.tokenizer("<s>" + text, add_special_tokens=False, return_tensors="pt").input_ids[:, :limit]
            nll += self.model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
            tokens += ids.shape[1] - 1
            size += len(self.tokenizer.decode(ids[0, 1:]).encode())
        return {"perplexity": round(math.exp(nll / tokens), 2), "bits_per_byte": round(nll / size / math.log(2), 3), "tokens": tokens}


def writing(reader, passages):
    """Share of outputs that parse as a list of pairs, have the asked count, and whose answers stand in the passage."""
    outputs = reader.generate([questions_prompt(t, x, 3) for t, x in passages], 160)
    parsed = counted = pairs = inside = 0
    for (_, text), output in zip(passages, outputs):
        try:
            rows = json.loads(output)
            assert isinstance(rows, list) and all(set(r) == {"question", "answer"} for r in rows)
        except (ValueError, AssertionError, TypeError):
            continue
        parsed += 1
        counted += len(rows) == 3
        pairs += len(rows)
        inside += sum(str(r["answer"]) in text for r in rows)
    n = len(passages)
    return {"parses": round(100 * parsed / n, 1), "count_right": round(100 * counted / n, 1), "answer_in_passage": round(100 * inside / max(1, pairs), 1), "passages": n}, outputs


def facts_of(text: str) -> set[str]:
    """Names (not at the beginning of a sentence) and numbers of a text."""
    inner = re.sub(r"(?:^|(?<=[.!?] ))\w+", "", text)
    return set(re.findall(r"\b[A-Z]\w+|\d[\d,.]*\d|\d", inner))


def rewriting(reader, passages):
    """How many of the names and numbers stay, how many rewrites keep them all, and how much of the wording (three words in a row) is the same."""
    outputs = reader.generate([rewrite_prompt(t, x) for t, x in passages], 200)
    kept, whole, same = [], 0, []
    for (_, text), output in zip(passages, outputs):
        wanted = facts_of(text)
        found = sum(f in output for f in wanted)
        kept.append(found / len(wanted) if wanted else 1.0)
        whole += found == len(wanted)
        grams = [set(zip(w, w[1:], w[2:])) for w in (normalize(text), normalize(output))]
        same.append(len(grams[0] & grams[1]) / max(1, len(grams[1])))
    n = len(passages)
    return {"facts_kept": round(100 * sum(kept) / n, 1), "all_kept": round(100 * whole / n, 1), "wording_same": round(100 * sum(same) / n, 1), "passages": n}, outputs


def reasoning(reader, items):
    """Step-by-step answers: how many end as asked, EM and F1 of what follows "So the answer is"."""
    prompts = [f"<s><|user|>{answer_start(p, REASON)}\n\nQuestion: {q}<|end|><|assistant|>" for p, q, _ in items]
    outputs = reader.generate(prompts, 80)
    ended = [o.split("So the answer is")[-1].strip(" .") if "So the answer is" in o else "" for o in outputs]
    scores = [score(e, a) for e, (_, _, a) in zip(ended, items)]
    n = len(items)
    return {"ends_with_answer": round(100 * sum(map(bool, ended)) / n, 1), "exact": round(100 * sum(e for e, _ in scores) / n, 1), "f1": round(100 * sum(f for _, f in scores) / n, 1), "questions": n}, outputs


def clues(reader, rows):
    """With the passage in the prompt: how much of the line that holds the answer is written; without: how often the subject is named."""
    items = [(t, x, facts[0][0][0], facts[0][1]) for t, x, _, facts in rows]
    shown = reader.generate([f"<s><|user|>{memory(t, x)}\n\n{clues_question(q)}<|end|><|assistant|>" for t, x, q, _ in items], 80)
    bare = reader.generate([f"<s><|user|>{clues_question(q)}<|end|><|assistant|>" for _, _, q, _ in items], 60)
    recalled = []
    for (_, text, _, answer), output in zip(items, shown):
        line = set(normalize(next(s for s in rules.sentences(text) if answer in s)))
        recalled.append(len(line & set(normalize(output))) / max(1, len(line)))
    named = sum(re.sub(r" \([^)]*\)$", "", t) in o for (t, *_), o in zip(items, bare))
    n = len(items)
    return {"line_recalled": round(100 * sum(recalled) / n, 1), "subject_named_without": round(100 * named / n, 1), "questions": n}, shown


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="squad,wiki,invented,worlds,hops,question,rewriting,reasoning,clues", help="beginnings of the names of what to measure")
    parser.add_argument("--show", type=int, default=0, help="print this many examples of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reader = Reader(options.model)
    wiki, rows = wiki_items(options.work, options.count, random.Random(options.seed))
    hops, steps = world_items(options.count, random.Random(options.seed))
    groups = {**squad_items(options.data, options.count, random.Random(options.seed)), **wiki, **invented_items(options.count, random.Random(options.seed)), **hops}
    report = {"clock": time.strftime("%H:%M", time.gmtime())}
    sample = random.Random(options.seed).sample(rows, min(len(rows), 200))
    report["held_out_simple_wikipedia"] = reader.perplexity([f"{t}\n{x}" for t, x, _, _ in sample])
    for name, items in groups.items():
        if not name.startswith(tuple(options.only.split(","))):
            continue
        report[name], predictions = reader.answers(items)
        print(name, report[name], flush=True)
        for (_, question, answers), prediction in list(zip(items, predictions))[: options.show]:
            print("   ", question, "|", answers[0], "|", prediction)
    few = max(20, options.count // 4)
    written = [(t, x) for t, x, _, _ in sample[:few]]
    with_line = [r for r in sample if any(r[3][0][1] in s for s in rules.sentences(r[1]))]
    for name, measure in {
        "question_writing": lambda: writing(reader, written), "rewriting_wikipedia": lambda: rewriting(reader, written),
        "rewriting_invented": lambda: rewriting(reader, [p[0] for p, _, _ in groups["invented_gold"][:few]]),
        "reasoning": lambda: reasoning(reader, steps), "clues": lambda: clues(reader, with_line[:few]),
    }.items():
        if name.startswith(tuple(options.only.split(","))):
            report[name], outputs = measure()
            print(name, report[name], flush=True)
            for output in outputs[: options.show]:
                print("   ", output)
    print(json.dumps(report))
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
