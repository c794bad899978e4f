// Encoding with prag-mini: one trainer on all threads against a trainer on each thread (lanes), in turns.
// npm run build && node bench/lanes.js [--passages 16] [--threads 2] [--rounds 3]
import { parseArgs } from "node:util";
import { supports } from "../dist/augmentation/support.js";
import { openEngine } from "../dist/engine/open-engine.js";
import { answerPrompts } from "../dist/prompts/answer.js";
import { openRuntime } from "../dist/runtime/runtime.js";
import { encodeGroups, groupPassages } from "../dist/training/encode.js";
import { joinTrainers } from "../dist/training/lanes.js";
import { openTrainer } from "../dist/training/trainer.js";
import { readPassages } from "../experiments/recipe/passages.js";

const { values: options } = parseArgs({
  options: {
    passages: { type: "string", default: "16" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});
const count = Number(options.passages);
const threads = Number(options.threads);

const engine = await openEngine({ dataFolder: "/nonexistent" });
const { recipe, tokenizer, initial, ...model } = await engine.parts.model();
const { rank, alpha, targetModules } = recipe;
const runtimes = [];
const open = async (own) => {
  runtimes.push(await openRuntime({ threads: own }));
  return openTrainer(runtimes.at(-1), model, { config: { rank, alpha, targetModules }, maxTokens: 2048 });
};
const lanes = [];
while (lanes.length < threads) lanes.push(await open(1));
const trainers = { "one trainer": await open(threads), lanes: joinTrainers(lanes) };

const groups = groupPassages(await readPassages(count, 3), recipe);
const clock = () => performance.now();
const parts = { tokenizer, prompts: answerPrompts, supports, initial, clock };
const seconds = { "one trainer": [], lanes: [] };
for (let round = 0; round < Number(options.rounds); round++)
  for (const [name, trainer] of Object.entries(trainers)) {
    const [begun, used] = [clock(), process.cpuUsage()];
    for await (const _ of encodeGroups(groups, recipe, { ...parts, trainer }));
    const { user, system } = process.cpuUsage(used);
    seconds[name].push((clock() - begun) / 1000 / count);
    console.log(
      `${name}: ${seconds[name].at(-1).toFixed(2)} s a passage, ${((user + system) / 1e6 / count).toFixed(2)} s of processor time`,
    );
  }
const best = Object.values(seconds).map((list) => Math.min(...list));
console.log(`lanes against one trainer, best of each: ${(best[1] / best[0]).toFixed(2)} x the time`);
for (const runtime of runtimes) await runtime.dispose();
await engine.dispose();
