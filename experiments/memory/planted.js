// Texts in which facts about invented people stand between sentences of articles: told and asked again, a memory must hold the names to
// go on; or with a question, as clue data. Other roles, names and wordings than recall is measured with (measures.js).

const syllables =
  "ar ben cla den ek fin gal hor il jas kol lin mar ner os pat ran sil tor ul ven wal yor zan".split(" ");
const roles =
  "mayor owner captain teacher cook doctor painter founder architect singer baker judge pilot poet".split(
    " ",
  );
const toldForms = [
  ({ role, place, name }) => `The ${role} of ${place} is ${name}.`,
  ({ role, place, name }) => `${name} is the ${role} of ${place}.`,
  ({ role, place, name }) => `In ${place} the ${role} is called ${name}.`,
];
const questionForms = [
  ({ role, place }) => `Who is the ${role} of ${place}?`,
  ({ role, place }) => `What is the ${role} of ${place} called?`,
];
/** Characters: two to three windows of 128 tokens tell, the rest of a stretch of four asks. */
const [toldCharacters, askedCharacters] = [850, 1000];

const drawn = (random, list) => list[random.int(list.length)];

function tell(random, sentences) {
  const facts = Array.from({ length: 3 + random.int(4) }, () => ({
    role: drawn(random, roles),
    place: nameOf(random),
    name: nameOf(random),
  }));
  for (const fact of facts) fact.line = drawn(random, toldForms)(fact);
  let length = facts.reduce((sum, { line }) => sum + line.length, 0);
  const between = sentences.filter((sentence) => {
    length += sentence.length;
    return length < toldCharacters;
  });
  return { facts, text: random.shuffle([...facts.map(({ line }) => line), ...between]).join(" ") };
}

/** A text for next-token prediction; `sentences` are what stands between the facts. */
export function plantedText(random, { title, sentences }) {
  const { facts, text } = tell(random, sentences);
  const asked = [];
  const again = (fact) =>
    random.next() < 0.5
      ? `Question: ${drawn(random, questionForms)(fact)} The answer is ${fact.name}.`
      : drawn(random, toldForms)(fact);
  while (asked.join("\n").length < askedCharacters) asked.push(...random.shuffle(facts).map(again));
  return { title, text: `${text}\n${asked.join("\n")}` };
}

/** A line of clue data. */
export function plantedExample(random, { title, sentences }) {
  const { facts, text } = tell(random, sentences);
  const fact = drawn(random, facts);
  return {
    title,
    text,
    question: drawn(random, questionForms)(fact),
    clues: [fact.line],
    answers: [fact.name],
  };
}

function nameOf(random) {
  const name = random.sample(syllables, 2 + random.int(2)).join("");
  return name[0].toUpperCase() + name.slice(1);
}
