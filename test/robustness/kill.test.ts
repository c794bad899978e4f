import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/base/random.ts";
import { differsByRun, hashFiles } from "../../src/engine/engine.suite.ts";
import { prag, pragOk, withFolder } from "./prag.ts";

/** The commands in the order of use, with how often each is killed. */
const commands = [
  { name: "ingest", words: ["ingest", "docs"], kills: 6 },
  { name: "augment", words: ["augment", "--augmenter", "rule"], kills: 6 },
  { name: "encode", words: ["encode", "--pattern", "pairs", "--updates", "3"], kills: 8 },
];

const random = new Random("kill -9");

/**
 * All files of the data folder, but for three that need not repeat (see `differsByRun`): `costs.jsonl` (seconds),
 * `seen.json` (times of the documents' files) and the lock.
 */
const results = (folder: string) => hashFiles(join(folder, "data"), differsByRun);

/** Puts the state before a command back into the folder. */
async function restore(folder: string, before: string): Promise<void> {
  await rm(join(folder, "data"), { recursive: true, force: true });
  await cp(before, join(folder, "data"), { recursive: true, force: true }).catch(() => undefined); // none before ingest
}

/** Starts the command and kills it at a share of the time it takes; earlier, where it had ended before that. */
async function killOnce(words: readonly string[], folder: string, restart: () => Promise<void>, ms: number) {
  for (let killAfterMs = ms; ; killAfterMs *= 0.8) {
    await restart();
    const { code } = await prag(words, { folder, killAfterMs });
    if (code === null) return;
    expect(code, "what is not killed succeeds").toBe(0);
  }
}

describe("kill -9 at a random moment, then the same command again", () => {
  it(
    "ends with the data folder of an undisturbed run, byte for byte (20 times)",
    () =>
      withFolder(
        async (folder) => {
          for (const { name, words, kills } of commands) {
            const before = join(folder, `before-${name}`);
            await cp(join(folder, "data"), before, { recursive: true }).catch(() => undefined);
            const { ms } = await pragOk(words, { folder });
            const wanted = await results(folder);
            const after = join(folder, `after-${name}`);
            await cp(join(folder, "data"), after, { recursive: true });
            let unlike = 0;
            for (let i = 0; i < kills; i++) {
              const share = 0.25 + 0.75 * random.next();
              await killOnce(words, folder, () => restore(folder, before), share * ms);
              const killed = JSON.stringify(await results(folder).catch(() => undefined));
              if (killed !== JSON.stringify(wanted)) unlike++;
              await pragOk(words, { folder });
              expect(await results(folder), `${name}, killed after ${share} of its time`).toEqual(wanted);
            }
            expect(unlike, `${name} was killed before it had done everything`).toBeGreaterThan(0);
            await restore(folder, after);
          }
        },
        { articles: 24 },
      ),
    600_000,
  );
});
