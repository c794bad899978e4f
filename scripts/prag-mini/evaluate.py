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

import invented
import rules
import sources
from documents import Maker, category, comparisons, share_value
from prompts import answer_prompt, questions_prompt


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


def squad_items(data, count, rng):
    """Gold passage, gold with two distractors (other articles), and closed-book, for the same questions."""
    rows = rng.sample(sources.squad_dev(data), count)
    contexts = [(r["contexts"][0]["title"].replace("_", " "), r["contexts"][0]["text"]) for r in rows]
    items = {"squad_gold": [], "squad_three": [], "squad_closed": []}
    for row, gold in zip(rows, contexts):
        others = rng.sample([(t, " ".join(x.split()[:100])) for t, x in contexts if t != gold[0]], 2)
        three = [gold, *others]
        rng.shuffle(three)
        for name, passages in (("squad_gold", [gold]), ("squad_three", three), ("squad_closed", [])):
            items[name].append((passages, row["question"], row["answers"]))
    return items


def wiki_items(work, count, rng):
    """Rule-made questions on held-out articles: alone, with two similar articles, closed-book."""
    maker = Maker(None, rng)
    rows = []
    for article in sources.simplewiki(work, held_out=True):
        title, text = maker.passage(article)
        facts = rules.facts(title, text)
        if len(facts) >= 2 and "||" not in text:
            rows.append((title, text, category(text), facts))
    items = {"wiki_gold": [], "wiki_three": [], "wiki_closed": []}
    for title, text, kind, facts in rng.sample(rows, count):
        question, answer = maker.wording(rng.choice(facts))
        similar = [(t, x) for t, x, k, _ in rows if k == kind and t != title]
        three = [(title, text), *rng.sample(similar if len(similar) > 1 else [(t, x) for t, x, _, _ in rows], 2)]
        rng.shuffle(three)
        for name, passages in (("wiki_gold", [(title, text)]), ("wiki_three", three), ("wiki_closed", [])):
            items[name].append((passages, question, [answer]))
    return items, rows


def invented_items(count, rng):
    items = {"invented_gold": [], "invented_three": [], "invented_compare": []}
    for _ in range(count):
        kind = rng.choice(invented.KINDS)[0]
        entities = [invented.make(rng, kind, sentences=rng.randrange(5, 10)) for _ in range(3)]
        share_value(rng, entities[0], entities[1])
        passages = [(e.title, e.text) for e in entities]
        questions, answer = rng.choice(entities[0].facts)
        question = rng.choice(questions)
        three = rng.sample(passages, 3)
        items["invented_gold"].append((passages[:1], question, [answer]))
        items["invented_three"].append((three, question, [answer]))
        extra = comparisons(rng, entities[0], entities[1])
        if extra:
            question, answer = rng.choice(extra)
            items["invented_compare"].append((three, question, [answer]))
    return items


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="squad,wiki,invented", help="beginnings of the names of what to measure")
    parser.add_argument("--show", type=int, default=0, help="print this many examples of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reader = Reader(options.model)
    wiki, rows = wiki_items(options.work, options.count, random.Random(options.seed))
    groups = {**squad_items(options.data, options.count, random.Random(options.seed)), **wiki, **invented_items(options.count, random.Random(options.seed))}
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
    report["question_writing"], outputs = writing(reader, [(t, x) for t, x, _, _ in sample[: max(20, options.count // 4)]])
    for output in outputs[: options.show]:
        print("   ", output)
    print(json.dumps(report))
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
