// What the measurements of memories say: numbers with intervals, tables, charts.
import { join } from "node:path";
import { Random } from "../../dist/base/random.js";
import { pairedBootstrap } from "../../dist/evaluation/statistics.js";
import { mean, percentile } from "../../dist/evaluation/summary.js";
import { writeSvg } from "../plot.js";
import { percent, table } from "../report.js";

/** A number made from rows, with the 95 % interval of drawing rows again. */
function bootstrap(rows, number, name) {
  const random = new Random(`memory/${name}`);
  const drawn = Array.from({ length: 2000 }, () => number(rows.map(() => rows[random.int(rows.length)])));
  return { value: number(rows), low: percentile(drawn, 0.025), high: percentile(drawn, 0.975) };
}

const summaries = {
  perplexity({ tokens, rows }) {
    const loss = (some, name, of = "own") => mean(some.map((row) => row[of][name]));
    const gap = (some, name) =>
      (loss(some, "nothing") - loss(some, name)) / (loss(some, "nothing") - loss(some, "everything"));
    const right = (some, name) =>
      (loss(some, name, "other") - loss(some, name)) /
      (loss(some, "everything", "other") - loss(some, "everything"));
    const names = Object.keys(rows[0].own).sort((a, b) => Number(b === "nothing") - Number(a === "nothing"));
    return {
      tokens,
      stretches: rows.length,
      rows: names.map((known) => ({
        known,
        loss: loss(rows, known),
        perplexity: Math.exp(loss(rows, known)),
        ...(known !== "nothing" && {
          foreignPerplexity: Math.exp(loss(rows, known, "other")),
          gapClosed: bootstrap(rows, (some) => gap(some, known), `gap/${known}`),
          rightTextShare: bootstrap(rows, (some) => right(some, known), `right/${known}`),
        }),
      })),
    };
  },
  recall: (measured) => measured,
  costs: (rows) => rows,
  reward({ before, after }) {
    const { difference, interval, p } = pairedBootstrap(after, before, {
      random: new Random("memory/reward"),
    });
    return { examples: before.length, before: mean(before), after: mean(after), difference, interval, p };
  },
  f1: (runs) =>
    runs.map(({ dataset, methods, comparisons }) => ({
      dataset,
      differences: comparisons.filter(({ against }) => against === "memorag"),
      methods: methods.map(({ name, questions, f1, intervals }) => ({
        name,
        questions,
        f1,
        interval: intervals.f1,
      })),
    })),
  long: ({ held, ...measured }) => {
    // A page of the cache becomes the process's when it is written first: what is filled so far is taken off.
    const beside = held.map(({ tokens, rss }) => rss - (measured.cacheBytes * tokens) / measured.tokens);
    const [first, last] = [beside[0], beside.at(-1)];
    return {
      ...measured,
      beside: { first, last, least: Math.min(...beside), most: Math.max(...beside) },
      held,
    };
  },
};

export const summarise = (measured) =>
  Object.fromEntries(Object.entries(measured).map(([part, value]) => [part, summaries[part](value)]));

const within = (one) => (one ? `${percent(one.value)} [${percent(one.low)}, ${percent(one.high)}]` : "–");
const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Recall of facts of one kind. */
function recallTable(cells) {
  const known = [...new Set(cells.map((cell) => cell.known))];
  const of = (one) => cells.filter((cell) => cell.known === one);
  return table(
    [
      `${cells[0].kind}: known`,
      ...of(known[0]).map(({ depth }) => `depth ${depth}`),
      "mean [95 %]",
      "told, nats",
    ],
    known.map((one) => [
      one,
      ...of(one).map(({ recall }) => percent(recall)),
      proportion(of(one)),
      one === "nothing" ? "–" : mean(of(one).map(({ nats }) => nats)).toFixed(2),
    ]),
  );
}

/** The share of all facts of some cells that were said, with Wilson's 95 % interval. */
function proportion(cells) {
  const asked = cells.reduce((sum, { facts }) => sum + facts, 0);
  const said = cells.reduce((sum, { facts, recall }) => sum + facts * recall, 0);
  const [p, z] = [said / asked, 1.96];
  const middle = (p + z ** 2 / (2 * asked)) / (1 + z ** 2 / asked);
  const half = (z / (1 + z ** 2 / asked)) * Math.sqrt((p * (1 - p)) / asked + z ** 2 / (4 * asked ** 2));
  return `${percent(p)} [${percent(Math.max(0, middle - half))}, ${percent(middle + half)}]`;
}

const texts = {
  perplexity: ({ tokens, stretches, rows }) => `## Perplexity of a continuation

${stretches} stretches of ${tokens} tokens of held-out books; the last window is predicted. "Of another text": the same last window after the beginning of another stretch.
"Right text": of what full context gains by being the right text, how much the memory gains by being its memory.

${table(
  [
    "known of the text before",
    "perplexity",
    "of another text",
    "gap closed, % [95 %]",
    "right text, % [95 %]",
  ],
  rows.map((row) => [
    row.known,
    row.perplexity.toFixed(2),
    row.foreignPerplexity?.toFixed(2) ?? "–",
    within(row.gapClosed),
    within(row.rightTextShare),
  ]),
)}`,
  recall({ tokens, cells }) {
    return `## Recall of planted facts

A fact in ${tokens} tokens of a book, asked for in ${cells[0].facts} texts for each cell; in how many what is said greedily has its answer, in %. The text ends with a window: nothing of it
is raw when it is asked. Answers are names ("Brafel was founded by Clara Quomir."), years ("The bridge of Brafel was built in 1723.") and common words ("The village of Brafel is known for its salt."),
in forms that the model answers from a prompt; it was trained with other ones.
"Told": how many nats likelier the answer is than in the same text with another one in the fact.

${[...new Set(cells.map(({ kind }) => kind))].map((kind) => recallTable(cells.filter((cell) => cell.kind === kind))).join("\n\n")}

![heat map](recall.svg)`;
  },
  costs: (rows) => `## Keys and values, and the first token

${table(
  ["tokens", "known", "keys and values", "share", "read, s", "first token, s"],
  rows.map(({ tokens, known, bytes, share = 1, buildSeconds, firstTokenSeconds }) => [
    tokens,
    known,
    megabytes(bytes),
    `${percent(share)} %`,
    buildSeconds?.toFixed(2) ?? "–",
    firstTokenSeconds.toFixed(3),
  ]),
)}`,
  reward: ({ examples, before, after, difference, interval, p }) => `## The third stage

Mean reward (F1 of the answer that sampled clues lead to) over ${examples} examples that nothing was trained on: ${percent(before)} before, ${percent(after)} after;
difference ${percent(difference)} [${percent(interval.low)}, ${percent(interval.high)}], p = ${p.toFixed(3)}.`,
  f1: (runs) => `## F1 on long texts

${runs
  .map(
    ({ dataset, methods, differences }) =>
      `${dataset}, ${methods[0].questions} questions:\n\n${table(
        ["method", "F1", "95 %", "minus memorag [95 %], paired"],
        methods.map(({ name, f1, interval }) => {
          const { difference, interval: paired } = differences.find(({ method }) => method === name) ?? {};
          return [
            name,
            percent(f1),
            `${percent(interval.low)} – ${percent(interval.high)}`,
            paired ? `${percent(difference)} [${percent(paired.low)}, ${percent(paired.high)}]` : "–",
          ];
        }),
      )}`,
  )
  .join("\n\n")}`,
  long: ({ tokens, ratio, entries, cacheBytes, seconds, beside, held }) => `## A very long text

${tokens.toLocaleString("en")} tokens at ratio ${ratio}: ${entries.toLocaleString("en")} entries, ${megabytes(cacheBytes)} of keys and values, read in ${Math.round(seconds)} s. Beside
the keys and values that were filled, the process held ${megabytes(beside.first)} after the first window and ${megabytes(beside.last)} at the end (from ${megabytes(beside.least)} to ${megabytes(beside.most)}, seen at ${held.length} moments).
What such a memory recalls is not claimed: see the trained lengths above.`,
};

export function findingsText(results) {
  const { run } = results;
  const head = `${run.date}, ${run.machine}; ${run.model.name} (${run.model.fingerprint}) with ${run.memoryModel.name} (${run.memoryModel.fingerprint}), windows of ${run.memoryModel.window} tokens.`;
  const parts = Object.keys(texts).filter((name) => results[name]);
  return [head, ...parts.map((name) => texts[name](results[name]))].join("\n\n");
}

export async function drawCharts(out, { recall, perplexity }) {
  if (recall) {
    await writeSvg(join(out, "recall.svg"), {
      title: "Recall of a planted fact by its depth in the text and what is known of it",
      width: 320,
      height: 200,
      data: { values: recall.cells.map((cell) => ({ ...cell, known: String(cell.known) })) },
      mark: "rect",
      encoding: {
        x: { field: "depth", type: "ordinal", title: "depth (0 is the beginning)" },
        y: {
          field: "known",
          type: "nominal",
          title: "nothing, everything, or a memory at a ratio",
          sort: null,
        },
        color: { field: "recall", type: "quantitative", scale: { domain: [0, 1], scheme: "blues" } },
        column: {
          field: "kind",
          type: "nominal",
          title: "answers are",
        },
      },
    });
  }
  if (!perplexity) return;
  const points = perplexity.rows.flatMap(({ known, perplexity: own, foreignPerplexity }) => [
    { known, perplexity: own, of: "its own text" },
    ...(foreignPerplexity === undefined
      ? []
      : [{ known, perplexity: foreignPerplexity, of: "another text" }]),
  ]);
  await writeSvg(join(out, "perplexity.svg"), {
    title: "Perplexity of a continuation by what is known of the text before it",
    width: 360,
    height: 220,
    data: { values: points },
    mark: "point",
    encoding: {
      x: {
        field: "known",
        type: "nominal",
        title: "nothing, everything, or a memory at a ratio",
        sort: null,
      },
      y: { field: "perplexity", type: "quantitative", scale: { zero: false } },
      color: { field: "of", type: "nominal", title: "known of" },
    },
  });
}
