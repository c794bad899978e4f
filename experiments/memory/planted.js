// Texts in which invented facts stand between sentences of articles: told in some windows and asked in a later one, where a memory
// alone can tell them; or with a question, as clue data. Answers are names, years and common words; other ones and in other wordings
// than recall is measured with (measures.js).

const syllables =
  "ar ben cla den ek fin gal hor il jas kol lin mar ner os pat ran sil tor ul ven wal yor zan".split(" ");
const roles =
  "mayor owner captain teacher cook doctor painter founder architect singer baker judge pilot poet".split(
    " ",
  );
const goods =
  "wine copper bread paper timber sugar cotton marble coffee milk stone glass rice leather corn coal butter iron wheat fish".split(
    " ",
  );
const firstNames =
  "Alice Bernard Celia Daniel Edith Frank Helen Ivan Julia Karl Lucy Max Olga Paul Rosa Thomas".split(" ");
const person = (random) => `${drawn(random, firstNames)} ${nameOf(random)}`;
const year = (random) => String(1600 + random.int(400));
/** Forms that prag-mini answers from the text itself; `of` is what the fact is about. */
const kinds = [
  {
    of: nameOf,
    answer: person,
    told: [(of, answer) => `${of} was painted by ${answer}.`, (of, answer) => `${answer} painted ${of}.`],
    question: (of) => `Who painted ${of}?`,
  },
  {
    of: nameOf,
    answer: person,
    told: [
      (of, answer) => `The ${of} was invented by ${answer}.`,
      (of, answer) => `${answer} invented the ${of}.`,
    ],
    question: (of) => `Who invented the ${of}?`,
  },
  {
    of: nameOf,
    answer: person,
    told: [
      (of, answer) => `${of} was named after ${answer}.`,
      (of, answer) => `${of} is named after ${answer}.`,
    ],
    question: (of) => `Who was ${of} named after?`,
  },
  {
    of: (random) => `${drawn(random, roles)} of ${nameOf(random)}`,
    answer: (random) => (random.next() < 0.5 ? nameOf(random) : person(random)),
    told: [(of, answer) => `The ${of} is ${answer}.`, (of, answer) => `${answer} is the ${of}.`],
    question: (of) => `Who is the ${of}?`,
  },
  {
    of: nameOf,
    answer: year,
    told: [
      (of, answer) => `${of} was discovered in ${answer}.`,
      (of, answer) => `In ${answer}, ${of} was discovered.`,
    ],
    question: (of) => `When was ${of} discovered?`,
  },
  {
    of: person,
    answer: year,
    told: [(of, answer) => `${of} died in ${answer}.`, (of, answer) => `In ${answer}, ${of} died.`],
    question: (of) => `When did ${of} die?`,
  },
  {
    of: nameOf,
    answer: (random) => drawn(random, goods),
    told: [
      (of, answer) => `The ${of} is made of ${answer}.`,
      (of, answer) => `A ${of} is made of ${answer}.`,
    ],
    question: (of) => `What is the ${of} made of?`,
  },
  {
    of: person,
    answer: nameOf,
    told: [(of, answer) => `${of} was born in ${answer}.`, (of, answer) => `In ${answer}, ${of} was born.`],
    question: (of) => `Where was ${of} born?`,
  },
];
const drawn = (random, list) => list[random.int(list.length)];

/** Parts with sentences behind them until they have so many tokens; the last sentence is cut where they are full. */
function fill(parts, { sentences, tokens, lengthOf }) {
  const all = [...parts];
  let length = lengthOf(all.join(" "));
  for (const sentence of sentences) {
    const words = sentence.split(/\s+/);
    while (words.length > 0 && length + lengthOf(` ${words.join(" ")}`) > tokens) words.pop();
    if (words.length === 0) break;
    all.push(words.join(" "));
    length = lengthOf(all.join(" "));
  }
  return all;
}

/** Facts in a text of so many tokens, anywhere in it. */
function tell(random, { sentences, count, tokens, lengthOf }) {
  const facts = Array.from({ length: count }, () => {
    const kind = drawn(random, kinds);
    const [of, answer] = [kind.of(random), kind.answer(random)];
    const lineOf = () => drawn(random, kind.told)(of, answer);
    return { answer, lineOf, line: lineOf(), question: kind.question(of) };
  });
  const lines = facts.map(({ line }) => line);
  const between = fill(lines, { sentences, tokens, lengthOf }).slice(lines.length);
  return { facts, text: random.shuffle([...lines, ...between]).join(" ") };
}

/**
 * A text for next-token prediction: facts are told in all windows but the last, and each is asked once in that one. `sentences`
 * are what stands between the facts; `window` and `windows` are in tokens as pre-training cuts them.
 */
export function plantedText(random, { title, sentences, window, windows, lengthOf }) {
  const toldTokens = window * (windows - 1) - 1; // and the line's end
  const { facts, text } = tell(random, {
    sentences,
    count: Math.min(6, 1 + windows),
    tokens: toldTokens,
    lengthOf,
  });
  const again = (fact) =>
    random.next() < 0.6 ? `Question: ${fact.question} The answer is ${fact.answer}.` : fact.lineOf();
  const asked = fill(random.shuffle(facts).map(again), {
    sentences: random.shuffle(sentences),
    tokens: window + 16, // a whole window at least
    lengthOf,
  });
  return { title, text: `${text}\n${asked.join(" ")}` };
}

/** Windows of a text, the last one saying one of the others again, and a little more, so that it is a whole one. */
export function repeatedText(random, { title, ids, window, windows, detokenize }) {
  const pieceFrom = (w, more = 0) => detokenize(ids.slice(w * (window - 1), (w + 1) * (window - 1) + more));
  const cut = Array.from({ length: windows - 1 }, (_, w) => pieceFrom(w));
  return { title, text: [...cut, pieceFrom(random.int(cut.length), 16)].join("\n") };
}

/** A line of clue data: in three of four, the text ends with a window, so that the question is read from the memory of all of it. */
export function plantedExample(random, { title, sentences, window, before, lengthOf }) {
  const isAligned = random.next() < 0.75;
  const tokens = window * (1 + random.int(3)) - before - (isAligned ? 0 : random.int(window / 2));
  const { facts, text } = tell(random, { sentences, count: 3 + random.int(3), tokens, lengthOf });
  const fact = drawn(random, facts);
  return {
    title,
    text,
    question: fact.question,
    clues: [fact.line],
    answers: [fact.answer],
  };
}

function nameOf(random) {
  const name = random.sample(syllables, 2 + random.int(2)).join("");
  return name[0].toUpperCase() + name.slice(1);
}
