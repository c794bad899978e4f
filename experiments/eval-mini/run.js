// What the embedded model can do, on data that it was not trained on: language, reading, question writing, and knowledge from
// adapters. Prints a table (or JSON), and writes results.json and findings.md.
//
//   npm run eval:mini -- [options]
//     --model <folder>     another model than prag-mini
//     --data <folder>      the data folder (default: ../shared/data beside the checkout); parts whose data is absent are left out
//     --questions <n>      SQuAD questions of the reading parts, and passages of the perplexity (300)
//     --passages <n>       SQuAD paragraphs with adapters (300); held-out passages to write questions for: at most 50 of them
//     --articles <n>       articles of the atlas (all); the questions about them are asked
//     --before <file>      results.json of another model, to print beside
//     --work <folder>      keeps adapters and finished parts there: a second run goes on (default: in the folder for temporary files)
//     --out <folder>       where results.json and findings.md go (default: beside this file)
//     --only <part,…>      these parts alone
//     --seed <n>, --threads <n>, --json
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { canonicalJson, sha256 } from "../../dist/base/hash.js";
import { openJsonl, readJsonl } from "../../dist/base/jsonl.js";
import { packageRoot } from "../../dist/engine/package-root.js";
import { openAtlas, sampleTitles } from "../atlas.js";
import { createProgress, describeRun, writeFindings } from "../report.js";
import { measureAtlas, measureParagraphs } from "./adapters.js";
import { findData, heldOutPassages, readSquad } from "./data.js";
import { findingsText } from "./findings.js";
import { measurePerplexity, measureWriting } from "./language.js";
import { guessPhrases, readGold, readingQuestions, readNothing, readThree } from "./reading.js";

/** Raised when a part measures something else than before: finished ones are then measured anew. */
const version = 1;

const { values: given } = parseArgs({
  options: {
    model: { type: "string", default: "prag-mini" },
    data: { type: "string", default: join(packageRoot, "../shared/data") },
    questions: { type: "string", default: "300" },
    passages: { type: "string", default: "300" },
    articles: { type: "string" },
    before: { type: "string" },
    work: { type: "string", default: join(tmpdir(), "prag-eval-mini") },
    out: { type: "string", default: import.meta.dirname },
    only: { type: "string" },
    seed: { type: "string", default: "42" },
    threads: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const wholeNumber = (name) => {
  if (!/^[1-9]\d*$/.test(given[name]))
    throw new Error(`--${name} must be a whole number above 0, got ${given[name]}`);
  return Number(given[name]);
};
const [questions, passages, seed] = ["questions", "passages", "seed"].map(wholeNumber);
const progress = createProgress();

/** Each part: the data it needs, the numbers it depends on, the collection it works in, and the measuring. */
const parts = {
  perplexity: {
    needs: "wikipedia",
    sizes: { questions },
    measure: async (engine) => measurePerplexity(engine, { ...(await heldOut()), count: questions }),
  },
  "reading-gold": {
    needs: "squad",
    sizes: { questions },
    measure: async (engine) => readGold(engine, await reading()),
  },
  "reading-three": {
    needs: "squad",
    sizes: { questions },
    measure: async (engine) => readThree(engine, await reading()),
  },
  "reading-nothing": {
    needs: "squad",
    sizes: { questions },
    measure: async (engine) => readNothing(engine, await reading()),
  },
  "reading-phrase": {
    needs: "squad",
    sizes: { questions },
    measure: async () => guessPhrases(await reading()),
  },
  writing: {
    needs: "wikipedia",
    sizes: { passages: Math.min(50, passages) },
    measure: async (engine) =>
      measureWriting(engine, { ...(await heldOut()), count: Math.min(50, passages) }),
  },
  atlas: {
    sizes: { articles: given.articles ?? "all" },
    collection: { folder: "adapters", collection: `atlas-${given.articles ?? "all"}-${seed}` },
    measure: async (engine) =>
      measureAtlas(engine, {
        titles: await sampleTitles({ passages: given.articles, seed }),
        seed,
        progress,
      }),
  },
  paragraphs: {
    needs: "squad",
    sizes: { passages },
    // A paragraph of SQuAD is one passage, however long.
    collection: {
      folder: "adapters",
      collection: `paragraphs-${passages}-${seed}`,
      ingest: { maxWords: 500 },
    },
    measure: async (engine) =>
      measureParagraphs(engine, {
        work: given.work,
        paragraphs: await squad(),
        count: passages,
        seed,
        progress,
      }),
  },
};

const only = given.only?.split(",");
const unknown = only?.find((name) => !(name in parts));
if (unknown !== undefined)
  throw new Error(`--only: there is no part "${unknown}"; parts are ${Object.keys(parts).join(", ")}`);

const once = (read) => {
  let value;
  return () => (value ??= read());
};
const squad = once(() => readSquad(given.data));
const heldOut = once(async () => ({
  passages: await heldOutPassages(given.data, { work: given.work, progress }),
  seed,
  progress,
}));
const reading = once(async () => {
  const paragraphs = await squad();
  return { paragraphs, questions: readingQuestions(paragraphs, { count: questions, seed }), seed, progress };
});

await mkdir(given.work, { recursive: true });
const run = await measureAll();
const before = given.before && JSON.parse(await readFile(given.before, "utf8"));
const results = {
  ...run.description,
  data: run.data,
  seed,
  questions,
  passages,
  parts: run.finished,
  left: run.left,
};
const text = findingsText(results, before);
await writeFindings(given.out, { results, title: "What prag-mini can do", text });
process.stdout.write(`${given.json ? JSON.stringify(results, null, 2) : text}\n`);

/** All parts; what a run before this one has finished is taken from the work folder. */
async function measureAll() {
  const data = await findData(given.data);
  const description = await describe();
  const log = join(given.work, "parts.jsonl");
  const rows = await readJsonl(
    log,
    z.object({ key: z.string(), part: z.string(), seconds: z.number(), result: z.unknown() }),
  );
  const writer = await openJsonl(log);
  const [finished, left] = [{}, []];
  try {
    for (const [name, { needs, sizes, collection, measure }] of Object.entries(parts)) {
      if (only && !only.includes(name)) continue;
      if (needs && !data[needs]) {
        left.push(`${name} (no data)`);
        process.stderr.write(`${name} is left out: there is no data for it in ${given.data}\n`);
        continue;
      }
      const { model, recipe, merge } = description;
      const key = sha256(
        canonicalJson({
          ...{ version, name, sizes, seed, model },
          ...(needs && { data: data[needs] }),
          ...(collection && { recipe, merge }),
        }),
      );
      const row =
        rows.find((one) => one.key === key) ?? (await measureOne({ key, name, collection, measure }));
      if (!rows.includes(row)) await writer.append(row);
      finished[name] = row.result;
    }
  } finally {
    await writer.close();
  }
  return { description, data, finished, left };
}

async function measureOne({ key, name, collection = { folder: "adapters", collection: "none" }, measure }) {
  process.stderr.write(`${name} …\n`);
  const start = performance.now();
  const result = await withEngine(collection, measure);
  return {
    key,
    part: name,
    seconds: (performance.now() - start) / 1000,
    result: JSON.parse(JSON.stringify(result)),
  };
}

async function describe() {
  return withEngine({ folder: "adapters", collection: "none" }, async ({ parts: opened }) => {
    const model = await opened.model();
    return { ...describeRun(model), recipe: model.recipe, merge: await opened.mergeSettings() };
  });
}

async function withEngine(settings, task) {
  const engine = await openAtlas(given, settings);
  try {
    return await task(engine);
  } finally {
    await engine.dispose();
  }
}
