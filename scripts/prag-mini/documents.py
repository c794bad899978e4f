"""Makers of training documents: each returns one TokenDocument, or None where the material does not fit."""

import json
import random
import re

import invented
import rules
from prompts import REWRITE, TokenDocument, answer_start, questions_prompt, rewrite_prompt
from relations import RELATIONS

INSTRUCTION, QUESTION, LEAD, ANSWER, WRITTEN = 0.0, 0.5, 0.1, 3.0, 1.5
PERSON_ROLES = {name: row[3] for name, row in RELATIONS.items() if len(row) > 3 and row[0] == "person"}


class Maker:
    """Holds tokenizer, sources and the random state."""

    def __init__(self, tokenizer, rng: random.Random):
        self.tokenizer, self.rng = tokenizer, rng

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def answer_document(self, passages, pairs, limit, text_weight=1.0):
        """One prefix (the passages), one branch a question; as many branches as fit into `limit` tokens."""
        document = TokenDocument()
        start = answer_start([])
        body = answer_start(passages)[len(start):]
        document.add(self.encode("<s><|user|>" + start), INSTRUCTION)
        if passages:
            document.add(self.encode(body), text_weight)
        if len(document.ids) > limit - 40:
            return None
        for question, answer in pairs:
            parts = (f"\n\nQuestion: {question}", "<|end|><|assistant|>The answer is", f" {answer.rstrip('.')}.<|end|>")
            tokens = [self.encode(part) for part in parts]
            if len(document.ids) + sum(map(len, tokens)) > limit:
                continue
            document.begin_branch()
            for ids, weight in zip(tokens, (QUESTION, LEAD, ANSWER)):
                document.add(ids, weight)
        return document if document.branch else None

    def closed(self, pairs, limit):
        return self.answer_document([], pairs, limit)

    def article(self, title, text, limit):
        document = TokenDocument()
        document.add(self.encode(f"<s>{title}\n{text}<|end|>")[:limit], 1.0)
        return document

    def echo(self, limit):
        """Something said twice or more, so that copying is learnt early: random tokens, or an invented article."""
        document = TokenDocument()
        if self.rng.random() < 0.4:
            ids = [self.rng.randrange(300, self.tokenizer.get_vocab_size()) for _ in range(self.rng.randrange(8, 60))]
        else:
            ids = self.encode(invented.make(self.rng, sentences=self.rng.randrange(1, 5)).text + "\n")
        times = min(limit // len(ids), self.rng.randrange(2, 5))
        if times < 2:
            return None
        document.add(ids, 0.2)
        for _ in range(times - 1):
            document.add(ids, 1.0)
        return document

    def turns(self, limit):
        """One conversation of many turns about an invented article: every fact is asked twice, in two wordings."""
        entity = invented.make(self.rng, sentences=self.rng.randrange(2, 6))
        document = TokenDocument()
        document.add(self.encode("<s><|user|>" + answer_start([])), 0.0)
        document.add(self.encode(answer_start([(entity.title, entity.text)])[len(answer_start([])) :]), 0.3)
        facts = [self.wording(f) for f in entity.facts] + [self.wording(f) for f in entity.facts]
        self.rng.shuffle(facts)
        for number, (question, answer) in enumerate(facts):
            begin = "\n\n" if number == 0 else "<|user|>"
            tokens = [self.encode(f"{begin}Question: {question}"), self.encode("<|end|><|assistant|>The answer is"), self.encode(f" {answer}.<|end|>")]
            if len(document.ids) + sum(map(len, tokens)) > limit:
                break
            for ids, weight in zip(tokens, (QUESTION, LEAD, ANSWER)):
                document.add(ids, weight)
        return document

    def writing(self, title, text, pairs, limit):
        """Write questions: the assistant's JSON list; questions that name their subject only."""
        rows = [{"question": q, "answer": a} for q, a in pairs]
        document = TokenDocument()
        prompt = self.encode(questions_prompt(title, text, len(rows)))
        answer = self.encode(json.dumps(rows, ensure_ascii=False) + "<|end|>")
        document.add(prompt, 0.3)
        document.add(answer, WRITTEN)
        return document if len(document.ids) <= limit else None

    def rewriting(self, entity, limit):
        document = TokenDocument()
        document.add(self.encode(rewrite_prompt(entity.title, entity.text)), 0.1)
        document.add(self.encode(entity.rewritten(self.rng) + "<|end|>"), 1.0)
        return document if len(document.ids) <= limit else None

    def wording(self, fact):
        """One of the fact's wordings with its answer."""
        return self.rng.choice(fact[0]), fact[1]

    def passage(self, article, low=45, high=110):
        """(title, text) of whole sentences, mostly from the beginning of the article."""
        text = re.sub(r"\s*\n\s*", " ", article["text"])
        parts = rules.sentences(text)
        first = 0 if self.rng.random() < 0.85 or len(parts) < 8 else self.rng.randrange(1, len(parts) - 4)
        limit = self.rng.randrange(low, high)
        chosen, words = [], 0
        for sentence in parts[first:]:
            words += len(sentence.split())
            if words > limit and chosen:
                break
            chosen.append(sentence)
        return article["title"], " ".join(" ".join(chosen).split()[:130])


def in_situ(text: str, answer: str, rng):
    """A question that breaks off the passage's own sentence before the answer, or None: "The bridge was designed by whom?"."""
    for sentence in rng.sample(parts := rules.sentences(text), len(parts)):
        before = sentence.split(answer)[0].strip(" \"(")
        if answer in sentence and 3 <= len(before.split()) <= 16:
            person = re.search(r"\b(?:by|with|to|of|was|is)$", before) and re.fullmatch(rules.PERSON, answer)
            return before + (" whom?" if person else " what?")
    return None


def category(text: str) -> str:
    """What kind of thing an article is about, by its first sentence; used to choose similar distractors."""
    match = re.search(r"\b(?:is|was|are|were) (?:an?|the|one of the) ([^.,;()]{3,80})", text[:300])
    if not match:
        return ""
    words = re.split(r" (?:in|of|that|which|who|from|for|on|by|and|with|at|to) ", match[1])[0].split()
    return words[-1].lower() if words else ""


def comparisons(rng, a, b):
    """Yes/no and comparison questions over two invented entities that share a relation."""
    out = []
    for relation in set(a.values) & set(b.values):
        kind = RELATIONS[relation][0]
        x, y = a.values[relation], b.values[relation]
        verb = {"founded": "founded", "built": "built", "opened_year": "opened", "published": "published", "released": "released", "invented": "invented"}.get(relation)
        first = rng.random() < 0.5
        left, right = (a, b) if first else (b, a)
        if verb and x != y:
            early, late = (a, b) if int(x) < int(y) else (b, a)
            word, answer = rng.choice([("earlier", early), ("first", early), ("later", late)])
            out.append((rng.choice([f"Which was {verb} {word}, {left.name} or {right.name}?", f"Was {left.name} or {right.name} {verb} {word}?"]), answer.name))
        if kind in ("town", "country", "person", "month", "material") and relation not in ("hero", "child_of"):
            question = {"country": f"Are {left.name} and {right.name} in the same country?", "month": f"Are {left.name} and {right.name} held in the same month?"}.get(relation)
            if question and a.kind != "person":
                out.append((question, "yes" if x == y else "no"))
            elif relation in PERSON_ROLES:
                out.append((f"Do {left.name} and {right.name} have the same {PERSON_ROLES[relation]}?", "yes" if x == y else "no"))
    if a.kind == b.kind == "person":
        x, y = a.fixed, b.fixed
        out.append((f"Were {a.name} and {b.name} from the same country?", "yes" if x["country"] == y["country"] else "no"))
        if "died" in a.values and "died" in b.values and a.values["died"] != b.values["died"]:
            early = a if int(a.values["died"]) < int(b.values["died"]) else b
            out.append((f"Who died first, {a.name} or {b.name}?", early.name))
    return out


def bridge(rng):
    """Two linked articles (a thing and its maker) and questions that need both."""
    relation = rng.choice([r for r in PERSON_ROLES])
    kinds = [k[0] for k in invented.KINDS if relation in k[3].split()]
    thing = invented.make(rng, rng.choice(kinds), must=(relation,))
    maker = invented.make(rng, "person", title=thing.values[relation], must=("birthplace", "studied") if rng.random() < 0.5 else ("born", "birthplace"))
    role = PERSON_ROLES[relation]
    pairs = []
    for questions, answer in maker.facts:
        question = rng.choice(questions)
        if maker.name in question and "'s" not in question:
            pairs.append((question.replace(maker.name, f"the {role} of {thing.name}"), answer))
    return thing, maker, pairs


def share_value(rng, a, b):
    """Makes two entities agree in country or another relation now and then, so that "yes" occurs."""
    if "country" in a.values and "country" in b.values and rng.random() < 0.5:
        b.values["country"] = b.fixed["country"] = a.values["country"]
    if a.kind == b.kind == "person" and rng.random() < 0.5:
        b.fixed["country"] = b.values["country"] = a.fixed["country"]
    b.facts = []
    invented.write(rng, b)
