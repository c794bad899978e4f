import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Adapter, feedForwardModules } from "../../src/adapters/adapter.ts";
import { merge } from "../../src/adapters/merge.ts";
import { importPeft } from "../../src/adapters/peft.ts";
import { readJson } from "../../src/base/files.ts";
import { type DecodingSession, openDecodingSession } from "../../src/generation/decoding-session.ts";
import { openModel } from "../../src/models/open-model.ts";
import { openQuantisedWeights } from "../../src/models/quantised-weights.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import type { Bits } from "../../src/weights/quantise.ts";
import { fixtures, greedyIds } from "./helpers.ts";

const ids = z.array(z.int());
const adapters = await Promise.all(
  ["one", "two", "three"].map(async (name) => (await importPeft(join(fixtures, "adapters", name))).adapter),
);

let runtime: Runtime;
let cacheFolder = "";
beforeAll(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), "prag-quantised-"));
  runtime = await openRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
  await rm(cacheFolder, { recursive: true, force: true });
});

async function openSession(name: string, bits?: Bits): Promise<DecodingSession> {
  const model = await openModel(join(fixtures, name));
  const weights = bits && (await openQuantisedWeights(model, { cacheFolder, bits }));
  return await openDecodingSession(runtime, model, { targetModules: feedForwardModules, weights });
}

/** Logits after a prompt and after each of some tokens more, one after the other. */
async function logitsAlong(
  session: DecodingSession,
  prompt: readonly number[],
  { more = [], adapter }: { more?: readonly number[]; adapter?: Adapter | undefined } = {},
): Promise<Float32Array> {
  const batch = await session.openBatch([adapter], prompt.length + more.length);
  const rows = [...(await batch.feed([prompt]))];
  for (const id of more) rows.push(...(await batch.feed([[id]])));
  await batch.dispose();
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** Distance in the 2-norm, relative to the second. */
function relativeDistance(got: Float32Array, wanted: Float32Array): number {
  return Math.hypot(...got.map((x, i) => x - wanted[i]!)) / Math.hypot(...wanted);
}

// The fixture models magnify noise about tenfold: rounding the weights to bf16 (0.2 %) moves their logits by 1.5 %.
describe("quantised weights", () => {
  it.each(["llama-tied", "llama3-rope", "llama-bf16", "qwen2-tied", "qwen2-untied"])(
    "give logits of %s near those of float32: 8 bits within 8 %, 4 bits within 60 %",
    async (name) => {
      const { inputIds } = await readJson(join(fixtures, name, "logits.json"), z.object({ inputIds: ids }));
      const [prompt, more] = [inputIds.slice(0, 200), inputIds.slice(200, 216)];
      const exact = await openSession(name);
      const [q8, q4] = [await openSession(name, 8), await openSession(name, 4)];
      const wanted = await logitsAlong(exact, prompt, { more });
      const [error8, error4] = [
        relativeDistance(await logitsAlong(q8, prompt, { more }), wanted),
        relativeDistance(await logitsAlong(q4, prompt, { more }), wanted),
      ];
      expect(error8).toBeLessThan(0.08);
      expect(error4).toBeLessThan(0.6);
      expect(error8).toBeLessThan(error4);
      for (const session of [exact, q8, q4]) await session.dispose();
    },
  );

  it("take adapters as float32 weights do", async () => {
    const { inputIds } = await readJson(
      join(fixtures, "adapters", "logits.json"),
      z.object({ inputIds: ids }),
    );
    const [exact, q8] = [await openSession("llama-tied"), await openSession("llama-tied", 8)];
    const base = await logitsAlong(q8, inputIds);
    for (const adapter of [...adapters, merge(adapters)]) {
      const wanted = await logitsAlong(exact, inputIds, { adapter });
      const got = await logitsAlong(q8, inputIds, { adapter });
      expect(relativeDistance(got, wanted)).toBeLessThan(0.1);
      expect(relativeDistance(got, base)).toBeGreaterThan(0.2);
    }
    expect(await logitsAlong(q8, inputIds)).toEqual(base);
    await exact.dispose();
    await q8.dispose();
  });

  it("give a row the same tokens with other rows as alone", async () => {
    const q8 = await openSession("llama-tied", 8);
    const rows = [
      { prompt: [378, 286, 267, 258, 81], count: 12, adapter: adapters[0] },
      { prompt: [378, 286], count: 20, adapter: merge(adapters) },
      { prompt: [378, 286, 267, 258, 81, 88, 322, 220], count: 3, adapter: undefined },
    ];
    const together = await greedyIds(q8, rows);
    for (const [i, row] of rows.entries()) expect(together[i]).toEqual((await greedyIds(q8, [row]))[0]);
    await q8.dispose();
  });
});
