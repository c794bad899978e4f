// What adapters carry: on the atlas with its ready-made pairs, and on SQuAD's paragraphs with questions by people.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPair, questionKey } from "../../dist/augmentation/check.js";
import { factsOf } from "../../dist/augmentation/rule-augmenter.js";
import { Random } from "../../dist/base/random.js";
import { createMethod } from "../../dist/engine/create-method.js";
import { encode } from "../../dist/engine/encode.js";
import { importAugmentations } from "../../dist/engine/import-augmentations.js";
import { ingest } from "../../dist/engine/ingest.js";
import { wordingOf } from "../../dist/evaluation/wording.js";
import { atlasQuestions, encodeAtlas, questionGroups, rightRetriever } from "../atlas.js";
import { sample } from "./data.js";
import { ask, knowingRetriever, partsWith, scoresOf } from "./measures.js";

/** The methods on the atlas, the control, and the right articles' adapters alone. */
export async function measureAtlas({ parts }, { titles, seed, progress }) {
  const { report, pairsByTitle } = await encodeAtlas({ parts }, { titles });
  const questions = await atlasQuestions({ titles });
  const groupOf = questionGroups(questions, pairsByTitle);
  const right = partsWith(parts, {
    retriever: rightRetriever(questions, [...(await parts.corpus()).passages()]),
    isSum: true,
  });
  const method = (name, options) => createMethod(parts, name, { onMissing: "skip", ...options });
  const runs = {
    "closed-book": [await method("closed-book")],
    "standard-rag": [await method("standard-rag")],
    prag: [await method("prag")],
    combine: [await method("combine")],
    shuffled: [await method("prag", { shuffleAdapters: seed })],
    right: [await createMethod(right, "prag", { onMissing: "skip" }), 4],
  };
  const rows = {};
  for (const [name, [chosen, limit = 3]] of Object.entries(runs)) {
    const { records } = await ask(`atlas, ${name}`, { method: chosen, questions, limit, progress });
    rows[name] = { all: scoresOf(records, seed) };
    for (const group of new Set(groupOf.values()))
      rows[name][group] = scoresOf(
        records.filter(({ id }) => groupOf.get(id) === group),
        seed,
      );
  }
  return { passages: report.passages, rows };
}

/** Facts of a paragraph that rules ask for in two wordings, at most. */
const ruleFacts = 2;

/**
 * Trains on half of the questions that people asked of each paragraph (those that pass the engine's check), and on the first wordings of
 * facts that the rules can ask in two; then asks all of them, the rules' second wordings, and the people's other half.
 */
export async function measureParagraphs({ parts }, { work, paragraphs, count, seed, progress }) {
  const rich = paragraphs.filter(({ questions }) => questions.length >= 4);
  const chosen = sample(rich, count, { seed, name: "paragraphs" }).map((one) => divide(one, seed));
  await encodeParagraphs(parts, { chosen, work });
  const questions = chosen.flatMap(({ trained, reworded, others }) => [...trained, ...reworded, ...others]);
  const groupOf = new Map(questions.map(({ id, group }) => [id, group]));
  const passagesOf = new Map(
    chosen.flatMap(({ passage, trained, reworded, others }) =>
      [...trained, ...reworded, ...others].map(({ question }) => [question, [passage]]),
    ),
  );
  const right = partsWith(parts, { retriever: knowingRetriever(passagesOf), isSum: true });
  const runs = {
    "closed-book": [await createMethod(parts, "closed-book")],
    right: [await createMethod(right, "prag", { onMissing: "skip" }), 1],
    merged: [await createMethod(parts, "prag", { onMissing: "skip" }), 3],
  };
  const rows = {};
  for (const [name, [method, limit]] of Object.entries(runs)) {
    const { records, recall } = await ask(`paragraphs, ${name}`, { method, questions, limit, progress });
    rows[name] = recall === undefined ? {} : { recall };
    for (const group of groups)
      rows[name][group] = scoresOf(
        records.filter(({ id }) => groupOf.get(id) === group),
        seed,
      );
  }
  return {
    passages: chosen.length,
    trainedPairs: chosen.reduce((sum, { pairs }) => sum + pairs.length, 0),
    rows,
  };
}

/** Trained wording; the same fact in the rules' other words; in another person's words; a fact that no pair has. */
export const groups = ["trained", "reworded by rule", "reworded by people", "other facts"];

/** What of a paragraph is trained on, and what is asked. */
function divide({ passage, questions }, seed) {
  const random = new Random(seed).fork(`divide/${passage.id}`);
  const drawn = random.shuffle(questions);
  const half = Math.floor(drawn.length / 2);
  const pairOf = ({ question, answers }) => ({
    question,
    answer: answers.reduce((a, b) => (b.length < a.length ? b : a)),
  });
  const trained = drawn
    .slice(0, half)
    .filter((question) => checkPair(pairOf(question), passage) === undefined)
    .map((question) => ({ ...question, group: "trained" }));
  const asked = new Set(questions.map(({ question }) => questionKey(question)));
  const facts = random
    .shuffle(factsOf(passage))
    .map((fact) => fact.filter((pair) => !checkPair(pair, passage) && !asked.has(questionKey(pair.question))))
    .filter((fact) => fact.length > 1)
    .slice(0, ruleFacts);
  const pairs = [...trained.map(pairOf), ...facts.map(([first]) => first)];
  return {
    passage,
    pairs,
    trained,
    reworded: facts.map(([, { question, answer }], i) => ({
      ...questions[0],
      id: `${passage.id}/${i}`,
      question,
      answers: [answer],
      group: "reworded by rule",
    })),
    others: drawn.slice(half).map((question) => ({
      ...question,
      group: wordingOf(question, pairs) === "uncovered" ? "other facts" : "reworded by people",
    })),
  };
}

/** A collection of the paragraphs with the chosen pairs, in the work folder. */
async function encodeParagraphs(parts, { chosen, work }) {
  const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const paths = [join(work, "paragraphs.jsonl"), join(work, "pairs.jsonl")];
  await writeFile(paths[0], lines(chosen.map(({ passage: { id, title, text } }) => ({ id, title, text }))));
  await writeFile(
    paths[1],
    lines(
      chosen.map(({ passage, pairs }) => ({
        passageId: passage.id,
        pairs,
        rewrites: [],
        augmenter: "people",
      })),
    ),
  );
  await ingest(parts, ["paragraphs.jsonl"], { base: work });
  const { matched } = await importAugmentations(parts, paths[1]);
  if (matched !== chosen.length)
    throw new Error(`${chosen.length} paragraphs were wanted, ${matched} were found in the collection`);
  await encode(parts);
}
