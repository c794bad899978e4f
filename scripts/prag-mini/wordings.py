"""Other wordings of a question by rule, so that one fact is asked in more ways than its template has."""

import re

RULES = [
    (r"^Who (?!is\b|was\b|are\b|were\b|did\b|does\b|do\b|own|publish|built)(.+)\?$", ["What is the name of the person who {0}?", "Which person {0}?", "Can you name the person who {0}?", "Who was it that {0}?", "By what name is the person known who {0}?"]),
    (r"^Who (is|was) the (.+?) of (.+)\?$", ["What {0} the name of the {1} of {2}?", "Name the {1} of {2}?", "The {1} of {2} {0} who?", "Which person {0} the {1} of {2}?"]),
    (r"^When (was|were) (.+) (\w+ed|built|held|made|won|written|sung|born|lost)\?$", ["{1} {0} {2} when?", "On what date or in what year {0} {1} {2}?", "Do you know when {1} {0} {2}?", "What is known of the time when {1} {0} {2}?"]),
    (r"^When did (.+) (\w+)\?$", ["At what time did {0} {1}?", "In what year or on what date did {0} {1}?"]),
    (r"^What is the (.+?) of (.+)\?$", ["What {0} does {1} have?", "Can you give the {0} of {1}?", "The {0} of {1} is what?", "As for {1}, what is the {0}?"]),
    (r"^Where (is|was) (.+) (located|born|held|built|educated|founded|set|based)\?$", ["In what place {0} {1} {2}?", "{1} {0} {2} where?", "Do you know where {1} {0} {2}?"]),
    (r"^How many (.+?) does (.+) have\?$", ["{1} has how many {0}?", "What is the number of {0} of {1}?", "How many {0} are there in {1}?", "Do you know how many {0} {1} has?"]),
    (r"^How (long|high|tall|deep|large|big|heavy) is (.+)\?$", ["{1} is how {0}?", "Do you know how {0} {1} is?", "Can you say how {0} {1} is?"]),
    (r"^Which (\w+) (?!is\b|was\b|are\b|were\b|did\b|does\b|do\b)(.+)\?$", ["What is the name of the {0} that {1}?", "Can you name the {0} that {1}?"]),
    (r"^What (\w+) did (.+)\?$", ["Which {0} did {1}?"]),
    (r"^In (what|which) (\w+) (is|was|did|does) (.+)\?$", ["What {1} {2} {3} in?"]),
]
COMPILED = [(re.compile(pattern), forms) for pattern, forms in RULES]


def reword(rng, question: str) -> str:
    """The question in another wording; unchanged where no rule fits."""
    fitting = [(match.groups(), forms) for pattern, forms in COMPILED if (match := pattern.match(question))]
    if not fitting:
        return question
    groups, forms = rng.choice(fitting)
    text = rng.choice(forms).format(*groups)
    return text[0].upper() + text[1:]


def described(question: str, name: str, description: str) -> str:
    """The question with the thing's kind or trade before its name: "the bridge Ondrel", "the painter Ada Vesk"."""
    bare = name.removeprefix("the ")
    if not description or description.split()[-1].lower() in name.lower() or question.count(name) != 1:
        return question
    text = question.replace(name, f"the {description} {bare}")
    return text[0].upper() + text[1:]
