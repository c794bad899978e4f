"""Says a passage in other words by safe rules: synonyms, moved time phrases, pronouns for the title and back, another order of sentences."""

import re

import rules

SWAPS = [("is located in", "lies in"), ("was born in", "came from"), ("also known as", "also called"), ("known as", "called"), ("famous", "well known"), ("large", "big"),
         ("started", "began"), ("because", "since"), ("movie", "film"), ("about", "around"), ("a lot of", "many"), ("created", "made"), ("received", "got"), ("usually", "mostly"),
         ("often", "frequently"), ("near", "close to"), ("many", "numerous"), ("used to", "once"), ("such as", "for example"), ("after", "following"), ("important", "major"),
         ("part of", "a part of"), ("lives in", "makes its home in"), ("died", "passed away"), ("was founded", "was established"), ("has a population of", "has"),
         ("The population was", "The number of people was"), ("won", "gained"), ("released", "brought out"), ("written by", "the work of"), ("until", "up to"), ("however", "but"),
         ("people live in", "people live today in"), ("is a type of", "is a kind of"), ("kind of", "sort of"), ("small", "little"), ("main", "chief"), ("got", "received"), ("very", "really"),
         ("film", "movie"), ("began", "started"), ("built", "put up"), ("buildings", "houses"), ("also", "as well"), ("several", "some"), ("in the same year", "that same year")]
FRONT = re.compile(r"^(In \d{4}|On " + rules.DATE + r"),? (.+)\.$")
BACK = re.compile(r"^([A-Z][^,;:]{12,}?) (in \d{4}|on " + rules.DATE + r")\.$")


def reworded(rng, sentence: str) -> str:
    """One sentence with up to three synonyms, and its time phrase moved where it stands at an end."""
    chosen = 0
    for old, new in rng.sample(SWAPS, len(SWAPS)):
        if chosen < 3 and re.search(rf"\b{re.escape(old)}\b", sentence):
            sentence = re.sub(rf"\b{re.escape(old)}\b", new, sentence, count=1)
            chosen += 1
    if match := FRONT.match(sentence):
        rest = match[2]
        return f"{rest[0].upper()}{rest[1:]} {match[1][0].lower()}{match[1][1:]}."
    if (match := BACK.match(sentence)) and match[1].split()[0] in ("It", "He", "She", "They", "The", "This", "A"):
        return f"{match[2][0].upper()}{match[2][1:]}, {match[1][0].lower()}{match[1][1:]}."
    return sentence


def paraphrase(rng, title: str, text: str) -> str:
    """The passage in other words; every name, number and date stays."""
    parts = [reworded(rng, s) for s in rules.sentences(text)]
    name = re.sub(r" \([^)]*\)$", "", title)
    for i in range(1, len(parts)):
        if rng.random() < 0.5 and (match := re.match(r"(?:It|He|She) (?=(?:is|was|has|had|won|died|played|wrote|became)\b)", parts[i])):
            parts[i] = f"{name} {parts[i][match.end():]}"
    tail = parts[1:]
    if len(tail) > 1 and all(not re.match(r"(?:This|These|Then|However|But|After|Later|They|That|Some|Other)\b", s) for s in tail):
        rng.shuffle(tail)
    return " ".join([parts[0], *tail])
