// Encoding with prag-mini: one trainer on all threads against a lane for each row of a batch, in turns.
// npm run build && node bench/lanes.js [--passages 16] [--threads 2] [--lanes 2] [--rounds 3]
import { parseArgs } from "node:util";
import { supports } from "../dist/augmentation/support.js";
import { openEngine } from "../dist/engine/open-engine.js";
import { answerPrompts } from "../dist/prompts/answer.js";
import { openRuntime } from "../dist/runtime/runtime.js";
import { encodeGroups, groupPassages } from "../dist/training/encode.js";
import { createLanedTrainer } from "../dist/training/lanes.js";
import { openTrainer } from "../dist/training/trainer.js";
import { readPassages } from "../experiments/recipe/passages.js";

const { values: options } = parseArgs({
  options: {
    passages: { type: "string", default: "16" },
    threads: { type: "string", default: "2" },
    lanes: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});
const [count, threads, lanes, rounds] = ["passages", "threads", "lanes", "rounds"].map((name) =>
  Number(options[name]),
);
const clock = () => performance.now();
const engine = await openEngine({ dataFolder: "/nonexistent" });
const runtimes = [];
try {
  const { recipe, tokenizer, initial, ...model } = await engine.parts.model();
  const { rank, alpha, targetModules } = recipe;
  const open = async (own) => {
    runtimes.push(await openRuntime({ threads: own }));
    return openTrainer(runtimes.at(-1), model, { config: { rank, alpha, targetModules }, maxTokens: 2048 });
  };
  const alone = await open(threads);
  const openLane = () => open(Math.floor(threads / lanes));
  const trainers = { "one trainer": alone, lanes: createLanedTrainer({ alone, openLane, lanes }) };
  const groups = groupPassages(await readPassages(count, 3), recipe);
  const parts = { tokenizer, prompts: answerPrompts, supports, initial, clock };
  const seconds = { "one trainer": [], lanes: [] };
  for (let round = 0; round < rounds; round++)
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
} finally {
  for (const runtime of runtimes) await runtime.dispose();
  await engine.dispose();
}
