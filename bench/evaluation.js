// What the evaluation itself costs: methods that answer at once, so that all the time is the harness's. Milliseconds per
// answer (scoring, one row on disk), seconds of the summary (intervals and paired tests of 4 methods), and of looking for
// the answers of 300 questions in a corpus of 31,000 passages.
// Run: npm run build && node bench/evaluation.js
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJsonl } from "../dist/base/jsonl.js";
import { Random } from "../dist/base/random.js";
import { findAnswers } from "../dist/evaluation/answer-finder.js";
import { answerQuestions } from "../dist/evaluation/answer-questions.js";
import { compareRuns } from "../dist/evaluation/compare-runs.js";
import { runRecordSchema } from "../dist/evaluation/run-format.js";

const random = new Random(42);
const word = () => `w${Math.floor(random.next() ** 3 * 20_000)}`;
const words = (count) => Array.from({ length: count }, word).join(" ");
const questions = Array.from({ length: 300 }, (_, i) => ({
  id: `q${i}`,
  type: "question",
  question: words(12),
  answers: [words(2), words(1)],
  articles: [],
  contexts: [],
  paragraphs: [],
}));

const method = (id) => ({
  id,
  options: {},
  chainOfThought: false,
  open: async () => ({
    name: id,
    async *answer() {
      const timings = { totalMs: 0, retrievalMs: 0, loadMs: 0, mergeMs: 0, firstTokenMs: 0 };
      const usage = { promptTokens: 1, generatedTokens: 1 };
      const text = words(5);
      yield { type: "end", text, answer: text, usage, rounds: 1, timings };
    },
  }),
});

async function timed(task) {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: performance.now() - start, cpuMs: (user + system) / 1000 };
}

const folder = await mkdtemp(join(tmpdir(), "prag-bench-"));
try {
  const methods = ["closed-book", "standard-rag", "prag", "combine"].map(method);
  const clock = () => performance.now();
  const answering = await timed(() => answerQuestions({ folder, questions, methods, inFlight: 1, clock }));
  const count = answering.result.answered;
  const perAnswer = (ms) => (ms / count).toFixed(2);
  console.log(
    `${count} answers: ${perAnswer(answering.ms)} ms each, ${perAnswer(answering.cpuMs)} ms of the processor`,
  );

  const records = await readJsonl(join(folder, "records.jsonl"), runRecordSchema);
  const byMethod = methods.map(({ id }) => ({ id, records: records.filter((one) => one.method === id) }));
  const comparing = await timed(async () => compareRuns(byMethod, 42));
  console.log(
    `${comparing.result.length} comparisons: ${(comparing.ms / 1000).toFixed(2)} s, ${(comparing.cpuMs / 1000).toFixed(2)} s of the processor`,
  );
  const texts = Array.from({ length: 31_000 }, () => words(80));
  const finding = await timed(async () =>
    findAnswers(
      texts,
      questions.map(({ answers }) => answers),
    ),
  );
  console.log(
    `answers in ${texts.length} passages: ${(finding.ms / 1000).toFixed(2)} s, ${(finding.cpuMs / 1000).toFixed(2)} s of the processor`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
