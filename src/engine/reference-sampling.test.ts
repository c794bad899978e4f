import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../base/errors.ts";
import { fakeGenerator } from "../methods/method.suite.ts";
import { withTempFolder } from "./engine.suite.ts";
import { ownRepetitionPenalty, withRepetitionPenalty } from "./reference-sampling.ts";

const messages = [{ role: "user" as const, content: "Who built it?" }];

describe("the repetition penalty of the paper's code", () => {
  it("is that of the model's own generation config, 1 where that says nothing", () =>
    withTempFolder(
      async (folder) => {
        expect(await ownRepetitionPenalty(folder)).toBe(1);
        const write = (config: unknown) =>
          writeFile(join(folder, "generation_config.json"), JSON.stringify(config));
        await write({ eos_token_id: 2 });
        expect(await ownRepetitionPenalty(folder)).toBe(1);
        await write({ repetition_penalty: 1.1, top_p: 0.8 });
        expect(await ownRepetitionPenalty(folder)).toBe(1.1);
        await write({ repetition_penalty: -1 });
        await expect(ownRepetitionPenalty(folder)).rejects.toThrow(FormatError);
      },
      { articles: 0 },
    ));

  it("goes to requests that say nothing of it", async () => {
    const { generator, requests } = fakeGenerator();
    const penalised = withRepetitionPenalty(generator, 1.1);
    for (const sampling of [undefined, { seed: 3 }, { repetitionPenalty: 1 }])
      for await (const _token of penalised.generate({ messages, maxTokens: 2, sampling }));
    expect(requests.map(({ sampling }) => sampling)).toEqual([
      { repetitionPenalty: 1.1 },
      { seed: 3, repetitionPenalty: 1.1 },
      { repetitionPenalty: 1 },
    ]);
    expect(withRepetitionPenalty(generator, 1)).toBe(generator);
  });
});
