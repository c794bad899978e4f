"""Draws training documents of every kind from the sources and from invented worlds."""

import json

import invented
import rules
import sources
from documents import bridge, category, comparisons, in_situ, share_value
from tasks import TaskMaker

SHORT, FULL = 384, 2048


class Builder(TaskMaker):
    """Draws documents of each kind; sources are endless, shuffled by the seed."""

    def __init__(self, tokenizer, rng, options, stage):
        super().__init__(tokenizer, rng)
        self.stage, self.length = stage, stage["length"]
        self.squad = self.endless(sources.squad_train(options.data))
        self.open = self.endless([(fix(r["question"]), min(r["answers"], key=len)) for r in sources.open_qa(options.data)])
        self.distant = self.endless(map(json.loads, (options.work / "distant.jsonl").open(encoding="utf-8")))
        self.hotpots = self.endless(sources.hotpot(options.data))
        articles = [a for a in sources.simplewiki(options.work) if int(a["id"]) % options.parts == options.part]
        rng.shuffle(articles)
        self.groups, self.named = {}, {}
        for article in articles:
            self.groups.setdefault(category(article["text"]), []).append(article)
            for word in title_words(article["title"]):
                self.named.setdefault(word, []).append(article)
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
        share = self.stage["in_situ"]
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

    def open_question(self):
        """A question by people over the Wikipedia passage that answers it, among passages that BM25 takes for it."""
        row = next(self.distant)
        shown = [row["gold"], *self.rng.sample(row["others"], min(len(row["others"]), self.rng.choice([1, 2, 2, 2, 3, 4])))]
        shown = [(title, " ".join(text.split()[: self.rng.randrange(60, 130)]) if text != row["gold"][1] else text) for title, text in shown]
        facts = [self.wording(f) for title, text in shown for f in rules.facts(title, text)]
        self.rng.shuffle(shown)
        return self.answer_document(shown, [(fix(row["question"]), row["answer"]), *self.rng.sample(facts, min(6, len(facts)))], self.length)

    def near(self):
        """Two or three short passages of one world."""
        return self.world(self.rng.choice([1, 2, 2, 3, 3]), SHORT, size=5, sentences=(1, 4))

    def linked(self):
        """Up to five longer passages of one world."""
        return self.world(self.rng.choice([2, 3, 3, 3, 4, 5]), self.length, size=8)

    def many(self):
        """Four or five long passages, for rows of full length."""
        count, draw = self.rng.choice([4, 5]), self.rng.random()
        if draw < 0.4:
            return self.world(count, FULL, size=9, sentences=(8, 15))
        return self.three_wiki(count, FULL) if draw < 0.65 else self.three_squad(count, FULL)

    def comparing(self):
        """Comparisons and yes/no questions over two of three passages."""
        kind = self.rng.choice(invented.KINDS + [invented.KINDS[-1]] * 4)[0]
        entities = [invented.make(self.rng, kind) for _ in range(3)]
        share_value(self.rng, entities[0], entities[1])
        pairs = [p for a, b in ((0, 1), (0, 2), (1, 2)) for p in comparisons(self.rng, entities[a], entities[b])]
        agreeing = sum(a == "yes" for _, a in pairs)
        no = [p for p in pairs if p[1] == "no"]
        pairs = [p for p in pairs if p[1] != "no"] + self.rng.sample(no, min(len(no), agreeing + (self.rng.random() < 0.3)))
        self.rng.shuffle(entities)
        return self.answer_document([(e.title, e.text) for e in entities], self.rng.sample(pairs, min(8, len(pairs))), self.length, 0.1) if pairs else None

    def facts_of_any(self):
        """(title, text, pairs) of a Wikipedia passage, an invented article, or a SQuAD paragraph."""
        draw = self.rng.random()
        if draw < 0.45:
            title, text, facts = self.wiki_passage()
            return title, text, [self.wording(f) for f in facts]
        if draw < 0.75:
            entity = invented.make(self.rng)
            return entity.title, entity.text, [self.ask(entity, f) for f in entity.facts]
        row = next(self.squad)
        return row["title"], row["context"], row["pairs"]

    def listing(self):
        return self.lists(*self.facts_of_any(), SHORT)

    def clue(self):
        return self.clues(*self.facts_of_any(), SHORT)

    def part(self):
        return self.parts(SHORT)

    def again(self):
        if self.rng.random() < 0.5:
            return self.rewritten(invented.make(self.rng, sentences=self.rng.randrange(2, 8)), SHORT)
        return self.rewrite(*self.passage(next(self.articles)), SHORT)

    def bridging(self):
        thing, maker, pairs = bridge(self.rng)
        passages = [thing, maker] + ([invented.make(self.rng, self.rng.choice([thing.kind, "person"]))] if self.rng.random() < 0.7 else [])
        single = [self.wording(f) for e in passages for f in e.facts]
        pairs = self.rng.sample(pairs, min(5, len(pairs))) + self.rng.sample(single, 3)
        self.rng.shuffle(passages)
        return self.answer_document([(e.title, e.text) for e in passages], pairs, self.length, 0.3)

    def three_wiki(self, count=3, limit=None):
        """Articles of one category, or that share a word of their titles, mostly."""
        article = next(self.articles)
        words = title_words(article["title"])
        group = self.named[self.rng.choice(words)] if words and self.rng.random() < 0.4 else self.groups[category(article["text"])]
        others = self.rng.sample(group, min(count - 1, len(group))) if self.rng.random() < 0.8 else []
        while len(others) < count - 1:
            others.append(next(self.articles))
        size = {"low": 75, "high": 130} if self.length > 768 else {}
        rows = [self.wiki_passage(a, **size) for a in [article, *others]]
        if len({t for t, _, _ in rows}) < count:
            return None
        pairs = [self.wording(f) for _, _, facts in rows for f in facts]
        self.rng.shuffle(pairs)
        self.rng.shuffle(rows)
        return self.answer_document([(t, x) for t, x, _ in rows], pairs[: 4 + 3 * count], limit or self.length) if len(pairs) > 2 else None

    def three_squad(self, count=3, limit=None):
        row = next(self.squad)
        same = self.squad_by_title[row["title"]]
        others = self.rng.sample(same, count - 1) if self.rng.random() < 0.6 else [next(self.squad) for _ in range(count - 1)]
        rows = [row, *(o for o in others if o is not row)]
        pairs = self.squad_row(row)
        rows = [(r["title"], self.cut(r, pairs if r is row else [])) for r in rows]
        self.rng.shuffle(rows)
        return self.answer_document(rows, pairs, limit or self.length, 0.5)

    def cut(self, row, pairs):
        """Distractors are cut to 40-110 words; the gold paragraph stays whole unless very long."""
        words = row["context"].split()
        return " ".join(words[: 170 if pairs else self.rng.randrange(40, 110 if self.length <= 768 else 170)])

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
        if kind in ("point", "rewriting"):
            return (self.points if kind == "point" else self.rewriting)(invented.make(self.rng), SHORT)
        if kind in ("echo", "turns", "pick", "retold", "reasoning"):
            return getattr(super(), kind)(self.length if kind == "reasoning" else SHORT)
        return {"squad": self.squad_single, "closed": self.closed_book, "writing": self.write_questions, "bridge": self.bridging}.get(kind, getattr(self, kind, None))()


def fix(question: str) -> str:
    """Open questions are written without capital and question mark; half of them get both."""
    return question if question.endswith("?") or hash_half(question) else question[0].upper() + question[1:] + "?"


def hash_half(text: str) -> bool:
    return sum(text.encode()) % 2 == 0


def title_words(title: str) -> list[str]:
    """The words of a title that name something."""
    return [w for w in title.replace("(", " ").replace(",", " ").split() if len(w) > 3 and w[0].isupper()]
