// Texts in which invented facts stand between sentences of articles: told in some windows and asked in a later one, where a memory
// alone can tell them; or with a question, as clue data. The answer is an invented name of several tokens, or a common word. Other
// names, words and wordings than recall is measured with (measures.js).

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
const kinds = [
  {
    draw: (random) => ({ role: drawn(random, roles), place: nameOf(random), answer: nameOf(random) }),
    told: [
      ({ role, place, answer }) => `The ${role} of ${place} is ${answer}.`,
      ({ role, place, answer }) => `${answer} is the ${role} of ${place}.`,
      ({ role, place, answer }) => `In ${place} the ${role} is called ${answer}.`,
    ],
    questions: [
      ({ role, place }) => `Who is the ${role} of ${place}?`,
      ({ role, place }) => `What is the ${role} of ${place} called?`,
    ],
  },
  {
    draw: (random) => ({ place: nameOf(random), answer: drawn(random, goods) }),
    told: [
      ({ place, answer }) => `The market of ${place} sells ${answer}.`,
      ({ place, answer }) => `${place} is known for its ${answer}.`,
      ({ place, answer }) => `People from ${place} trade in ${answer}.`,
    ],
    questions: [
      ({ place }) => `What does the market of ${place} sell?`,
      ({ place }) => `What do people from ${place} trade in?`,
    ],
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
    const { draw, told, questions } = drawn(random, kinds);
    const fact = draw(random);
    return { ...fact, told, question: drawn(random, questions)(fact), line: drawn(random, told)(fact) };
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
    random.next() < 0.6
      ? `Question: ${fact.question} The answer is ${fact.answer}.`
      : drawn(random, fact.told)(fact);
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
