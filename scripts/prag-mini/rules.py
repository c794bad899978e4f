"""Questions made by rule from a Simple English Wikipedia passage: facts of (wordings, answer), the answer always a span of the passage."""

import re

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATE = rf"(?:{MONTH} \d{{1,2}}, \d{{4}}|\d{{1,2}} {MONTH} \d{{4}}|{MONTH} \d{{4}}|\d{{4}})"
CAP = r"[A-Z](?:\.|[\w'’-]*\w\b(?!')|\b)"
NAME = rf"(?:(?:the )?{CAP}(?: (?:(?:of|the|de|van|von|and|du|la|al) )*{CAP})*)"
PLACE = rf"{NAME}(?:, {NAME})*"
PERSON = rf"{CAP}(?: (?:de |van |von |la |di )*{CAP}){{1,3}}"
NUMBER = r"(?:(?:about|around|over|more than|nearly|almost) )?\d[\d,.]*\d(?: million| billion)?|\d(?: million| billion)?"
KIND = r"(?:city|town|village|commune|municipality|county|district|island|river|lake|mountain|country|state|province|region|neighborhood|community|suburb|borough|civil parish|census-designated place|port|department|university|school|college|airport|bridge|castle|church|museum|stadium|park|volcano|territory|capital city|port city|language|company|band|newspaper|prefecture|canton)"
VERBS = {"built": "built", "written": "wrote", "made": "made", "won": "won", "held": "held", "led": "led", "sung": "sang", "given": "gave", "found": "found",
         "sold": "sold", "bought": "bought", "drawn": "drew", "taken": "took", "chosen": "chose", "shot": "shot", "begun": "began", "set": "set", "hit": "hit", "known": "knew", "ruled": "ruled"}


def rule(pattern, *questions, flags=0):
    return re.compile(pattern, flags), questions


# {t} is the title, {1}, {2} … the pattern's groups; the answer is the group named "a".
RULES = [
    rule(rf"\((?:[^()]*?; )?born [^()]{{0,50}}?(?P<a>{DATE})", "When was {t} born?", "What is {t}'s date of birth?", "On what date was {t} born?", "When is the birthday of {t}?"),
    rule(rf"\((?:[^()]*?[;,] )??(?P<a>{DATE}) ?[–−-] ?{DATE}\)", "When was {t} born?", "What was {t}'s date of birth?", "On what day was {t} born?", "When did the life of {t} begin?"),
    rule(rf"\((?:[^()]*?[;,] )?{DATE} ?[–−-] ?(?P<a>{DATE})\)", "When did {t} die?", "What was the date of {t}'s death?", "On what date did {t} die?", "When did the life of {t} end?"),
    rule(rf"\b(?:[Hh]e|[Ss]he|{CAP}) (?:was|is) born (?:on {DATE} )?in (?P<a>{PLACE})", "Where was {t} born?", "What is the birthplace of {t}?", "In which place was {t} born?", "What was {t}'s place of birth?", "In what city or country was {t} born?"),
    rule(rf"\b(?:[Hh]e|[Ss]he|{CAP}) was born (?:in [^.]*?)?on (?P<a>{DATE})", "When was {t} born?", "What is the date of birth of {t}?", "On which date was {t} born?"),
    rule(rf"\bdied (?:[^.]*?)?on (?P<a>{DATE})", "When did {t} die?", "On what date did {t} die?", "What is the date of death of {t}?"),
    rule(rf"\bdied (?:on {DATE} )?(?:at [^.,]*? )?in (?P<a>{NAME}(?:, {NAME})?)", "Where did {t} die?", "What was {t}'s place of death?", "In which place did {t} die?"),
    rule(r"\bdied (?:[^.]*? )?(?:of|from) (?P<a>(?:an? )?[a-z][a-z -]{3,40}?)(?= (?:on|in|at)\b|[.,;])", "What did {t} die of?", "What was {t}'s cause of death?", "How did {t} die?"),
    rule(r"\d{4}\) (?:is|was) (?P<a>an? (?:[A-Z][\w-]+ )?[a-z][\w ,-]*?)(?=\.| who| and (?:he|she)| from| that| of| known| for)", "Who is {t}?", "What is {t} known as?", "What does {t} do?", "Who was {t}?"),
    rule(r"\d{4}\) (?:is|was) an? (?:former )?(?:[A-Z][\w-]+ )(?P<a>(?:professional |former |film |television |movie )?[a-z]+(?:er|or|ist|ian|ant|ete|man|ress|ior|ess|et|eon|ect)(?: player)?)", "What is {t}'s occupation?", "What did {t} do for a living?", "What is the profession of {t}?", "What job did {t} have?", "What was {t}'s job?"),
    rule(r"\d{4}\) (?:is|was) an? (?:former )?(?P<a>[A-Z][a-z]+(?:-[A-Z][a-z]+)?) [a-z]+", "What nationality is {t}?", "What is the nationality of {t}?", "Which nationality did {t} have?"),
    rule(rf"^[^.]{{2,60}}? (?:is|was) (?:an? |the )?(?:[\w-]+ ){{0,3}}?{KIND} (?:[a-z ]+ )?in (?P<a>(?:the )?[^.;()]*?)(?=[.;(]| It | with | and (?:is|has|the)|, (?:and|with|which))", "Where is {t}?", "Where is {t} located?", "In what place can {t} be found?", "In which area does {t} lie?", "What is the location of {t}?"),
    rule(rf"^[^.]{{2,60}}? (?:is|was) (?:an? |the )?(?:[\w-]+ ){{0,3}}?(?P<a>{KIND}) (?:in|of|on)\b", "What kind of place is {t}?", "What is {t}?", "What sort of thing is {t}?"),
    rule(rf"\bin (?P<a>France|Germany|Italy|Spain|Japan|China|India|Canada|Australia|England|Scotland|Wales|Ireland|Brazil|Mexico|Russia|Poland|Turkey|Iran|Iraq|Switzerland|Austria|Sweden|Norway|Denmark|Finland|the Netherlands|Belgium|Portugal|Greece|Egypt|South Africa|Nigeria|the Philippines|Indonesia|Pakistan|Argentina|the United States|the United Kingdom)\b", "Which country is {t} in?", "In what country is {t}?", "What country does {t} belong to?", "In which country can {t} be found?"),
    rule(rf"[Pp]opulation (?:of|was|is) (?:[a-z ]*?)?(?P<a>{NUMBER})", "What is the population of {t}?", "How many people live in {t}?", "How many inhabitants does {t} have?", "How big is the population of {t}?"),
    rule(rf"(?P<a>{NUMBER}) (?:people|inhabitants|residents)(?: lived| live|\b)", "How many people live in {t}?", "What is the population of {t}?", "How many inhabitants does {t} have?", "What number of people live in {t}?"),
    rule(rf"[Cc]ounty seat (?:of [\w ]+ )?is (?P<a>{NAME})", "What is the county seat of {t}?", "Which place is the county seat of {t}?", "Which town is the seat of {t}?"),
    rule(rf"(?:capital|capital city|largest city|biggest city)(?: of [\w ]+?)? is (?:called )?(?P<a>{NAME})", "What is the capital of {t}?", "Which city is the capital of {t}?", "What is the capital city of {t}?", "What is the main city of {t}?"),
    rule(rf"is the (?:capital|capital city)(?: and largest city)? of (?P<a>(?:the )?{NAME})", "What is {t} the capital of?", "Of which country or region is {t} the capital?", "{t} is the capital of what?"),
    rule(r"(?:[Ii]t|[Tt]hey|The \w+) (?:was|were) (?:first )?(?:founded|established|formed|created|started) (?:[^.]*? )?in (?P<a>\d{4})", "When was {t} founded?", "In what year was {t} founded?", "When was {t} established?", "What year was {t} started?", "In which year was {t} created?", "When did {t} begin?"),
    rule(rf"(?:founded|established|created|started|formed|invented|developed) (?:[^.]*? )?by (?P<a>{PERSON})", "Who founded {t}?", "Who was the founder of {t}?", "Who created {t}?", "By whom was {t} created?", "Who started {t}?"),
    rule(rf"directed by (?P<a>{PERSON})", "Who directed {t}?", "Who was the director of {t}?", "Which director made {t}?", "By whom was {t} directed?", "Who is the director of {t}?"),
    rule(rf"produced by (?P<a>{PERSON})", "Who produced {t}?", "Who was the producer of {t}?", "By whom was {t} produced?"),
    rule(rf"(?:written|authored) by (?P<a>{PERSON})", "Who wrote {t}?", "Who is the author of {t}?", "Who is the writer of {t}?", "By whom was {t} written?"),
    rule(rf"(?:stars|starring|It stars) (?P<a>{PERSON})", "Who stars in {t}?", "Which actor stars in {t}?", "Who plays a main part in {t}?", "Who acted in {t}?"),
    rule(rf"(?:designed|built|composed|painted|recorded|performed|sung|published|owned|made) by (?:the )?(?P<a>{NAME})", "Who was {t} made by?", "By whom was {t} made?", "Who is behind {t}?", "Who made {t}?"),
    rule(r"\bis an? (?P<a>\d{4}) ", "When was {t} released?", "In what year did {t} come out?", "What year is {t} from?", "When did {t} appear?", "In which year was {t} released?"),
    rule(rf"(?:was|were) (?:first )?(?:released|published) (?:in [A-Z]\w+ )?(?:on|in) (?P<a>{DATE})", "When was {t} released?", "When was {t} published?", "What is the release date of {t}?", "When did {t} come out?"),
    rule(rf"based on (?P<a>(?:the |a )?[^.,;()]*?)(?= by|[.,;])", "What is {t} based on?", "On what is {t} based?"),
    rule(rf"named after (?P<a>(?:the )?[^.,;()]{{3,50}}?)(?=[.,;(]| who| which)", "What is {t} named after?", "After whom or what is {t} named?", "Where does the name {t} come from?"),
    rule(rf"(?:headquartered|based) in (?P<a>{PLACE})", "Where is {t} based?", "Where are the headquarters of {t}?", "In which place does {t} have its headquarters?"),
    rule(r"(?:made|built|consists|composed|formed) (?:mainly |mostly )?(?:of|from|out of) (?P<a>[a-z][^.,;()]{3,50}?)(?=[.,;(]| that| which| by)", "What is {t} made of?", "What does {t} consist of?", "What is {t} made from?"),
    rule(r"(?:has an area of|covers|area is|area of) (?:about )?(?P<a>\d[\d,.]* (?:km²|square kilometers|square kilometres|square miles|sq mi|km2|hectares|acres))", "What is the area of {t}?", "How large is {t}?", "How big is {t}?"),
    rule(r"(?P<a>\d[\d,.]* (?:km|kilometers|kilometres|miles|m|meters|metres|feet|ft))(?: \([^)]*\))? long", "How long is {t}?", "What is the length of {t}?"),
    rule(r"(?P<a>\d[\d,.]* (?:m|meters|metres|feet|ft))(?: \([^)]*\))? (?:tall|high|above)", "How high is {t}?", "What is the height of {t}?", "How tall is {t}?", "What is the elevation of {t}?"),
    rule(rf"flows (?:in)?to (?P<a>(?:the )?{NAME})", "Where does {t} flow?", "What does {t} flow into?", "Into which body of water does {t} flow?"),
    rule(rf"plays? (?:as an? [a-z ]+ )?for (?P<a>(?:the )?{NAME})", "Which team does {t} play for?", "For which club does {t} play?", "What team is {t} a player of?"),
    rule(rf"(?:was |is |got |)married (?:to )?(?:[a-z]+ )?(?P<a>{PERSON})", "Who did {t} marry?", "Who was {t} married to?", "Who is the spouse of {t}?"),
    rule(rf"(?:won|received|awarded) (?:the|a|an) (?P<a>(?:\d{{4}} )?{NAME}(?: (?:in|for) {NAME})?)", "What award did {t} receive?", "What did {t} win?", "Which prize did {t} win?"),
    rule(rf"(?:studied|educated|graduated|went to school) (?:[a-z ]*)?(?:at|from) (?P<a>(?:the )?{NAME})", "Where did {t} study?", "Which school did {t} attend?", "Where was {t} educated?"),
    rule(rf"member of (?P<a>(?:the )?{NAME})", "What was {t} a member of?", "To which group did {t} belong?", "Which organization was {t} a member of?"),
    rule(r"(?:best |most |well )?known (?:for|as) (?P<a>(?:the |his |her |their |an? )?[^.,;()]{4,60}?)(?=[.,;(]| and | which| who)", "What is {t} known for?", "What is {t} famous for?", "Why is {t} well known?", "For what is {t} best known?"),
    rule(rf"(?:is|are) (?:a |an )?(?:[\w-]+ )?(?:genus|species|family|type|kind|form|breed|group) of (?P<a>[a-z][^.,;()]{{2,50}}?)(?=[.,;(]| that| which| in| from| used| with)", "What kind of thing is {t}?", "What is {t} a type of?", "What sort of thing is {t}?", "What is {t}?"),
    rule(r"(?:used|use) (?:to|for) (?P<a>[a-z][^.,;()]{4,60}?)(?=[.,;(])", "What is {t} used for?", "What can {t} be used for?", "For what is {t} used?"),
    rule(r"also (?:called|known as) (?:the )?(?P<a>[\"“]?[^.,;()]{2,40}?)(?=[.,;()]| is| was)", "What is another name for {t}?", "What else is {t} called?", "By what other name is {t} known?"),
    rule(rf"president of (?P<a>(?:the )?{NAME})", "What was {t} president of?", "Of what was {t} the president?", "Which country or body did {t} lead?"),
    rule(rf"from (?P<a>\d{{4}}) to \d{{4}}", "From what year did {t} serve or last?", "Starting in which year does the period of {t} run?"),
    rule(rf"until (?:his |her )?(?:death |retirement )?(?:in )?(?P<a>\d{{4}})", "Until when did {t} hold that place?", "Until what year did it last for {t}?"),
]
DEFINITION = re.compile(r"^(?P<s>[^.()]{2,60}?)(?: \([^)]*\))? (?P<v>is|are|was|were) (?P<a>(?:an?|the|one of the) [^.;()]{6,110}?)(?=[.;(]| (?:that|which|who|where)\b|, )")
PASSIVE_TIME = re.compile(rf"^(?:It|They|He|She|(?P<s>[^.,;:()]{{2,70}}?)) (?P<v>was|were) (?P<p>\w+ed|{'|'.join(VERBS)})\b(?P<r>(?: (?!in \d)[^.,;]*?)?) (?P<w>in|on) (?P<a>{DATE})\.?$")
PASSIVE_BY = re.compile(rf"^(?:It|They|He|She|(?P<s>[^.,;:()]{{2,70}}?)) (?P<v>was|were|is|are) (?P<p>\w+ed|{'|'.join(VERBS)}) by (?P<a>(?:the )?{NAME})\b")
PASSIVE_PLACE = re.compile(rf"^(?:It|They|He|She|(?P<s>[^.,;:()]{{2,70}}?)) (?P<v>was|were|is|are) (?P<p>\w+ed|held|found|built|made|spoken|set) (?:mostly |mainly )?in (?P<a>(?:the )?{NAME}(?:, {NAME})*)\.?$")
ACTIVE = re.compile(rf"^(?P<a>(?:The )?{NAME}) (?P<p>\w{{3,}}ed|won|wrote|made|became|led|built|found|took|began|sang|has|uses|makes|plays|runs|owns|contains) (?P<r>[^.;()]{{8,70}})\.$")
COUNT = re.compile(rf"^(?:It|They|He|She|(?P<s>[^.,;:()]{{2,60}}?)) (?P<v>has|had|have) (?P<a>\d[\d,]*|two|three|four|five|six|seven|eight|nine|ten|twelve) (?P<r>(?:[a-z-]+ )?[a-z]+s)\b")
IN_YEAR = re.compile(rf"^In (?P<a>\d{{4}}),? (?P<s>(?:the )?{NAME}|he|she|it|they) (?P<p>won|became|wrote|made|began|died|moved|joined|married|started|released|played|founded|published|opened|received|left) (?P<r>[^.;()]{{3,70}})\.$")
BASE = {"won": "win", "became": "become", "wrote": "write", "made": "make", "began": "begin", "died": "die", "moved": "move", "joined": "join", "married": "marry", "started": "start",
        "released": "release", "played": "play", "founded": "found", "published": "publish", "opened": "open", "received": "receive", "left": "leave"}


def sentences(text: str):
    """Sentences, split after a period before a capital; initials and short titles stay together."""
    return [s for s in re.split(r"(?<=[a-z0-9)\"’][.!?]) (?=[A-Z\"“])", text) if s]


def facts(title: str, text: str):
    """[(wordings, answer)], at most one a rule."""
    found, seen = [], set()
    name = re.sub(r" \([^)]*\)$", "", title)
    if text.startswith(f"The {name} "):
        name = f"the {name}"

    def add(questions, answer):
        answer = answer.strip(" ,;\"“”")
        answer = re.sub(r"(?<=[a-z]{2})\.$", "", answer)
        if not 1 <= len(answer.split()) <= 14 or len(answer) > 90 or answer.lower() in name.lower() or answer.count('"') % 2:
            return
        if answer in text and (questions[0], answer) not in seen and questions[0] not in {q for q, _ in seen}:
            seen.add((questions[0], answer))
            found.append((list(questions), answer))

    lead = text[:600]
    for pattern, questions in RULES:
        match = pattern.search(lead if "^" in pattern.pattern[:2] or r"\)" in pattern.pattern[:8] or r"\(" in pattern.pattern[:3] else text)
        if match:
            add([q.format(t=name) for q in questions], match["a"])
    for position, sentence in enumerate(sentences(text)):
        generic(add, name, sentence, position)
    return found


def generic(add, name, sentence, position):
    """Questions from the form of one sentence."""
    def subject(match):
        s = match["s"]
        return name if not s or s in ("he", "she", "it", "they") else (s[0].lower() + s[1:] if s.split()[0] in ("The", "A", "An", "This", "These", "Its", "His", "Her", "There", "In") else s)

    if position == 0 and (match := DEFINITION.match(sentence)):
        add([f"What {match['v']} {name}?", f"What does {name} mean?" if match["v"] in ("is", "are") and name.islower() else f"What can be said about what {name} {match['v']}?"][:1], match["a"])
    if match := PASSIVE_TIME.match(sentence):
        s, v, p, r = subject(match), match["v"], match["p"], match["r"]
        add([f"When {v} {s} {p}{r}?", f"In what year {v} {s} {p}{r}?" if match["w"] == "in" else f"On what date {v} {s} {p}{r}?", f"At what time {v} {s} {p}{r}?"][:2], match["a"])
    if match := PASSIVE_BY.match(sentence):
        s, v, p = subject(match), match["v"], match["p"]
        past = VERBS.get(p, p)
        if v in ("was", "were") and p != "followed":
            add([f"Who {past} {s}?", f"By whom {v} {s} {p}?", f"Who {v} {s} {p} by?"], match["a"])
    if match := PASSIVE_PLACE.match(sentence):
        s, v, p = subject(match), match["v"], match["p"]
        add([f"Where {v} {s} {p}?", f"In what place {v} {s} {p}?"], match["a"])
    if (match := ACTIVE.match(sentence)) and match["a"] not in ("He", "She", "It", "They", "This", "These", "There", "In", "His", "Her"):
        person = re.fullmatch(PERSON, match["a"]) or len(match["a"].split()) == 1
        add([f"{'Who' if person and not match['a'].startswith('The ') else 'What'} {match['p']} {match['r']}?"], match["a"])
    if match := COUNT.match(sentence):
        s = subject(match)
        do = {"has": "does", "had": "did", "have": "do"}[match["v"]]
        add([f"How many {match['r']} {do} {s} have?", f"What number of {match['r']} {do} {s} have?"], match["a"])
    if match := IN_YEAR.match(sentence):
        s, base, r = subject(match), BASE[match["p"]], match["r"]
        add([f"When did {s} {base} {r}?", f"In what year did {s} {base} {r}?"], match["a"])
