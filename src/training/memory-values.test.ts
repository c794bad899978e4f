import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { AdamW } from "./adamw.ts";
import { restoreTrainingPoint, saveTrainingPoint, type TrainingPoint } from "./memory-values.ts";

describe("the state of a memory training", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "memory-values-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const pointOf = (numbers: number[]): TrainingPoint => ({
    update: 0,
    spentMs: 0,
    values: new Map([["a", Float32Array.from(numbers)]]),
    optimiser: new AdamW({ learningRate: 0.1 }),
  });
  const formOf = (length: number) => ({
    identity: "one",
    parameters: [{ name: "a", shape: [length], source: undefined }],
  });

  it("comes back as it was", async () => {
    const path = join(folder, "same");
    const point = { ...pointOf([1, 2, 3]), update: 4, spentMs: 5 };
    await saveTrainingPoint(path, point, formOf(3));
    const restored = pointOf([0, 0, 0]);
    expect(await restoreTrainingPoint(path, restored, formOf(3))).toBe(true);
    expect(restored).toEqual({ ...point, optimiser: restored.optimiser });
  });

  it("is refused where it has more numbers or fewer than the weights", async () => {
    for (const length of [2, 4]) {
      const path = join(folder, `of ${length}`);
      await saveTrainingPoint(path, pointOf(new Array<number>(length).fill(1)), formOf(length));
      const restoring = restoreTrainingPoint(path, pointOf([0, 0, 0]), formOf(3));
      await expect(restoring, String(length)).rejects.toThrow(FormatError);
      await expect(restoring).rejects.toThrow(`a has ${length} numbers, wanted 3`);
    }
  });
});
