"""Builds rounds of packed token rows from the training data and invented articles.

    python data.py --work WORK --rounds 0:6 --stage first
"""

import argparse
import itertools
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import invented
import rules
import sources
from documents import Maker, bridge, category, comparisons, in_situ, share_value

SHORT = 384
# Share of tokens by kind of document, for rows of SHORT tokens and for long rows, and the share of long rows.
STAGES = {
    "first": {"short": dict(wiki=44, invented=20, squad=16, closed=4, writing=6, article=6), "long": {}, "long_rows": 0.0, "length": 768, "in_situ": 0.1},
    "copy": {"short": dict(echo=14, turns=30, invented_short=20, wiki=16, squad=12, writing=8), "long": {}, "long_rows": 0.0, "length": 768, "in_situ": 0.8},
    "main": {"short": dict(wiki=24, invented=16, squad=24, closed=8, writing=11, rewriting=3, article=6),
             "long": dict(three_invented=30, three_wiki=28, three_squad=22, bridge=10, hotpot=10), "long_rows": 0.40, "length": 768, "in_situ": 0.12},
    "last": {"short": dict(wiki=20, invented=22, squad=26, closed=6, writing=12, rewriting=2, turns=10),
             "long": dict(three_invented=28, three_wiki=24, three_squad=28, bridge=10, hotpot=10), "long_rows": 0.40, "length": 1024, "in_situ": 0.12},
    "three": {"short": dict(wiki=16, invented=12, squad=36, closed=6, writing=18, turns=8, rewriting=4),
              "long": dict(three_invented=34, three_wiki=26, three_squad=30, bridge=6, hotpot=4), "long_rows": 0.55, "length": 768, "in_situ": 0.12},
}


class Builder(Maker):
    """Draws documents of each kind; sources are endless, shuffled by the seed."""

    def __init__(self, tokenizer, rng, options):
        super().__init__(tokenizer, rng)
        self.stage = options.stage
        self.length = STAGES[options.stage]["length"]
        self.squad = self.endless(sources.squad_train(options.data))
        self.open = self.endless([(fix(r["question"]), min(r["answers"], key=len)) for r in sources.open_qa(options.data)])
        self.hotpots = self.endless(sources.hotpot(options.data))
        articles = [a for a in sources.simplewiki(options.work) if int(a["id"]) % options.parts == options.part]
        rng.shuffle(articles)
        self.groups = {}
        for article in articles:
            self.groups.setdefault(category(article["text"]), []).append(article)
        self.articles = self.endless(articles)
        self.squad_by_title = {}
        for row in sources.squad_train(options.data):
            self.squad_by_title.setdefault(row["title"], []).append(row)

    def endless(self, rows):
        while True:
            rows = list(rows)
            self.rng.shuffle(rows)
            yield from rows

    def wiki_passage(self, article=None, **size):
        """(title, text, facts) of an article that has at least two facts."""
        while True:
            title, text = self.passage(article or next(self.articles), **size)
            facts = rules.facts(title, text)
            if len(facts) >= 2 and "||" not in text or article:
                return title, text, facts

    def pairs(self, facts, count, text):
        """Up to `count` pairs: every fact once, then again in other wordings; some break off the passage's own sentence."""
        facts = self.rng.sample(facts, len(facts))
        out = [self.wording(f) for f in facts]
        share = STAGES[self.stage]["in_situ"]
        broken = [(in_situ(text, answer, self.rng), answer) for _, answer in facts if self.rng.random() < share]
        out = self.rng.sample([*out, *(p for p in broken if p[0])], len(out) + sum(bool(p[0]) for p in broken))
        while len(out) < count and len(out) < 2 * len(facts):
            out.append(self.wording(self.rng.choice(facts)))
        return list(dict.fromkeys(out))[:count]

    def wiki(self):
        title, text, facts = self.wiki_passage()
        return self.answer_document([(title, text)], self.pairs(facts, 8, text), SHORT)

    def invented_short(self):
        return self.invented(sentences=self.rng.randrange(1, 4))

    def invented(self, sentences=None):
        entity = invented.make(self.rng, sentences=sentences)
        return self.answer_document([(entity.title, entity.text)], self.pairs(entity.facts, 10, entity.text), SHORT, 0.3)

    def squad_row(self, row):
        return self.rng.sample(row["pairs"], min(9, len(row["pairs"])))

    def squad_single(self):
        row = next(self.squad)
        return self.answer_document([(row["title"], row["context"])], self.squad_row(row), SHORT)

    def closed_book(self, limit=SHORT):
        """Questions without passages, as many as fit; each fact in two wordings."""
        if self.rng.random() < 0.3:
            return self.closed([next(self.open) for _ in range(limit // 36)], limit)
        pairs = []
        while len(pairs) < limit // 27:
            _, _, facts = self.wiki_passage()
            for questions, answer in self.rng.sample(facts, min(len(facts), 3)):
                pairs += [(q, answer) for q in self.rng.sample(questions, min(2, len(questions)))]
        return self.closed(pairs, limit)

    def write_questions(self):
        draw = self.rng.random()
        if draw < 0.4:
            title, text, facts = self.wiki_passage()
            pairs = [self.wording(f) for f in facts]
        elif draw < 0.7:
            entity = invented.make(self.rng)
            title, text, pairs = entity.title, entity.text, [self.wording(f) for f in entity.facts]
        else:
            row = next(self.squad)
            title, text, pairs = row["title"], row["context"], row["pairs"]
        self.rng.shuffle(pairs)
        count = min(self.rng.randrange(2, 6), len(pairs))
        return self.writing(title, text, pairs[:count], SHORT) if count >= 2 else None

    def three_invented(self):
        kind = self.rng.choice(invented.KINDS + [invented.KINDS[-1]] * 4)[0]
        count = self.rng.choice([2, 3, 3, 3, 3])
        entities = [invented.make(self.rng, kind if self.rng.random() < 0.75 else None, sentences=self.rng.randrange(4, 11 if self.length <= 768 else 15)) for _ in range(count)]
        share_value(self.rng, entities[0], entities[1])
        extra = comparisons(self.rng, entities[0], entities[1])
        pairs = [self.wording(f) for e in entities for f in e.facts]
        pairs = self.rng.sample(pairs, min(len(pairs), 10)) + self.rng.sample(extra, min(2, len(extra)))
        self.rng.shuffle(entities)
        self.rng.shuffle(pairs)
        return self.answer_document([(e.title, e.text) for e in entities], pairs, self.length, 0.3)

    def bridging(self):
        thing, maker, pairs = bridge(self.rng)
        passages = [thing, maker] + ([invented.make(self.rng, self.rng.choice([thing.kind, "person"]))] if self.rng.random() < 0.7 else [])
        single = [self.wording(f) for e in passages for f in e.facts]
        pairs = self.rng.sample(pairs, min(5, len(pairs))) + self.rng.sample(single, 3)
        self.rng.shuffle(passages)
        return self.answer_document([(e.title, e.text) for e in passages], pairs, self.length, 0.3)

    def three_wiki(self):
        article = next(self.articles)
        group = self.groups[category(article["text"])]
        others = self.rng.sample(group, min(2, len(group))) if self.rng.random() < 0.75 else []
        while len(others) < 2:
            others.append(next(self.articles))
        size = {"low": 75, "high": 130} if self.length > 768 else {}
        rows = [self.wiki_passage(a, **size) for a in [article, *others]]
        if len({t for t, _, _ in rows}) < 3:
            return None
        pairs = [self.wording(f) for _, _, facts in rows for f in facts]
        self.rng.shuffle(pairs)
        self.rng.shuffle(rows)
        return self.answer_document([(t, x) for t, x, _ in rows], pairs[:11], self.length) if len(pairs) > 2 else None

    def three_squad(self):
        row = next(self.squad)
        same = self.squad_by_title[row["title"]]
        others = self.rng.sample(same, 2) if self.rng.random() < 0.6 else [next(self.squad), next(self.squad)]
        rows = [row, *(o for o in others if o is not row)]
        pairs = self.squad_row(row)
        rows = [(r["title"], self.cut(r, pairs if r is row else [])) for r in rows]
        self.rng.shuffle(rows)
        return self.answer_document(rows, pairs, self.length, 0.5)

    def cut(self, row, pairs):
        """Distractors are cut to 40-110 words; the gold paragraph stays whole unless very long."""
        words = row["context"].split()
        return " ".join(words[: 170 if pairs else self.rng.randrange(40, 110 if self.length <= 768 else 150)])

    def hotpot(self):
        row = next(self.hotpots)
        gold = [c for c in row["contexts"] if c["supporting"]]
        rest = [c for c in row["contexts"] if not c["supporting"]]
        passages = gold + self.rng.sample(rest, min(len(rest), 1))
        self.rng.shuffle(passages)
        texts = [(c["title"], " ".join(c["text"].split()[:150])) for c in passages]
        return self.answer_document(texts, [(row["question"], row["answers"][0])], self.length)

    def make(self, kind):
        if kind == "article":
            article = next(self.articles)
            return self.article(article["title"], article["text"][:1400], SHORT)
        if kind in ("echo", "turns"):
            return getattr(super(), kind)(SHORT)
        if kind == "rewriting":
            return self.rewriting(invented.make(self.rng), SHORT)
        return {"squad": self.squad_single, "closed": self.closed_book, "writing": self.write_questions, "bridge": self.bridging}.get(kind, getattr(self, kind, None))()


def fix(question: str) -> str:
    """Open questions are written without capital and question mark; half of them get both."""
    return question if question.endswith("?") or hash_half(question) else question[0].upper() + question[1:] + "?"


def hash_half(text: str) -> bool:
    return sum(text.encode()) % 2 == 0


def pack(builder, shares, length, rows, counts):
    """Rows of `length` tokens: the kind furthest below its share comes next; first-fit into open rows."""
    done, open_rows = [], []
    total = dict.fromkeys(shares, 1e-6)
    while len(done) < rows:
        kind = min(shares, key=lambda k: total[k] / shares[k])
        document = builder.make(kind)
        total[kind] += 5  # a kind that fails again and again does not stop the others
        if document is None:
            continue
        total[kind] += len(document.ids)
        counts[kind] = counts.get(kind, 0) + len(document.ids)
        size = len(document.ids)
        row = next((r for r in open_rows if r[0] + size <= length), None)
        if row is None:
            row = [0, []]
            open_rows.append(row)
        row[0] += size
        row[1].append(document.arrays())
        if row[0] > length - 24 or len(open_rows) > 24:
            full = max(open_rows, key=lambda r: r[0])
            open_rows.remove(full)
            if length - full[0] > 64 and (filler := builder.closed_book(length - full[0])):
                counts["filler"] = counts.get("filler", 0) + len(filler.ids)
                full[1].append(filler.arrays())
            done.append(full[1])
    out = {name: np.zeros((rows, length), dtype) for name, dtype in
           (("ids", np.uint16), ("positions", np.uint16), ("documents", np.int16), ("branches", np.int16), ("targets", np.uint16), ("weights", np.float16))}
    out["documents"] -= 1
    out["ids"] += 5  # <pad>
    for r, documents in enumerate(done):
        at = 0
        for d, (ids, positions, branches, targets, weights) in enumerate(documents):
            end = at + len(ids)
            for name, value in zip(out, (ids, positions, d, branches, targets, weights)):
                out[name][r, at:end] = value
            at = end
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=sources.DEFAULT_DATA)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", default="0:6", help="first:end")
    parser.add_argument("--stage", choices=STAGES, default="main")
    parser.add_argument("--tokens", type=int, default=500_000, help="slots a round")
    parser.add_argument("--part", type=int, default=0, help="which of the parts of the articles")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--extract", action="store_true", help="only unpack the articles")
    options = parser.parse_args()
    sources.extract_simplewiki(options.data, options.work)
    if options.extract:
        return
    first, end = map(int, options.rounds.split(":"))
    builder = Builder(Tokenizer.from_file(str(options.work / "tokenizer.json")), random.Random(f"{options.seed}-{first}"), options)
    stage = STAGES[options.stage]
    (options.work / "rounds").mkdir(exist_ok=True)
    for number in range(first, end):
        counts: dict[str, int] = {}
        long_rows = int(options.tokens * stage["long_rows"] / stage["length"])
        short_rows = (options.tokens - long_rows * stage["length"]) // SHORT
        groups = {"short": pack(builder, stage["short"], SHORT, short_rows, counts)}
        if long_rows:
            groups["long"] = pack(builder, stage["long"], stage["length"], long_rows, counts)
        path = options.work / "rounds" / f"{number:03d}.npz"
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, **{f"{g}_{n}": a for g, arrays in groups.items() for n, a in arrays.items()})
        temporary.rename(path)
        fill = {g: round(float((a["documents"] >= 0).mean()), 3) for g, a in groups.items()}
        print(path.name, "fill", fill, counts, flush=True)


if __name__ == "__main__":
    main()
