import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../base/hash.ts";
import { Random } from "../base/random.ts";
import type { Passage } from "../corpus/corpus.ts";
import { augmentCorpus, readAugmentations } from "./augment-corpus.ts";
import { type Augmenter, emptyAccount } from "./augmenter.ts";
import { chooseAugmenter } from "./choose-augmenter.ts";
import { checkReadyMade } from "./ready-made.ts";
import { ruleAugmenter } from "./rule-augmenter.ts";

const passages: Passage[] = Array.from({ length: 23 }, (_, i) => {
  const title = `Tower ${String.fromCharCode(65 + i)}orn`;
  const text = `${title} is a stone tower in Norby. It was built by Ann Orme in ${1800 + i}. The tower is ${30 + i} metres high.`;
  return { id: sha256(title), documentId: "d", title, text, position: i };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "augment-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("augmentCorpus", () => {
  it("keeps what it made, in the order of the passages, and makes nothing twice", async () => {
    const path = join(folder, "a.jsonl");
    const reports: number[] = [];
    const first = await augmentCorpus(passages, ruleAugmenter, {
      path,
      batchSize: 5,
      progress: ({ done }) => reports.push(done),
    });
    expect(first.augmented.map(({ passage }) => passage)).toEqual(passages);
    expect(first.madeNow).toBe(23);
    expect(first.withoutPairs).toBe(0);
    expect(first.account.pairs.usable).toBeGreaterThan(23 * 3);
    expect(reports).toEqual([0, 5, 10, 15, 20, 23]);
    const again = await augmentCorpus(passages, ruleAugmenter, { path, batchSize: 5 });
    expect(again).toEqual({ ...first, madeNow: 0 });
    expect(await readAugmentations(passages, ruleAugmenter, { path })).toEqual(again);
  });

  it("ends with the same file wherever it was killed", async () => {
    const whole = join(folder, "whole.jsonl");
    await augmentCorpus(passages, ruleAugmenter, { path: whole, batchSize: 4 });
    const bytes = await readFile(whole);
    const random = new Random("kill");
    for (let round = 0; round < 20; round++) {
      const path = join(folder, `${round}.jsonl`);
      await writeFile(path, bytes.subarray(0, random.int(bytes.length)));
      await augmentCorpus(passages, ruleAugmenter, { path, batchSize: 4 });
      expect((await readFile(path)).equals(bytes)).toBe(true);
    }
  });

  it("leaves a file to go on from when it is stopped", async () => {
    const path = join(folder, "a.jsonl");
    const stop = new AbortController();
    const stopped = augmentCorpus(passages, ruleAugmenter, {
      path,
      batchSize: 4,
      signal: stop.signal,
      progress: ({ done }) => done >= 8 && stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    expect((await readAugmentations(passages, ruleAugmenter, { path })).augmented).toHaveLength(8);
    expect((await augmentCorpus(passages, ruleAugmenter, { path, batchSize: 4 })).madeNow).toBe(15);
  });

  it("keeps augmenters and settings apart", async () => {
    const path = join(folder, "a.jsonl");
    await augmentCorpus(passages, ruleAugmenter, { path, pairs: 3 });
    expect((await augmentCorpus(passages, ruleAugmenter, { path, pairs: 4 })).madeNow).toBe(23);
    const newer: Augmenter = { ...ruleAugmenter, version: "newer" };
    expect((await augmentCorpus(passages, newer, { path, pairs: 4 })).madeNow).toBe(23);
    expect((await augmentCorpus(passages, ruleAugmenter, { path, pairs: 3 })).madeNow).toBe(0);
  });

  it("does only what is new when passages are added", async () => {
    const path = join(folder, "a.jsonl");
    await augmentCorpus(passages.slice(0, 20), ruleAugmenter, { path });
    const all = await augmentCorpus([...passages, passages[3]!], ruleAugmenter, { path });
    expect(all.madeNow).toBe(3);
    expect(all.augmented).toHaveLength(24);
  });
});

describe("chooseAugmenter", () => {
  const modelWith = (usable: number, made = 3): Augmenter => ({
    name: "tiny",
    version: "1",
    augment: async (list) =>
      list.map((passage) => ({
        augmented: { passage, rewrites: [], pairs: [], augmenter: "tiny" },
        account: { ...emptyAccount(), pairs: { made, usable } },
      })),
  });

  it("takes the model where half of its pairs are usable", async () => {
    const choice = await chooseAugmenter(modelWith(2), passages, { sample: 8 });
    expect(choice).toMatchObject({ augmenter: { name: "tiny" }, sampledPassages: 8 });
    expect(choice.usableShare).toBeCloseTo(2 / 3);
  });

  it("takes the rules where fewer are, or where it writes too few", async () => {
    const few = await chooseAugmenter(modelWith(1), passages);
    expect(few.augmenter).toBe(ruleAugmenter);
    expect(few.reason).toBe(
      "rule: 33 % of the pairs of tiny were usable on 16 passages (at least 50 % are wanted)",
    );
    expect((await chooseAugmenter(modelWith(1, 1), passages)).augmenter).toBe(ruleAugmenter);
    expect((await chooseAugmenter(modelWith(0, 0), [])).augmenter).toBe(ruleAugmenter);
  });
});

describe("checkReadyMade", () => {
  it("drops and counts what its passage does not support", () => {
    const [passage] = passages;
    const { augmented, account } = checkReadyMade({
      passage: passage!,
      rewrites: [
        "Ann Orme built the stone tower Tower Aorn, 30 metres high, in Norby in 1800.",
        "Tower Aorn stands in Norby and was built by Ann Orme in 1800.",
      ],
      pairs: [
        { question: "Who built Tower Aorn?", answer: "Ann Orme" },
        { question: "Who built Tower Aorn?", answer: "Jon Vass" },
        { question: "How high is Tower Aorn?", answer: "31 metres" },
      ],
      augmenter: "authored",
    });
    expect(augmented.pairs).toEqual([{ question: "Who built Tower Aorn?", answer: "Ann Orme" }]);
    expect(augmented.rewrites).toHaveLength(1);
    expect(augmented.augmenter).toBe("authored");
    expect(account).toEqual({
      attempts: 0,
      pairs: { made: 3, usable: 1 },
      rewrites: { made: 2, usable: 1 },
      dropped: { duplicate: 1, "answer not in the passage": 1, "rewrite: lost a name, number or date": 1 },
    });
  });
});
