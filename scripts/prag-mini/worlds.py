"""Small invented worlds: articles that name one another and share words, so that passages about other things are hard to tell apart."""

from collections import Counter
from dataclasses import dataclass

import invented
from relations import RELATIONS

PLACE_VALUES = {"town": 4, "country": 2, "region": 2, "river": 2, "lake": 2, "mountain": 2, "school": 2, "company": 4, "building": 2, "prize": 2, "title": 3}


def names(rng):
    """Pools of names by kind of value, and the words that titles are made of; some people share a family name."""
    words = [invented.word(rng) for _ in range(rng.randrange(2, 5))]
    pool = {kind: [invented.VALUES[kind](rng) for _ in range(count)] for kind, count in PLACE_VALUES.items()}
    pool["town"][:2] = words[:2]
    families = [invented.word(rng) for _ in range(2)]
    pool["person"] = [invented.person(rng).split()[0] + " " + rng.choice([*families, invented.word(rng)]) for _ in range(rng.randrange(4, 8))]
    return pool, words


def make(rng, size=8, sentences=(2, 8)):
    """`size` entities of one world, with so many facts; mostly half of them or more are of one kind and say the same things of themselves."""
    pool, words = names(rng)
    kinds = [k[0] for k in invented.KINDS]
    favourite, share = rng.choice([*kinds, "person", "person"]), rng.choice([0.4, 0.6, 0.9])
    relations = invented.BY_NAME[favourite][3].split()
    common = tuple(rng.sample(relations, min(len(relations), rng.randrange(1, max(2, sentences[1])))))
    out, titles = [], set()
    people = rng.sample(pool["person"], len(pool["person"]))
    for number in range(size):
        kind = favourite if number < size * share else rng.choice([*kinds, "person", "person", "town"])
        title = people.pop() if kind == "person" and people else pool["town"][number % 4] if kind == "town" and rng.random() < 0.7 else None
        own = {name: [v for v in values if v != title] for name, values in pool.items()}
        must = common if kind == favourite and rng.random() < 0.8 else ()
        entity = invented.make(rng, kind, title=title, sentences=rng.randrange(*sentences), must=must, pool=own, words=words)
        if entity.name.lower() not in titles:
            titles.add(entity.name.lower())
            out.append(entity)
    return out


def near(rng, entities, count, gold=None):
    """One entity and the `count - 1` others that are most like it: that name it, share its kind, or words of its name."""
    gold = gold or rng.choice(entities)
    own = set(gold.name.lower().split()) - {"the", "of"}
    values = set(map(str.lower, gold.values.values()))

    def likeness(other):
        shared = len(own & set(other.name.lower().replace("the ", "").split()))
        linked = gold.title in other.text or other.title in gold.text
        common = len(values & set(map(str.lower, other.values.values())))
        return 1.5 * linked + shared + 0.7 * (other.kind == gold.kind) + 0.4 * common + rng.random()

    others = sorted((e for e in entities if e is not gold), key=likeness, reverse=True)
    return [gold, *others[: count - 1]]


def contrasted(rng, entities):
    """(entity, fact) of all entities, first those whose question can be asked of several of them."""
    rows = [(fact[0][0].replace(e.name, ""), e, fact) for e in entities for fact in e.facts]
    times = Counter(key for key, *_ in rows)
    return [(e, fact) for _, e, fact in sorted(rows, key=lambda row: -min(times[row[0]], 2) + 0.9 * rng.random())]


@dataclass
class Hop:
    """A question over two articles: `link` stands in it for `middle`, which the first sentence names and the second one is about."""

    question: str
    link: str
    middle: str
    kind: str
    first: str
    second: str
    answer: str
    articles: tuple


def sentence(entity, relation):
    """The relation of an entity said in one plain sentence that names it, or None."""
    form = next((f for f in RELATIONS[relation][1] if f.startswith("{S}") and "{p" not in f), None)
    if form is None or (entity.kind == "person" and relation == "country"):
        return None
    text = form.format(S=entity.name, T=entity.name, t=entity.title, n=entity.kind, a=entity.values[relation])
    return text[0].upper() + text[1:]


def hops(rng, entities):
    """Questions over two linked articles."""
    by_title = {e.title: e for e in entities}
    out = []
    for thing in entities:
        for relation, value in thing.values.items():
            other = by_title.get(value)
            role = RELATIONS[relation][3] if len(RELATIONS[relation]) > 3 else None
            if other is None or other is thing or role is None:
                continue
            link = f"the {role} of {thing.name}"
            first = sentence(thing, relation) or f"{link[0].upper()}{link[1:]} is {value}."
            for wanted, answer in other.values.items():
                forms = [q for q in RELATIONS[wanted][2] if "{T}" in q and "{T}'s" not in q]
                second = sentence(other, wanted)
                if forms and second and answer != thing.title:
                    question = rng.choice(forms).format(T=link, t=link, n=other.kind)
                    out.append(Hop(question, link, other.name, other.kind, first, second, answer, (thing, other)))
    return out


def linked(rng, count, **size):
    """`count` passages of which two at least are linked, and the questions over two of them."""
    while True:
        entities = make(rng, **size)
        if found := hops(rng, entities):
            first, second = rng.choice(found).articles
            shown = [first, second, *(e for e in near(rng, entities, count, first) if e is not first and e is not second)][:count]
            rng.shuffle(shown)
            return shown, hops(rng, shown)
