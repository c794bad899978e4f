import { cp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineSettings } from "./config.ts";
import { tinyModel, tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { describeTextMethod } from "./text-method.ts";

const describeIn = (folder: string, name: string, settings: EngineSettings = {}) =>
  withEngine(tinySettings(folder, settings), ({ parts }) => describeTextMethod(parts, name));

describe("the description of a method over a text", () => {
  it("names the embedder, the passages' size, and the model that answers by its content", () =>
    withTempFolder(async (folder) => {
      const described = async (settings: EngineSettings = {}) =>
        JSON.stringify(await describeIn(folder, "standard-rag", settings));
      const vectors = (model: string): EngineSettings => ({
        retriever: "dense",
        embedder: { url: "http://127.0.0.1:1/v1", model },
      });
      await cp(tinyModel("qwen2-untied"), join(folder, "llama-tied"), { recursive: true });
      const all = [
        await described(),
        await described(vectors("a")),
        await described(vectors("b")),
        await described({ ingest: { maxWords: 20 } }),
        await described({ answerModel: tinyModel("llama-tied") }),
        await described({ answerModel: join(folder, "llama-tied") }), // of the same name
      ];
      expect(new Set(all).size).toBe(all.length);
      expect(all.join()).not.toContain(folder); // names and hashes, no paths
      const { answers } = await describeIn(folder, "memorag");
      expect(answers).toMatchObject({ name: "qwen2-tied", fingerprint: expect.any(String), weights: "f32" });
    }));
});
