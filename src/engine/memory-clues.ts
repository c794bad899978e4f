import { z } from "zod";
import { ruleAugmenter } from "../augmentation/rule-augmenter.ts";
import { ConfigError, InputError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { readGivenJsonl } from "../base/jsonl.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import type { Unread } from "../corpus/find-files.ts";
import { readFiles } from "../corpus/read-files.ts";
import { normaliseAnswer } from "../text/normalise.ts";
import { sentences } from "../text/sentences.ts";
import type { ClueExample } from "../training/memory-clues.ts";
import type { EngineParts } from "./parts.ts";

/** What clue data is made from. */
export interface CluesRequest {
  /** Documents: rules ask their passages. */
  paths: readonly string[];
  base: string;
  /** JSONL with questions, answers and contexts, as the datasets of evaluations have. */
  questions?: string | undefined;
  out: string;
  /** Words of the text around a question, at most. */
  words?: number | undefined;
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface CluesReport extends Unread {
  examples: number;
  fromDocuments: number;
  fromQuestions: number;
  out: string;
}

const defaultWords = 300;

/** Writes clue data for fine-tuning a memory: questions on texts, with the sentences of the text that answer them. */
export async function makeClues(parts: EngineParts, request: CluesRequest): Promise<CluesReport> {
  const { words = defaultWords, seed = 1, signal, out } = request;
  if (!request.paths.length && request.questions === undefined)
    throw new ConfigError("clues are made of something: name files, or a dataset of questions (--questions)");
  const { documents, skipped, incomplete } = await readPassages(parts, request);
  const fromDocuments: ClueExample[] = [];
  for (const [i, passages] of documents.entries()) {
    signal?.throwIfAborted();
    fromDocuments.push(...(await examplesOf(passages, { words, seed })));
    parts.progress({ task: "make clues", done: i + 1, total: documents.length, note: "documents" });
  }
  const fromQuestions =
    request.questions === undefined ? [] : await examplesOfDataset(request.questions, { words, seed });
  const examples = [...fromDocuments, ...fromQuestions];
  if (!examples.length) {
    throw new InputError(
      "no clue could be made: the rules found no question in the documents whose answer stands in a sentence of theirs",
    );
  }
  await writeAtomic(out, examples.map((example) => `${JSON.stringify(example)}\n`).join(""));
  return {
    examples: examples.length,
    fromDocuments: fromDocuments.length,
    fromQuestions: fromQuestions.length,
    out,
    skipped,
    incomplete,
  };
}

async function readPassages(
  { config, folder }: EngineParts,
  { paths, base, signal }: CluesRequest,
): Promise<Unread & { documents: Passage[][] }> {
  const documents: Passage[][] = [];
  const unread = await readFiles(paths, {
    ...config.ingest,
    base,
    dataFolder: folder.path,
    signal,
    onDocument({ document, passages }) {
      documents.push(
        passages.map((passage, position) => ({ ...passage, documentId: document.id, position })),
      );
    },
  });
  return { documents, ...unread };
}

/** Questions by rule on the passages of one document, each over the passages around it. */
async function examplesOf(
  passages: readonly Passage[],
  { words, seed }: { words: number; seed: number },
): Promise<ClueExample[]> {
  const augmented = await ruleAugmenter.augment(passages, { rewrites: 0, pairs: 4, seed });
  return augmented.flatMap(({ augmented: { passage, pairs } }) =>
    pairs.flatMap(({ question, answer }) => {
      const clue = sentenceWith(passage.text, { question, answer });
      if (clue === undefined) return [];
      const text = stretchAround(passages, { at: passage.position, words });
      return [{ title: passage.title, text, question, clues: [clue], answers: [answer] }];
    }),
  );
}

/** Neighbouring passages around one of them, of so many words at most (the passage itself always). */
function stretchAround(passages: readonly Passage[], { at, words }: { at: number; words: number }): string {
  let [begin, end] = [at, at + 1];
  const countWords = () => passages.slice(begin, end).reduce((sum, { text }) => sum + wordsOf(text), 0);
  while (true) {
    const before = passages[begin - 1];
    const after = passages[end];
    const room = words - countWords();
    if (before && wordsOf(before.text) <= room) begin--;
    else if (after && wordsOf(after.text) <= room) end++;
    else break;
  }
  return passages
    .slice(begin, end)
    .map(({ text }) => text)
    .join("\n");
}

function wordsOf(text: string): number {
  return text.split(/\s+/).length;
}

const rowSchema = z.object({
  question: z.string(),
  answers: z.array(z.string()).min(1),
  contexts: z.array(z.object({ title: z.string(), text: z.string() })).min(1),
});

/** Questions of a dataset over their contexts, which are set among contexts of other questions. */
async function examplesOfDataset(
  path: string,
  { words, seed }: { words: number; seed: number },
): Promise<ClueExample[]> {
  const rows = await readGivenJsonl(path, rowSchema);
  const random = new Random(`clues/${seed}`);
  const others = rows.flatMap(({ contexts }) => contexts);
  return rows.flatMap(({ question, answers, contexts }, i) => {
    const drawn = random.fork(String(i));
    const found = contexts
      .map(({ title, text }) => ({ title, clue: sentenceWith(text, { question, answer: answers[0]! }) }))
      .find(({ clue }) => clue !== undefined);
    if (found?.clue === undefined) return [];
    const own = contexts.map((context) => context.text);
    const texts = [...own];
    for (const { text: other } of drawn.sample(others, 8)) {
      const length = texts.reduce((sum, one) => sum + wordsOf(one), 0);
      if (!own.includes(other) && length + wordsOf(other) <= words) texts.push(other);
    }
    return [
      {
        title: found.title,
        text: drawn.shuffle(texts).join("\n"),
        question,
        clues: [found.clue],
        answers,
      },
    ];
  });
}

/** Of the sentences in which an answer stands, the one with most words of the question; the first of equals. */
function sentenceWith(text: string, { question, answer }: { question: string; answer: string }) {
  const wanted = ` ${normaliseAnswer(answer)} `;
  if (wanted.trim() === "") return undefined;
  const asked = new Set(normaliseAnswer(question).split(" "));
  let best: { sentence: string; shared: number } | undefined;
  for (const sentence of sentences(text)) {
    const said = normaliseAnswer(sentence);
    if (!` ${said} `.includes(wanted)) continue;
    const shared = new Set(said.split(" ").filter((word) => asked.has(word))).size;
    if (!best || shared > best.shared) best = { sentence, shared };
  }
  return best?.sentence;
}
