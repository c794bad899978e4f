// Reading: SQuAD's questions with the gold paragraph, with what BM25 finds, and two floors.
import model from "wink-eng-lite-web-model";
import createNlp from "wink-nlp";
import { Random } from "../../dist/base/random.js";
import { createMethod } from "../../dist/engine/create-method.js";
import { bm25Retriever } from "../../dist/retrieval/bm25.js";
import { buildBm25Index } from "../../dist/retrieval/bm25-index.js";
import { scoreAnswer } from "../../dist/text/scores.js";
import { sample } from "./data.js";
import { ask, knowingRetriever, partsWith, scoresOf } from "./measures.js";

/** The sampled questions, the same for every part of reading. */
export function readingQuestions(paragraphs, { count, seed }) {
  const all = paragraphs.flatMap(({ questions }) => questions);
  return sample(all, count, { seed, name: "reading" });
}

export async function readGold({ parts }, { paragraphs, questions, seed, progress }) {
  const passagesOf = new Map(
    paragraphs.flatMap(({ passage, questions: own }) => own.map(({ question }) => [question, [passage]])),
  );
  const method = await createMethod(
    partsWith(parts, { retriever: knowingRetriever(passagesOf) }),
    "standard-rag",
  );
  const { records } = await ask("reading, gold passage", { method, questions, limit: 1, progress });
  return scoresOf(records, seed);
}

export async function readThree({ parts }, { paragraphs, questions, seed, progress }) {
  const passages = paragraphs.map(({ passage }) => passage);
  const retriever = bm25Retriever({
    index: buildBm25Index(passages),
    passages: (ordinal) => passages[ordinal],
  });
  const method = await createMethod(partsWith(parts, { retriever }), "standard-rag");
  const { records, recall } = await ask("reading, three passages", { method, questions, limit: 3, progress });
  return { ...scoresOf(records, seed), recall };
}

export async function readNothing({ parts }, { questions, seed, progress }) {
  const method = await createMethod(parts, "closed-book");
  const { records } = await ask("closed-book", { method, questions, progress });
  return scoresOf(records, seed);
}

/** The floor of who knows that answers are noun phrases: one of the gold paragraph, drawn by the seed. */
export function guessPhrases({ paragraphs, questions, seed }) {
  const textOf = new Map(
    paragraphs.flatMap(({ passage, questions: own }) => own.map(({ id }) => [id, passage.text])),
  );
  const phrasesOf = createPhraseFinder();
  const records = questions.map(({ id, answers }) => {
    const phrases = phrasesOf(textOf.get(id));
    const guess = phrases[new Random(seed).fork(`phrase/${id}`).int(phrases.length)] ?? "";
    return scoreAnswer(guess, answers);
  });
  return scoresOf(records, seed);
}

/** Noun phrases: adjectives, numbers, nouns and names in a row, ending in a noun, name or number. */
function createPhraseFinder() {
  const nlp = createNlp(model, ["sbd", "pos"]);
  const { its } = nlp;
  return (text) => {
    const doc = nlp.readDoc(text);
    const words = doc.tokens().out();
    const tags = doc.tokens().out(its.pos);
    const phrases = [];
    let phrase = [];
    const finish = () => {
      while (phrase.at(-1)?.tag === "ADJ") phrase.pop();
      if (phrase.length) phrases.push(phrase.map(({ word }) => word).join(" "));
      phrase = [];
    };
    for (const [i, word] of words.entries()) {
      if (["ADJ", "NUM", "NOUN", "PROPN"].includes(tags[i])) phrase.push({ word, tag: tags[i] });
      else finish();
    }
    finish();
    return phrases;
  };
}
