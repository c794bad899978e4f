// Whether encoding in the background pauses while requests wait, with a model in the shapes of Llama-3.2-1B (random weights).
// npm run build && node bench/pause.js [--model <folder or name>] [--work <folder>] [--hold 8]
// After an update of the training has ended, requests come in one after the other for `--hold` seconds: no update may end in that
// time but the one that had begun before them, and the next comes only after they have stopped.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { makeRandomModel } from "./random-model.js";
import { ask, getJson, upload, withServer } from "./server.js";

const { values: options } = parseArgs({
  options: { model: { type: "string" }, work: { type: "string" }, hold: { type: "string", default: "8" } },
});
const holdMs = 1000 * Number(options.hold);
const work = resolve(options.work ?? join(tmpdir(), "parametric-rag-pause"));
const document =
  "# Belawick Bridge\n\nThe Belawick Bridge was built in 1701 by Mira Tolk. It has three arches and is made of slate.\n";
const question = { question: "Who built the Belawick Bridge?", method: "standard-rag", limit: 1 };

await mkdir(work, { recursive: true });
// A short sequence per update: what is asked is when updates begin, not how long they take.
const settings = { augment: { augmenter: "rule" }, recipe: { updates: 8, pattern: "pairs", pairs: 1 } };
await writeFile(join(work, "prag.config.json"), JSON.stringify(settings));
const model = options.model ?? (await randomModel());
const words = ["--model", model, "--offline", "--minimum-heat", "1.5", "--cpu-share", "1"];
await withServer({ work, words }, async (url) => {
  await upload(url, [["bridge.md", document]]);
  for (let i = 0; i < 2; i++) await ask(url, { ...question, maxTokens: 1 });
  const quiet = [await nextLoss(url, 1), await nextLoss(url, 2), await nextLoss(url, 3)];
  const usualMs = (quiet[2] - quiet[0]) / 2;
  const held = await hold(url);
  const during = (await losses(url)) - 3;
  const stoppedMs = performance.now();
  const next = (await nextLoss(url, 4 + during)) - stoppedMs;
  console.log(
    `update without requests: ${seconds(usualMs)}; ${held.count} requests for ${seconds(held.tookMs)}, first token ${held.firstMs.map((ms) => seconds(ms)).join(", ")}`,
  );
  console.log(
    `updates that ended while requests were there (wanted <= 1, that had begun before): ${during}; the next came ${seconds(next)} after the last request`,
  );
});

/** Requests without a gap. */
async function hold(url) {
  const start = performance.now();
  const firstMs = [];
  while (performance.now() - start < holdMs) {
    const answer = await ask(url, { ...question, maxTokens: 24 });
    firstMs.push(answer.firstMs);
  }
  return { count: firstMs.length, tookMs: performance.now() - start, firstMs };
}

async function losses(url) {
  const { jobs } = await getJson(`${url}/api/jobs`);
  return jobs.find(({ isBackground }) => isBackground)?.losses.length ?? 0;
}

/** When so many updates have ended. */
async function nextLoss(url, count) {
  while ((await losses(url)) < count) await sleep(20);
  return performance.now();
}

async function randomModel() {
  const folder = await makeRandomModel(join(tmpdir(), "parametric-rag-random-1b"));
  const mini = join(import.meta.dirname, "..", "models", "prag-mini");
  for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
    await copyFile(join(mini, name), join(folder, name));
  return folder;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}
