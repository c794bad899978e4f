import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MethodEvent } from "../methods/method.ts";
import { tinySettings, withTempFolder } from "./engine.suite.ts";
import { openRag } from "./rag.ts";

describe("openRag", () => {
  it("goes from documents to answers, as promises and as events", () =>
    withTempFolder(async (folder) => {
      const rag = await openRag(tinySettings(folder));
      try {
        expect(await rag.ingest(join(folder, "docs"))).toMatchObject({ documents: 5, passages: 5 });
        expect(await rag.augment()).toMatchObject({ passages: 5, augmenters: { rule: 5 } });
        expect(await rag.encode()).toMatchObject({ encoded: 5 });
        const heard: string[] = [];
        const question = "Who built the Orlen1 Bridge?";
        const answer = await rag.ask(question, { limit: 2, onText: (text) => heard.push(text) });
        expect(answer.sources.map(({ usedAs }) => usedAs)).toEqual(["adapter", "adapter"]);
        expect(answer.usage.generatedTokens).toBeLessThanOrEqual(8);
        const events: MethodEvent[] = [];
        for await (const event of rag.stream(question, { limit: 2 })) events.push(event);
        const text = events.flatMap((event) => (event.type === "text-delta" ? [event.text] : [])).join("");
        expect(text).toBe(heard.join(""));
        expect(events.at(-1)?.type).toBe("end");
        expect(await rag.status()).toMatchObject({ encoding: { encoded: 5, passages: 5 }, todo: [] });
        expect(await rag.prune()).toEqual({ forgotten: 0, deleted: 0 });
        await expect(rag.ask(" ")).rejects.toMatchObject({ code: "input" });
      } finally {
        await rag.dispose();
      }
    }));

  it("names documents by where the data folder lies, not by where one calls from", () =>
    withTempFolder(async (folder) => {
      const rag = await openRag(tinySettings(folder));
      try {
        await rag.ingest([join(folder, "docs")]);
        expect(await rag.ingest(join(folder, "docs", "bridge-1.txt"))).toMatchObject({
          unchanged: 5,
          removed: 0,
        });
      } finally {
        await rag.dispose();
      }
    }));
});
