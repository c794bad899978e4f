"""The questions that evaluate.py asks: held-out articles, new invented names, SQuAD development. Nothing here is trained on."""

import distant
import invented
import rules
import sources
import worlds
from documents import Maker, category, comparisons, share_value


def squad_items(data, count, rng):
    """Gold passage, gold with two distractors (other articles; or what BM25 takes for it), and closed-book, for the same questions."""
    every = sources.squad_dev(data)
    rows = rng.sample(every, count)
    texts = sorted({(r["contexts"][0]["title"].replace("_", " "), r["contexts"][0]["text"]) for r in every})
    index = distant.Index(texts, {w for r in rows for w in distant.tokens(r["question"])})
    contexts = [(r["contexts"][0]["title"].replace("_", " "), r["contexts"][0]["text"]) for r in rows]
    items = {"squad_gold": [], "squad_three": [], "squad_bm25": [], "squad_closed": []}
    for row, gold in zip(rows, contexts):
        others = rng.sample([(t, " ".join(x.split()[:100])) for t, x in contexts if t != gold[0]], 2)
        three = [gold, *others]
        rng.shuffle(three)
        found = [index.texts[n] for n in index.best(row["question"])[0].tolist() if index.texts[n] != gold][:2]
        near = [gold, *found]
        rng.shuffle(near)
        for name, passages in (("squad_gold", [gold]), ("squad_three", three), ("squad_bm25", near), ("squad_closed", [])):
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


def world_items(count, rng):
    """Linked invented passages (three and five of one world) and questions over two of them, asked directly and step by step."""
    items = {"worlds_three": [], "worlds_five": [], "hops_direct": []}
    steps = []
    for _ in range(count):
        for name, size in (("worlds_three", 3), ("worlds_five", 5)):
            shown = worlds.near(rng, worlds.make(rng, sentences=(4, 8)), size)
            questions, answer = rng.choice(shown[0].facts)
            rng.shuffle(shown)
            items[name].append(([(e.title, e.text) for e in shown], rng.choice(questions), [answer]))
        shown, hops = worlds.linked(rng, 3)
        hop = rng.choice(hops)
        passages = [(e.title, e.text) for e in shown]
        items["hops_direct"].append((passages, hop.question, [hop.answer]))
        steps.append((passages, hop.question, [hop.answer]))
    return items, steps
