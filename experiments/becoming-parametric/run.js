// Documents that become parametric while they are used: a server begins with no adapter at all, Zipf-distributed questions on the
// atlas come in, and the background encodes what is retrieved often. How many prompt tokens does a question cost, window by
// window, and what happens to the answers? Beside them, the same questions answered in context before, and with the adapters that
// there are in the end. Takes about seven minutes on two quiet cores.
//
//   npm run --silent build && node experiments/becoming-parametric/run.js
//     --questions <n>      of the stream (500)
//     --exponent <s>       of the Zipf distribution (1)
//     --pause <ms>         mean of the exponentially distributed time between an answer and the next question (700)
//     --passages <n>       only a seeded sample of the articles, and the questions about them
//     --cpu-share <share>  that the background may take (1)
//     --seed <n>           of the order of questions and of the pauses
//     --out <folder>       where results.json, records.jsonl, findings.md and tokens.svg go (default: beside this file)
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withServer } from "../../bench/server.js";
import { writeAtomic } from "../../dist/base/files.js";
import { Random } from "../../dist/base/random.js";
import { scoreAnswer } from "../../dist/text/scores.js";
import { atlasQuestions, collectAtlas, openAtlas, runExperiment, sampleTitles } from "../atlas.js";
import { writeSvg } from "../plot.js";
import { createProgress, describeRun, percent, table, writeFindings } from "../report.js";

const flags = {
  questions: { type: "string", default: "500" },
  exponent: { type: "string", default: "1" },
  pause: { type: "string", default: "700" },
  passages: { type: "string" },
  "cpu-share": { type: "string", default: "1" },
  out: { type: "string" },
};
const windows = 10;
/** What is averaged over answers. */
const measured = ["promptTokens", "adapterShare", "f1", "firstTokenMs"];

await runExperiment(flags, async (given) => {
  const titles = await sampleTitles(given);
  const questions = await atlasQuestions({ titles });
  const description = await prepare(given, titles);
  const stream = drawStream(questions, given);
  const { records, background } = await serve(given, (url) => answerAll(url, stream, given));
  const fixed = { ...given, background: false };
  const [context, end] = await serve(fixed, async (url) => [
    await answerEach(url, stream, "standard-rag"),
    await answerEach(url, stream, "prag"),
  ]);
  for (const record of records) {
    record.context = context.get(record.id);
    record.end = end.get(record.id);
  }
  const summary = {
    context: means(records.map((record) => record.context)),
    stream: means(records),
    end: means(records.map((record) => record.end)),
  };
  const results = { ...description, ...settingsOf(given), background, summary, windows: cut(records) };
  const folder = given.out ?? import.meta.dirname;
  await writeAtomic(
    join(folder, "records.jsonl"),
    records.map((record) => `${JSON.stringify(record)}\n`).join(""),
  );
  await writeFindings(folder, { results, title: "Becoming parametric", text: describe(results) });
  await writeSvg(join(folder, "tokens.svg"), chart(results.windows));
  console.log(describe(results));
});

/** Articles and their ready-made augmentation, and no adapter. */
async function prepare(given, titles) {
  await rm(join(given.work, "data"), { recursive: true, force: true });
  const engine = await openAtlas(given, {});
  try {
    await collectAtlas(engine, { titles });
    return {
      ...describeRun(await engine.parts.model()),
      passages: (await engine.parts.corpus()).passageCount,
    };
  } finally {
    await engine.dispose();
  }
}

function settingsOf({ questions, exponent, pause, seed, "cpu-share": cpuShare }) {
  return {
    questions: Number(questions),
    exponent: Number(exponent),
    pauseMs: Number(pause),
    cpuShare: Number(cpuShare),
    seed,
  };
}

/** Questions in a seeded order of popularity; the one of rank r comes with probability proportional to r^-s. */
function drawStream(questions, { questions: count, exponent, seed }) {
  const random = new Random(seed).fork("stream");
  const ranked = random.sample(questions, questions.length);
  const weights = ranked.map((_, i) => (i + 1) ** -Number(exponent));
  const total = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: Number(count) }, () => {
    let left = random.next() * total;
    const index = weights.findIndex((weight) => (left -= weight) < 0);
    return ranked[index < 0 ? ranked.length - 1 : index];
  });
}

/** A server over the experiment's collection, with or without its background. */
function serve({ model, work, background = true, "cpu-share": cpuShare, threads }, task) {
  const words = ["--model", model, "--offline"];
  if (threads !== undefined) words.push("--threads", threads);
  words.push(...(background ? ["--cpu-share", cpuShare] : ["--no-background"]));
  return withServer({ work, words, cwd: process.cwd() }, task);
}

/** One question to one method: the events by type. */
async function ask(url, question, method) {
  const answer = await fetch(`${url}/api/ask`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ question: question.question, method }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data));
  const end = events.find(({ type }) => type === "end");
  if (!end) throw new Error(`question ${question.id} was not answered: ${text.slice(-300)}`);
  const uses = events.filter(({ type }) => type === "adapter").map(({ usedAs }) => usedAs);
  return {
    answer: end.answer,
    f1: scoreAnswer(end.answer, question.answers).f1,
    promptTokens: end.usage.promptTokens,
    adapterShare: uses.filter((use) => use === "adapter").length / Math.max(1, uses.length),
    firstTokenMs: Math.round(end.timings.firstTokenMs ?? end.timings.totalMs),
  };
}

async function answerAll(url, stream, { pause, seed }) {
  const random = new Random(seed).fork("pauses");
  const progress = createProgress();
  const records = [];
  for (const [i, question] of stream.entries()) {
    const { id, type } = question;
    records.push({ number: i + 1, id, type, ...(await ask(url, question, "prag")) });
    progress({ task: "questions", done: i + 1, total: stream.length });
    await sleep(-Math.log(1 - random.next()) * Number(pause));
  }
  const { background } = await (await fetch(`${url}/api/status`)).json();
  return { records, background };
}

/** Every question of the stream once, by its id. */
async function answerEach(url, stream, method) {
  const progress = createProgress();
  const questions = [...new Map(stream.map((question) => [question.id, question])).values()];
  const answers = new Map();
  for (const question of questions) {
    answers.set(question.id, await ask(url, question, method));
    progress({ task: method, done: answers.size, total: questions.length });
  }
  return answers;
}

function means(answers) {
  const mean = (name) => answers.reduce((sum, one) => sum + one[name], 0) / answers.length;
  return Object.fromEntries(measured.map((name) => [name, mean(name)]));
}

/** Means over equal parts of the stream. */
function cut(records) {
  const size = Math.ceil(records.length / windows);
  return Array.from({ length: Math.ceil(records.length / size) }, (_, i) => {
    const part = records.slice(i * size, (i + 1) * size);
    return {
      from: part[0].number,
      to: part.at(-1).number,
      ...means(part),
      contextF1: means(part.map(({ context }) => context)).f1,
      endF1: means(part.map(({ end }) => end)).f1,
    };
  });
}

function describe({
  date,
  machine,
  model,
  cpuShare,
  windows: parts,
  summary,
  background,
  questions,
  exponent,
  pauseMs,
  passages,
}) {
  const row = (name, { promptTokens, adapterShare, f1, firstTokenMs }, beside) => [
    name,
    ...[promptTokens.toFixed(0), percent(adapterShare), percent(f1)],
    ...beside,
    firstTokenMs.toFixed(0),
  ];
  const rows = parts.map((part) =>
    row(`${part.from}–${part.to}`, part, [percent(part.contextF1), percent(part.endF1)]),
  );
  const header = [
    "questions",
    "prompt tokens",
    "hits as adapters, %",
    "F1",
    "the same before, in context",
    "the same with the adapters of the end",
    "first token, ms",
  ];
  const all = [
    row("before: all in context", summary.context, []),
    row("while they became parametric", summary.stream, []),
    row("after: the adapters of the end", summary.end, []),
  ];
  const intro = `${questions} questions, Zipf with exponent ${exponent}, ${pauseMs} ms between them on average; ${passages} passages, of which the background encoded ${background.encoded}.`;
  const allHeader = ["all questions", "prompt tokens", "hits as adapters, %", "F1", "first token, ms"];
  const head = `${date}, ${machine}; ${model.name} (${model.fingerprint}); the background may work ${percent(cpuShare)} % of the time.`;
  return `${head}\n\n${intro}\n\n${table(allHeader, all)}\n\n${table(header, rows)}`;
}

function chart(parts) {
  return {
    width: 480,
    height: 240,
    data: { values: parts },
    mark: { type: "line", point: true },
    encoding: {
      x: { field: "to", type: "quantitative", title: "questions asked" },
      y: { field: "promptTokens", type: "quantitative", title: "prompt tokens per question" },
    },
  };
}
