import { describe, expect, it } from "vitest";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { pack } from "../training/packing.ts";
import { completeConfig } from "./config.ts";
import { tinyModel } from "./engine.suite.ts";
import { openEngineModel } from "./models.ts";
import { openEngineTrainer } from "./open-trainer.ts";

describe("the engine's trainer", () => {
  it("closes the runtime of a lane that cannot be opened", async () => {
    const config = completeConfig({ model: tinyModel() });
    const surroundings = { progress: () => {}, env: {} };
    const model = await openEngineModel(config, surroundings);
    const session: Session = { run: () => Promise.reject(new Error("not used")), dispose: async () => {} };
    const runtime = { device: "cpu", threads: 2, openSession: async () => session } as unknown as Runtime;
    let open = 0;
    const trainer = await openEngineTrainer(model, {
      ...surroundings,
      config,
      runtime,
      async openRuntime(threads) {
        open++;
        return {
          ...runtime,
          threads,
          openSession: () => Promise.reject(new Error("no room for a lane")),
          dispose: async () => void open--,
        };
      },
    });
    const row = pack([{ ids: [1, 2], targets: [{ place: 0, token: 2, weight: 1 }] }]);
    const job = { initial: model.initial, updates: [row] };
    await expect(trainer.train([job, job], { learningRate: 1 })).rejects.toThrow(/no room/);
    expect(open).toBe(0);
    await trainer.dispose();
  });
});
