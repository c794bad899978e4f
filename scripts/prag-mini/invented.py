"""Articles about invented people, places, works and things, with questions in many wordings. All names come from random syllables."""

import random
import re
from dataclasses import dataclass, field

import compounds
from relations import RELATIONS

STARTS = "b br c ch d dr f fl g gr h j k kr l m n p pr qu r s sh st t th tr v w y z".split() + [""] * 3
VOWELS = "a e i o u a e o ai au ea ei ia ie oa oo ou".split()
MIDDLES = "b d f g l ll m n nd nn r rr s ss st t tt v z lb ld lm lt mb nk rd rk rl rn rt sk sp th".split()
ENDS = ["", "", "", "n", "r", "l", "s", "t", "m", "k", "nd", "rn", "th", "ck", "x", "sh", "ng"]
FIRST = ("Ada Alan Alma Anton Arthur Bela Carla Clara Daniel Dora Edgar Elena Emil Erik Eva Felix Flora Frank Georg Greta Hanna Hugo Ida Igor "
         "Irene Ivan James Jana Johan John Jonas Julia Karl Kate Laura Lena Leo Lucia Magda Marco Maria Marta Max Mila Milan Nina Nora Olga Oscar "
         "Otto Paul Peter Petra Rosa Ruth Sam Sara Simon Sofia Stefan Tara Theo Thomas Tina Tom Ulla Vera Victor Walter Wanda Yara Zoe").split()
MONTHS = "January February March April May June July August September October November December".split()
MATERIALS = ("oak|granite|red brick|copper|sandstone|glass and steel|white marble|iron|pine wood|bronze|clay|concrete|cedar wood|leather|silver|"
             "bamboo|limestone|walnut and brass|steel|grey slate|wool|stone").split("|")
PRODUCTS = ("woollen hats|glass bottles|clocks|cheese|sailing boats|silk scarves|honey|paper kites|bicycles|apple cider|wooden toys|pottery|old maps|"
            "hot springs|black tea|garden tools|leather boots|candles|roses|smoked fish|butterflies|coins|violins|bread ovens|salt|telescopes|lamps|"
            "steam engines|mushrooms|stamps|pencils|umbrellas|sheep|carpets|bells|chocolate|microscopes|copper pots|windmills|ropes|fossils").split("|")
FOODS = "beetles|small fish|river grass|berries|acorns|snails|seeds and nuts|moss|flower nectar|young leaves|worms|shellfish|pine needles".split("|")
TOOLS = "two small sticks|a bow of horsehair|wooden dice|a leather ball|the fingers|painted cards|a brass hammer|white stones|a long net|a feather".split("|")
COLOURS = "dark green|pale blue|red|yellow|silver grey|black and white|orange|deep purple|brown|golden|pink|dark red".split("|")
OCCUPATIONS = ("painter|chemist|engineer|composer|explorer|botanist|novelist|poet|architect|sculptor|astronomer|physician|historian|singer|swimmer|"
               "cyclist|photographer|inventor|mathematician|politician|teacher|violinist|film director|watchmaker|geologist|runner|chess player|cook|pilot").split("|")
ADJECTIVES = ("Silent Golden Last Blue Broken Distant Hidden Little Red White Long Empty Cold Burning Quiet Second Lost Green Winter Summer Stone Paper Iron").split()
NOUNS = "Garden River Window Letter Morning Bridge Winter Harbour Mirror Forest Island Clock Road Song Tower Field Door Lantern Voyage Night Key Bird".split()
FIELDS = "physics|bridge building|medicine|music|literature|garden design|astronomy|film|chemistry|painting|history|sport".split("|")


def word(rng, syllables=None):
    """A capitalized invented word of two or three syllables."""
    count = syllables or rng.choice([1, 2, 2, 2, 3])
    out = rng.choice(STARTS) + rng.choice(VOWELS)
    for _ in range(count - 1):
        out += rng.choice(MIDDLES) + rng.choice(VOWELS[:8])
    out += rng.choice(ENDS)
    return (out if len(out) > 3 else out + rng.choice(MIDDLES) + "a").capitalize()


def person(rng):
    first = rng.choice(FIRST) if rng.random() < 0.6 else word(rng, 2)
    return f"{first} {word(rng)}"


def place(rng, suffixes):
    return word(rng, rng.choice([1, 2])) + rng.choice(suffixes)


def number(rng):
    value = rng.choice([rng.randrange(60, 1000), rng.randrange(1000, 100000), rng.randrange(10, 990) * 100])
    return f"{value:,}"


def date(rng):
    day, month, year = rng.randrange(1, 29), rng.choice(MONTHS), rng.randrange(1590, 2024)
    return f"{day} {month} {year}" if rng.random() < 0.65 else f"{month} {day}, {year}"


def decimal(rng, low, high):
    return str(rng.randrange(low, high)) if rng.random() < 0.6 else f"{rng.uniform(low, high):.1f}"


def work_title(rng):
    return rng.choice([
        lambda: f"The {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}", lambda: f"The {rng.choice(NOUNS)} of {word(rng)}",
        lambda: f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}", lambda: f"A {rng.choice(NOUNS)} for {rng.choice(FIRST)}",
        lambda: f"{rng.choice(NOUNS)} and {rng.choice(NOUNS)}", lambda: f"{word(rng)}"])()


VALUES = {
    "year": lambda r: str(r.choice([r.randrange(1820, 2024), r.randrange(1400, 2024)])),
    "date": date, "person": person, "number": number,
    "town": lambda r: place(r, ["", "", "ton", "ham", "burg", "stad", "ville", "port", "mouth", "field", "dorf"]),
    "country": lambda r: place(r, ["ia", "land", "onia", "stan", "ania", "", "mark"]),
    "region": lambda r: place(r, ["", "shire", "ia", "mark"]),
    "river": lambda r: r.choice(["{} River", "River {}", "{}"]).format(word(r)),
    "lake": lambda r: r.choice(["Lake {}", "the Sea of {}", "the Gulf of {}", "{} Bay", "the {} River"]).format(word(r)),
    "mountain": lambda r: r.choice(["Mount {}", "the slopes of {} Peak", "{} Hill"]).format(word(r)),
    "building": lambda r: r.choice(["{} Hall", "the old {} Mill", "{} Park", "the {} Market", "{} Stadium", "the {} ferry"]).format(word(r)),
    "school": lambda r: r.choice(["the University of {}", "{} College", "the {} Academy", "{} University", "the {} School of Arts"]).format(word(r)),
    "prize": lambda r: r.choice(["{} Prize", "{} Medal", "{} Award", "Golden {} Prize", "Order of {}"]).format(word(r)),
    "company": lambda r: r.choice(["{} & {}", "{} Works", "{} Brothers", "{} Company", "{} Industries", "{} Press", "{} and Sons", "{}"]).format(word(r), word(r)),
    "title": work_title,
    "length": lambda r: r.choice([f"{r.randrange(20, 990)} metres", f"{decimal(r, 2, 900)} kilometres", f"{decimal(r, 2, 90)} km"]),
    "height": lambda r: r.choice([f"{r.randrange(8, 400)} metres", f"{r.randrange(400, 8000):,} metres", f"{r.randrange(12, 300)} m"]),
    "area": lambda r: f"{decimal(r, 2, 900)} square kilometres",
    "weight": lambda r: r.choice([f"{decimal(r, 2, 90)} kilograms", f"{r.randrange(20, 900)} grams", f"{r.randrange(2, 90)} tonnes"]),
    "money": lambda r: f"{r.choice([r.randrange(2, 90), r.randrange(100, 900)])} {r.choice(['million', 'thousand'])} {r.choice(['crowns', 'dollars', 'pounds', 'florins', 'euros'])}",
    "minutes": lambda r: f"{r.randrange(40, 200)} minutes",
    "small": lambda r: str(r.randrange(6, 700)),
    "few": lambda r: r.choice("two three four five six seven eight nine ten eleven twelve".split()),
    "month": lambda r: r.choice(MONTHS), "material": lambda r: r.choice(MATERIALS), "product": lambda r: r.choice(PRODUCTS),
    "food": lambda r: r.choice(FOODS), "tool": lambda r: r.choice(TOOLS), "colour": lambda r: r.choice(COLOURS),
}

# noun | name forms | introductions | relations. In a name {} is an invented word and * a work's title; "the" before a name says that questions use the article.
KINDS = [
    ("bridge", ["the {} Bridge", "{} Bridge"], "a stone bridge|a railway bridge|a bridge for walkers|an old bridge|a road bridge", "designer builder opened built length height material cost named_after replaced country river_on"),
    ("town", ["{}", "{}ton", "{}burg", "{}mouth"], "a town|a small town|a market town|a village|a city|a port town", "population mayor river_on founded country known_for area region founder"),
    ("river", ["the {} River", "the {}", "River {}"], "a river|a short river|a wide river", "length source mouth country region known_for depth named_after"),
    ("lake", ["Lake {}", "{} Lake"], "a lake|a mountain lake|a salt lake", "depth area country region known_for visitors named_after"),
    ("mountain", ["Mount {}", "{} Peak"], "a mountain|a volcano|the highest mountain of its region", "height climbed country region named_after visitors"),
    ("island", ["{} Island", "{}"], "an island|a rocky island|a small island", "area population country known_for length named_after"),
    ("company", ["{} Works", "{} & Sons", "{}", "{} Company", "{} Industries"], "a company|a family company|a manufacturer", "founded founder product seat employees boss owner country"),
    ("book", ["*"], "a novel|a book|a children's book|a collection of poems|a history book", "author published publisher setting hero pages prize"),
    ("film", ["*"], "a film|a comedy film|a silent film|a drama film|a documentary film", "director released star composer minutes setting prize"),
    ("song", ["*"], "a song|an album|an opera|a symphony|a ballet", "composer released minutes prize publisher"),
    ("instrument", ["the {}", "the {} harp", "the {} drum", "the {} flute"], "a musical instrument|a string instrument|a wind instrument|a folk instrument", "inventor invented material strings played_with length weight country"),
    ("festival", ["the {} Festival", "the Festival of {}", "{} Fair"], "a festival|a music festival|a yearly festival|a harvest festival", "month located visitors founded founder known_for cost"),
    ("university", ["{} University", "the University of {}", "{} College"], "a university|a private university|a technical school", "founded founder students located boss known_for named_after"),
    ("museum", ["the {} Museum", "{} Museum"], "a museum|a small museum|a museum of science", "located opened_year designer collection visitors founder owner cost"),
    ("ship", ["the {}", "the {} Star", "the Lady {}"], "a sailing ship|a steamship|a fishing ship|a research ship", "builder built captain sank length weight owner"),
    ("tower", ["the {} Tower", "{} Castle", "{} Lighthouse", "the {} Theatre"], "a tower|a castle|a lighthouse|a theatre", "height designer built located material opened owner cost replaced"),
    ("animal", ["the {} fox", "the {} owl", "the {} frog", "the {} finch", "the {} beetle", "the {} bat"], "an animal|a rare animal|a small animal of the forest", "eats colour weight length country named_after"),
    ("plant", ["the {} tree", "the {} lily", "the {} fern", "{} grass"], "a plant|a rare plant|a tall plant", "height colour country month named_after product"),
    ("language", ["{}", "{}ish"], "a language|a language of the coast|a small language", "speakers country region"),
    ("game", ["{}", "the {} game"], "a board game|a ball game|a card game", "players played_with inventor invented minutes country"),
    ("railway", ["the {} Railway", "the {} Line", "the {} Canal"], "a railway line|a narrow railway|a mountain railway", "length opened stations ends builder cost owner"),
    ("newspaper", ["the {} Times", "the {} Post", "the {} Herald"], "a newspaper|a weekly newspaper|a daily newspaper", "founded founder owner seat boss employees"),
    ("club", ["{} United", "{} Rovers", "FC {}"], "a football club|a sports club|a rowing club", "founded ground colour boss located prize"),
    ("machine", ["the {} engine", "the {} clock", "the {} machine", "the {} press"], "a machine|a measuring instrument|a device", "inventor invented material weight builder cost height"),
    ("dish", ["{}", "{} soup", "{} bread", "{} cake"], "a dish|a sweet dish|a traditional food", "country inventor colour month material_food"),
    ("person", ["+"], "", "born birthplace died died_in studied teacher spouse child_of children work worked_for prize_person moved hobby"),
]
RELATIONS["material_food"] = ("food_mix", ["{S} is made of {a}.", "The main parts are {a}.", "Cooks make it from {a}."],
                              ["What is {T} made of?", "What is {T} made from?", "What are the main parts of {T}?"])
VALUES["food_mix"] = lambda r: " and ".join(r.sample("rye|honey|apples|barley|onions|goat cheese|plums|river fish|walnuts|milk|beans|cabbage|eggs|rice".split("|"), 2))
BY_NAME = {kind[0]: kind for kind in KINDS}
FILLERS = ("It is still in use today.|Many people visit it in summer.|Little else is known about its early years.|Several books have been written about the subject.|"
           "It has changed little since then.|Local schools teach its history.|A small sign tells its story.|The weather there is mild.|It was repaired twice after storms.|"
           "Experts disagree about some details.|Not all of the plans survived.|The people are proud of it.").split("|")


@dataclass
class Entity:
    """An invented thing: facts are (questions, answer) by relation name; links are people or places that a fact names."""

    kind: str
    title: str
    name: str
    text: str = ""
    facts: list = field(default_factory=list)
    values: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)

    def rewritten(self, rng) -> str:
        """The same facts in other words."""
        other = Entity(self.kind, self.title, self.name, values=dict(self.values), fixed=self.fixed)
        write(rng, other)
        return other.text


def make(rng, kind=None, title=None, sentences=None, must=(), pool=None, words=(), named=False):
    """A random entity of the kind, with an article of about 60 to 110 words; values come mostly from `pool`, names from `words`, where given; `named` uses no pronouns."""
    noun, forms, intros, relations = BY_NAME[kind] if kind else rng.choice(KINDS + [KINDS[-1]] * 4)
    form = rng.choice(forms)
    name = title or (person(rng) if form == "+" else work_title(rng) if form == "*" else form.format(rng.choice(words) if words and rng.random() < 0.6 else word(rng)))
    entity = Entity(noun, name.removeprefix("the "), name)
    names = [r for r in relations.split() if r not in must]
    chosen = list(must) + rng.sample(names, min(len(names), max(1, (sentences or rng.randrange(4, 10)) - len(must))))
    rng.shuffle(chosen)
    for relation in chosen:
        value = RELATIONS[relation][0]
        entity.values[relation] = rng.choice("rain|the sea|winter|bread".split("|")) if value not in VALUES else draw(rng, value, pool)
    country = entity.values.get("country") or draw(rng, "country", pool)
    entity.fixed = {"female": rng.random() < 0.5, "occupation": rng.choice(OCCUPATIONS), "country": country, "kind": rng.choice(intros.split("|")),
                    "direction": rng.choice(["", "", "the north of ", "the south of ", "the east of ", "the west of "])}
    write(rng, entity, named)
    return entity


def draw(rng, value, pool):
    """A value of the kind, mostly one of the pool's."""
    known = (pool or {}).get(value)
    return rng.choice(known) if known and rng.random() < 0.7 else VALUES[value](rng)


def write(rng, entity, named=False):
    """Article text and facts from the chosen values; `named` says the full name in every sentence that has a subject."""
    noun = entity.kind
    full = entity.name[0].upper() + entity.name[1:]
    fixed = entity.fixed
    if noun == "person":
        occupation, country = fixed["occupation"], fixed["country"]
        article = "an" if occupation[0] in "aei" else "a"
        pronoun, own = ("She", "Her") if fixed["female"] else ("He", "His")
        surname = entity.title.split()[-1]
        intro = rng.choice([f"{full} was {article} {occupation} from {country}.", f"{full} is remembered as {article} {occupation} in {country}.", f"{full} was {article} {occupation} who lived in {country}."])
        entity.facts.append(([f"What was {full}'s occupation?", f"What did {full} do for a living?", f"Who was {full}?", f"What was the profession of {full}?"], occupation))
        entity.facts.append(([f"In which country did {full} live?", f"What country was {full} from?", f"From which country was {full}?"], country))
        subjects = [pronoun.lower(), pronoun.lower(), surname]
        possessives = [own, own, surname + "'s"]
        entity.values["country"] = country
    else:
        intro_kind = fixed["kind"]
        intro = f"{full} is {intro_kind}."
        if "country" in entity.values and rng.random() < 0.6:
            country = entity.values["country"]
            intro = f"{full} is {intro_kind} in {fixed['direction']}{country}."
            entity.facts.append((RELATIONS["country"][2], country))
        entity.facts.append((["What is {T}?", "What kind of thing is {T}?", "What sort of {n} is {T}?"][: 3 if " " in intro_kind[3:] else 2], intro_kind))
        subjects = ["it", f"the {noun}", "it", entity.name]
        possessives = ["Its", f"The {noun}'s", "Its"]
        pronoun, own = "it", "Its"
    if named:
        subjects, possessives = [entity.name], [entity.name + "'s"]
    lines = [intro]
    remaining = {r: v for r, v in entity.values.items() if not (r == "country" and v in intro)}
    compound(rng, entity, remaining, lines, subjects)
    for relation, value in rng.sample(list(remaining.items()), len(remaining)):
        _, forms, questions, *_ = RELATIONS[relation]
        subject = rng.choice(subjects)
        line = rng.choice(forms)
        line = line.format(S=subject, P=rng.choice(possessives), T=entity.name, t=entity.title, n=noun, a=value, p=pronoun.lower(), p0=own.lower())
        lines.append(line[0].upper() + line[1:])
        entity.facts.append((questions, value))
    lines[1:] = rng.sample(lines[1:], len(lines) - 1)
    if rng.random() < 0.6 and noun != "person" and not named:
        lines.insert(rng.randrange(1, len(lines) + 1), rng.choice(FILLERS))
    merged = [lines[0]]
    for line in lines[1:]:  # now and then two sentences become one
        if rng.random() < 0.18 and line.startswith(("It ", "She ", "He ", "The ")):
            merged[-1] = merged[-1][:-1] + rng.choice([", and ", "; ", ", while "]) + line[0].lower() + line[1:]
        else:
            merged.append(line)
    entity.text = " ".join(merged)
    entity.facts = [([q.format(T=entity.name, t=entity.title, n=noun) for q in questions], answer) for questions, answer in entity.facts]


def compound(rng, entity, remaining, lines, subjects):
    """Now and then states two or three of the remaining facts in one sentence."""
    forms = [(f, re.findall(r"{([a-z_]+)}", f)) for f in (compounds.PERSON if entity.kind == "person" else compounds.THING)]
    rng.shuffle(forms)
    for form, relations in forms:
        if all(r in remaining for r in relations) and rng.random() < 0.7:
            line = form.format(S=rng.choice(subjects), T=entity.name, **remaining)
            lines.append(line[0].upper() + line[1:])
            entity.facts += [(RELATIONS[r][2], remaining.pop(r)) for r in relations]
