"""Finds Simple English Wikipedia passages for the open questions of the training data: natural questions with lookalike passages.

    python distant.py --work WORK

Writes WORK/distant.jsonl: {question, answer, gold: [title, text], others: [[title, text], ...]}. A passage counts as gold when it holds the
answer and most of what is rare in the question; the others are what BM25 finds next to it that holds no answer.
"""

import argparse
import json
import math
import re
from array import array
from collections import defaultdict
from pathlib import Path

import numpy as np

import rules
import sources

WORDS = 100
COMMON = 12_000
COVERED = 0.55


def tokens(text: str):
    return re.findall(r"\w+", text.lower())


def passages(work: Path):
    """(title, text): the first two passages of about WORDS words of every article."""
    for article in sources.simplewiki(work):
        parts, words, made = [], 0, 0
        for sentence in rules.sentences(re.sub(r"\s*\n\s*", " ", article["text"][:2500])):
            parts.append(sentence)
            words += len(sentence.split())
            if words >= WORDS * 0.7:
                yield article["title"], " ".join(" ".join(parts).split()[: WORDS + 30])
                parts, words, made = [], 0, made + 1
                if made == 2:
                    break
        if parts and made < 2 and (made == 0 or words > 30):
            yield article["title"], " ".join(" ".join(parts).split()[: WORDS + 30])


class Index:
    """BM25 over (title, text) with only the words that the questions have."""

    def __init__(self, texts, wanted: set[str]):
        self.texts, lengths = [], array("f")
        postings, counts = defaultdict(lambda: array("I")), defaultdict(lambda: array("f"))
        for title, text in texts:
            number, found = len(self.texts), tokens(title + " " + title + " " + text)
            self.texts.append((title, text))
            lengths.append(len(found))
            seen: dict[str, int] = {}
            for word in found:
                if word in wanted:
                    seen[word] = seen.get(word, 0) + 1
            for word, times in seen.items():
                postings[word].append(number)
                counts[word].append(times)
        length = np.frombuffer(lengths, dtype=np.float32)
        norm = 0.9 * (0.6 + 0.4 * length / length.mean())
        self.rarity, self.postings, self.impact = {}, {}, {}
        for word, numbers in postings.items():
            if len(numbers) < COMMON:
                ids, times = np.frombuffer(numbers, dtype=np.uint32), np.frombuffer(counts[word], dtype=np.float32)
                self.rarity[word] = math.log(1 + len(self.texts) / len(ids))
                self.postings[word], self.impact[word] = ids, self.rarity[word] * times / (times + norm[ids])

    def best(self, question: str, count=30):
        """Numbers of the best passages, best first, and the question's rare words."""
        scores, asked = np.zeros(len(self.texts), np.float32), [w for w in set(tokens(question)) if w in self.postings]
        for word in asked:
            scores[self.postings[word]] += self.impact[word]
        best = np.argpartition(-scores, count)[:count]
        return best[np.argsort(-scores[best])], asked

    def covered(self, number: int, asked) -> float:
        """How much of the question's rarity the passage holds."""
        present = set(tokens(" ".join(self.texts[number])))
        total = sum(self.rarity[w] for w in asked)
        return sum(self.rarity[w] for w in asked if w in present) / total if total else 0.0


def holds(answer: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    questions = [r for r in sources.open_qa(options.data) if r["answers"][0].lower() not in ("yes", "no")]
    index = Index(passages(options.work), {w for r in questions for w in tokens(r["question"])})
    found = 0
    with open(options.work / "distant.jsonl", "w") as file:
        for row in questions:
            best, asked = index.best(row["question"])
            answers = [a for a in row["answers"] if len(a) > 1 and a.lower() not in row["question"].lower()]
            with_answer = {n: next((a for a in answers if holds(a, index.texts[n][1])), None) for n in best.tolist()}
            gold = next((n for n in best[:10].tolist() if with_answer[n] and index.covered(n, asked) >= COVERED), None)
            if gold is None:
                continue
            others = [index.texts[n] for n in best.tolist() if not with_answer[n] and index.texts[n][0] != index.texts[gold][0]][:8]
            file.write(json.dumps({"question": row["question"], "answer": with_answer[gold], "gold": index.texts[gold], "others": others}, ensure_ascii=False) + "\n")
            found += 1
    print(f"{found} of {len(questions)} questions, {len(index.texts)} passages")


if __name__ == "__main__":
    main()
