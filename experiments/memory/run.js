// What a memory keeps of long texts: perplexity of a continuation with memory at several ratios, against knowing nothing of
// the text, all of it, and (the control) a memory of another text; recall of planted facts by depth and ratio; bytes of
// keys and values, and the time to the first token.
//
//   npm run --silent build && node experiments/memory/run.js --texts book.txt
//     --texts <files>         texts that neither model nor memory was trained on, separated by commas
//     --model <folder>        another model than prag-mini
//     --memory-model <folder> memory weights (those that belong to the model)
//     --ratios 2,4,8,16       ratios
//     --windows <n>           windows of a stretch; the last one is the continuation (4)
//     --count <n>             stretches (40)
//     --facts <n>             planted facts for each depth and ratio (10)
//     --threads <n>           processor threads (all)
//     --out <folder>          where results.json and the figures go (default: beside this file)
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeJson } from "../../dist/base/files.js";
import { Random } from "../../dist/base/random.js";
import { tokenizeParagraphs } from "../../dist/engine/memorize.js";
import { findMemoryModel } from "../../dist/engine/memory-model.js";
import { openEngine } from "../../dist/engine/open-engine.js";
import { tokensBefore } from "../../dist/memory/frame.js";
import { memorySize } from "../../dist/memory/memory.js";
import { remember } from "../../dist/memory/remember.js";
import { answerPrompts } from "../../dist/prompts/answer.js";
import { memoryFrame } from "../../dist/prompts/memory.js";
import { continuationOf } from "../../dist/training/memory-pretraining.js";
import { memoryValuesOf } from "../../dist/training/memory-values.js";
import { writeSvg } from "../plot.js";

const { values: options } = parseArgs({
  options: {
    texts: { type: "string" },
    model: { type: "string", default: "prag-mini" },
    "memory-model": { type: "string" },
    ratios: { type: "string", default: "2,4,8,16" },
    windows: { type: "string", default: "4" },
    count: { type: "string", default: "40" },
    facts: { type: "string", default: "10" },
    threads: { type: "string" },
    out: { type: "string", default: import.meta.dirname },
  },
});
if (!options.texts) throw new Error("name texts that were not trained on: --texts book.txt");
const ratios = options.ratios.split(",").map(Number);
const [windows, count, facts] = [options.windows, options.count, options.facts].map(Number);
const depths = [0, 0.25, 0.5, 0.75, 1];
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const seconds = () => performance.now() / 1000;

const engine = await openEngine({
  model: options.model,
  memoryModel: options["memory-model"],
  dataFolder: join(options.out, ".data"),
  threads: options.threads && Number(options.threads),
});
const { parts } = engine;
const model = await parts.model();
const { tokenizer } = model;
const memoryModel = await findMemoryModel(parts.config, model);
const { window } = memoryModel;
const texts = options.texts
  .split(",")
  .map((file) => tokenizeParagraphs(tokenizer, readFileSync(file, "utf8")));

/** Stretches of the texts in turn. */
function stretchesOf(length) {
  const found = [];
  for (let i = 0; found.length < count; i++) {
    const before = found.length;
    for (const text of texts) {
      if (found.length < count && (i + 1) * length <= text.length)
        found.push(text.slice(i * length, (i + 1) * length));
    }
    if (found.length === before) break;
  }
  return found;
}

/** Mean negative log-likelihood of a token of each stretch's last window. */
async function lossesOf(trainer, values, stretches, known) {
  const losses = [];
  for (const stretch of stretches) {
    const [score] = await trainer.score([continuationOf(stretch, window, known)], values);
    losses.push(-score / (window - 1));
  }
  return losses;
}

async function measurePerplexity() {
  const trainer = await parts.openMemoryTrainer();
  const values = await memoryValuesOf(memoryModel);
  const stretches = stretchesOf(window * windows);
  const foreign = stretches.map((stretch, i) => [
    ...stretches[(i + 1) % stretches.length].slice(0, -window),
    ...stretch.slice(-window),
  ]);
  const rows = [];
  const add = async (known, name) => {
    const losses = await lossesOf(trainer, values, stretches, known);
    const other = known === "nothing" ? undefined : await lossesOf(trainer, values, foreign, known);
    rows.push({
      known: name,
      loss: mean(losses),
      foreignLoss: other ? mean(other) : null,
      losses,
      foreign: other,
    });
  };
  await add("nothing", "nothing");
  await add("everything", "everything");
  for (const ratio of ratios) await add({ ratio }, ratio);
  await trainer.dispose();
  const [none, full] = rows;
  for (const row of rows) row.gapClosed = (none.loss - row.loss) / (none.loss - full.loss);
  return { stretches: stretches.length, tokens: window * windows, rows };
}

const syllables = [
  "bra",
  "dun",
  "fel",
  "gor",
  "hal",
  "kes",
  "lor",
  "mir",
  "nos",
  "pel",
  "quo",
  "tam",
  "vir",
  "wen",
];
const nameOf = (random) => {
  const name = random.sample(syllables, 2).join("");
  return name[0].toUpperCase() + name.slice(1);
};

/** Recall of a planted fact: its word stands in the greedy answer. */
async function measureFacts() {
  const session = await parts.memorySession();
  const generator = await parts.generator();
  const filler = texts[0];
  const cells = [];
  for (const ratio of [...ratios, 0]) {
    for (const depth of ratio === 0 ? [0] : depths) {
      let recalled = 0;
      for (let i = 0; i < facts; i++) {
        const random = new Random(`fact ${depth} ${i}`);
        const [place, keeper] = [nameOf(random), nameOf(random)];
        const fact = tokenizer.tokenize(` The keeper of ${place} is ${keeper}. `);
        const length = window * (windows - 1) - fact.length;
        const begin = random.int(filler.length - length);
        const cut = Math.floor(depth * length);
        const text = [
          ...filler.slice(begin, begin + cut),
          ...fact,
          ...filler.slice(begin + cut, begin + length),
        ];
        const request = {
          messages: answerPrompts.messages(`Who is the keeper of ${place}?`),
          prefix: answerPrompts.prefix,
          maxTokens: 12,
        };
        const frame = memoryFrame("Text");
        const ids = [...tokensBefore(tokenizer, frame), ...text];
        const memory = ratio === 0 ? undefined : await remember(session, model.config, { ids, ratio, frame });
        const [{ text: answer }] = await generator.generateBatch([{ ...request, memory }]);
        if (answer.includes(keeper)) recalled++;
      }
      cells.push({ ratio: ratio === 0 ? "no memory" : String(ratio), depth, recall: recalled / facts });
    }
  }
  return cells;
}

/** Bytes of a memory, and seconds to its first token. */
async function measureCosts() {
  const session = await parts.memorySession();
  const tokens = Math.min(window * 32, texts[0].length);
  const ids = texts[0].slice(0, tokens);
  const rows = [];
  for (const ratio of ratios) {
    const size = memorySize(model.config, { tokens, window, ratio });
    const start = seconds();
    const memory = await remember(session, model.config, { ids, ratio, frame: memoryFrame("Text") });
    const built = seconds() - start;
    const generator = await parts.generator();
    const request = { memory, messages: [{ role: "user", content: "Question: Who?" }], maxTokens: 1 };
    await generator.generateBatch([request]);
    const asked = seconds();
    await generator.generateBatch([request]);
    rows.push({
      ...size,
      shareOfFull: size.bytes / size.fullBytes,
      buildSeconds: built,
      firstTokenSeconds: seconds() - asked,
    });
  }
  return rows;
}

try {
  const perplexity = await measurePerplexity();
  for (const { known, loss, foreignLoss, gapClosed } of perplexity.rows)
    console.log(
      `${String(known).padEnd(12)} loss ${loss.toFixed(4)} of another text ${foreignLoss?.toFixed(4) ?? "-"} gap closed ${gapClosed.toFixed(2)}`,
    );
  const costs = await measureCosts();
  for (const { ratio, bytes, fullBytes, firstTokenSeconds } of costs)
    console.log(
      `ratio ${ratio}: ${bytes} of ${fullBytes} bytes, first token after ${firstTokenSeconds.toFixed(3)} s`,
    );
  const recall = await measureFacts();
  await writeJson(join(options.out, "results.json"), {
    model: { name: model.name, fingerprint: model.fingerprint },
    memoryModel: { name: memoryModel.name, fingerprint: memoryModel.fingerprint, window },
    perplexity,
    costs,
    recall,
  });
  await writeSvg(join(options.out, "recall.svg"), {
    title: "Recall of a planted fact by its depth in the text and the ratio of the memory",
    width: 320,
    height: 200,
    data: { values: recall },
    mark: "rect",
    encoding: {
      x: { field: "depth", type: "ordinal", title: "depth (0 is the beginning)" },
      y: { field: "ratio", type: "nominal", title: "ratio", sort: [...ratios.map(String), "no memory"] },
      color: { field: "recall", type: "quantitative", scale: { domain: [0, 1], scheme: "blues" } },
    },
  });
  await writeSvg(join(options.out, "perplexity.svg"), {
    title: "Loss of a continuation by what is known of the text before it",
    width: 360,
    height: 220,
    data: {
      values: perplexity.rows.flatMap(({ known, loss, foreignLoss }) => [
        { known: String(known), loss, of: "its own text" },
        ...(foreignLoss === null ? [] : [{ known: String(known), loss: foreignLoss, of: "another text" }]),
      ]),
    },
    mark: "point",
    encoding: {
      x: {
        field: "known",
        type: "nominal",
        title: "known: nothing, everything, or memory at a ratio",
        sort: null,
      },
      y: { field: "loss", type: "quantitative", scale: { zero: false }, title: "nats per token" },
      color: { field: "of", type: "nominal", title: "memory of" },
    },
  });
} finally {
  await engine.dispose();
}
