"""Makers of the harder tasks: linked worlds, step-by-step answers, clues for a question, lists of questions, rewrites."""

import json
import re

import invented
import rules
import wordings
import worlds
from documents import ANSWER, LEAD, QUESTION, WRITTEN, Maker, in_situ
from paraphrase import paraphrase
from relations import RELATIONS
from prompts import KEY_POINTS, PARTS, REASON, TokenDocument, answer_start, clues_question, memory, questions_prompt, rewrite_prompt

PRONOUNS = re.compile(r"\b(?:he|she|it|they|his|her|its|their|him|them|this|these|that)\b", re.I)


class TaskMaker(Maker):
    """Adds to Maker what is asked of several passages and what is written at length."""

    def ask(self, entity, fact):
        """A fact of an invented entity as (question, answer), in one of many wordings."""
        question, answer = self.wording(fact)
        if self.rng.random() < 0.35:
            question = wordings.reword(self.rng, question)
        if self.rng.random() < 0.2:
            question = wordings.described(question, entity.name, entity.fixed["occupation"] if entity.kind == "person" else entity.kind)
        return question, answer

    def world(self, count, limit, **size):
        """`count` passages that are alike, and questions about all of them, some over two of them."""
        shown = worlds.linked(self.rng, count, **size)[0] if count > 1 and self.rng.random() < 0.3 else worlds.near(self.rng, worlds.make(self.rng, **size), count)
        pairs = [self.ask(e, f) for e, f in worlds.contrasted(self.rng, shown)[: 8 + 2 * count]]
        hops = [(h.question, h.answer) for h in worlds.hops(self.rng, shown)]
        pairs += self.rng.sample(hops, min(2, len(hops)))
        self.rng.shuffle(shown)
        self.rng.shuffle(pairs)
        return self.answer_document([(e.title, e.text) for e in shown], list(dict.fromkeys(pairs)), limit, self.rng.choice([0.0, 0.3]))

    def retold(self, limit):
        """One fact each of several subjects in plain sentences, then all again in another order, said or asked: only the name tells what follows."""
        kind = self.rng.choice([*invented.KINDS, *[invented.BY_NAME["person"]] * 4])
        relation = self.rng.choice([r for r in kind[3].split() if sum(f.startswith("{S}") and "{p" not in f for f in RELATIONS[r][1]) > 0])
        forms = [f for f in RELATIONS[relation][1] if f.startswith("{S}") and "{p" not in f]
        names = {e.name: e for e in (invented.make(self.rng, kind[0], sentences=1, must=(relation,)) for _ in range(self.rng.randrange(2, 7)))}
        document = TokenDocument()
        asked = "Question: " + self.rng.choice([q for q in RELATIONS[relation][2] if "{T}" in q]) + " The answer is {a}."
        again = self.rng.choice(forms), self.rng.choice([self.rng.choice(forms), asked])
        for round_number in range(self.rng.choice([2, 3, 3])):
            told = list(names.values())  # later with repetition, so that nothing follows from what is left
            for entity in self.rng.sample(told, len(told)) if round_number == 0 else self.rng.choices(told, k=len(told)):
                said = again[min(round_number, 1)].format(S=entity.name, T=entity.name, t=entity.title, n=entity.kind, a="|")
                before, after = (said[0].upper() + said[1:]).split("|")
                start = self.encode(("<s>" if not document.ids else "\n") + before.rstrip())
                value, rest = self.encode(" " * before.endswith(" ") + entity.values[relation]), self.encode(after)
                if len(document.ids) + len(start) + len(value) + len(rest) > limit:
                    return document if round_number else None
                for ids, weight in ((start, 0.1), (value, ANSWER if round_number else 0.0), (rest, 0.0)):
                    document.add(ids, weight)
        return document

    def pick(self, limit):
        """Two to four tiny passages that say the same things of different subjects: only the name tells which answer is meant."""
        kind = self.rng.choice([*invented.KINDS, *[invented.BY_NAME["person"]] * 4])
        relations = kind[3].split()
        common = tuple(self.rng.sample(relations, min(len(relations), self.rng.choice([1, 1, 1, 2, 2, 3]))))
        named = self.rng.random() < 0.5
        words = [invented.word(self.rng) for _ in range(3)] if self.rng.random() < 0.3 else ()
        entities = {e.name: e for e in (invented.make(self.rng, kind[0], sentences=len(common), must=common, words=words, named=named) for _ in range(self.rng.choice([2, 2, 3, 3, 4])))}
        shown = list(entities.values())
        pairs = [self.ask(e, f) for e, f in worlds.contrasted(self.rng, shown)[:12]]
        if named and self.rng.random() < 0.6:  # the passage's own words up to the answer
            pairs = [(in_situ(e.text, a, self.rng) or q, a) for e, (q, a) in ((e, self.wording(f)) for e, f in worlds.contrasted(self.rng, shown)[:12])]
        self.rng.shuffle(pairs)
        return self.answer_document([(e.title, e.text) for e in shown], pairs, limit, 0.0)

    def reasoning(self, limit):
        """Questions over two passages, answered in steps that end with "So the answer is …"."""
        shown, hops = worlds.linked(self.rng, self.rng.randrange(2, 5))
        rows = [(f"\n\nQuestion: {h.question}", f"{h.first} {h.second} So the answer is {h.answer}.") for h in hops]
        for entity in self.rng.sample(shown, 1):  # one step is enough here
            questions, answer = self.rng.choice(entity.facts)
            line = next((s for s in rules.sentences(entity.text) if answer in s and entity.name.removeprefix("the ") in s), None)
            rows += [(f"\n\nQuestion: {self.rng.choice(questions)}", f"{line} So the answer is {answer}.")] if line else []
        return self.written(answer_start([(e.title, e.text) for e in shown], REASON), self.rng.sample(rows, min(6, len(rows))), limit, 0.3)

    def written(self, start, rows, limit, text_weight):
        """A prefix and branches of (rest of the user's message, what the assistant says)."""
        document = TokenDocument()
        document.add(self.encode("<s><|user|>" + start), text_weight)
        for rest, said in rows:
            tokens = [self.encode(rest), self.encode("<|end|><|assistant|>"), self.encode(said + "<|end|>")]
            if len(document.ids) + sum(map(len, tokens)) > limit:
                continue
            document.begin_branch()
            for ids, weight in zip(tokens, (QUESTION, LEAD, WRITTEN)):
                document.add(ids, weight)
        return document if document.branch else None

    def lists(self, title, text, pairs, limit):
        """Question-answer lists as JSON: one prompt, and several lists that answer it."""
        pairs = [(q, a) for q, a in pairs if not PRONOUNS.search(q)]
        count = min(self.rng.randrange(2, 6), len(pairs))
        if count < 2:
            return None
        chosen = {tuple(self.rng.sample(pairs, count)) for _ in range(self.rng.randrange(1, 4))}
        said = [json.dumps([{"question": q, "answer": a} for q, a in rows], ensure_ascii=False) for rows in sorted(chosen)]
        start = questions_prompt(title, text, count).removeprefix("<s><|user|>").removesuffix("<|end|><|assistant|>")
        return self.written(start, [("", text) for text in said], limit, 0.3)

    def clues(self, title, text, pairs, limit):
        """Lines likely to stand in the document, for a question about it; behind the document, or without it."""
        rows = []
        for question, answer in pairs:
            lines = [s for s in rules.sentences(text) if answer in s][:2]
            if lines:
                first = lines[0] if re.sub(r" \([^)]*\)$", "", title) in lines[0] else f"{title}: {lines[0]}"
                rows.append((clues_question(question), "\n".join([first, *lines[1:]])))
        rows = self.rng.sample(rows, min(5, len(rows)))
        if self.rng.random() < 0.6:
            return self.written(memory(title, text), [("\n\n" + rest, said) for rest, said in rows], limit, 0.1)
        return self.written("", rows, limit, 0.1)

    def points(self, entity, limit):
        """The key points of an invented article: its facts, each as a plain sentence."""
        lines = [s for relation in entity.values if (s := worlds.sentence(entity, relation))]
        lines.sort(key=lambda line: entity.text.find(line.split()[-1].rstrip(".")))
        return self.written(memory(entity.title, entity.text), [("\n\n" + KEY_POINTS, "\n".join(lines[:5]))], limit, 0.1) if lines else None

    def parts(self, limit):
        """The single questions behind a question over two articles that are shown."""
        shown, hops = worlds.linked(self.rng, 2, size=6, sentences=(2, 5))
        rows = []
        for hop in hops:
            asked = f"{'Who' if hop.kind == 'person' else 'What'} is {hop.link}?"
            rows.append((f"\n\n{PARTS}\n\nQuestion: {hop.question}", f"{asked}\n{hop.question.replace(hop.link, hop.middle)}"))
        return self.written(memory(shown[0].title, " ".join(e.text for e in shown)), self.rng.sample(rows, min(6, len(rows))), limit, 0.1)

    def rewrite(self, title, text, limit):
        """A passage and the same in other words by rule."""
        return self.said_again(title, text, [paraphrase(self.rng, title, text)], limit)

    def rewritten(self, entity, limit):
        """An invented article and two other versions of it."""
        return self.said_again(entity.title, entity.text, [entity.rewritten(self.rng) for _ in range(2)], limit)

    def said_again(self, title, text, versions, limit):
        start = rewrite_prompt(title, text).removeprefix("<s><|user|>").removesuffix("<|end|><|assistant|>")
        return self.written(start, [("", version) for version in versions], limit, 0.1)

    def small(self, limit):
        """A short passage with a question or two, to fill the end of a row."""
        entity = invented.make(self.rng, sentences=self.rng.randrange(1, 3))
        return self.answer_document([(entity.title, entity.text)], [self.ask(entity, f) for f in entity.facts], limit, 0.3)
