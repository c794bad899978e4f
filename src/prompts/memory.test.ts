import { describe, expect, it } from "vitest";
import { memoryFrame } from "./memory.ts";

describe("the frame of a memory", () => {
  const contentOf = (title: string) => memoryFrame(title)[0]!.content;

  it("shows the title before the text", () => {
    expect(contentOf("Lake Odrin")).toBe("Passage: Lake Odrin\n{text}");
  });

  it("has the mark of the text once, whatever the title", () => {
    for (const title of ["{text}", "{te{text}xt}", "{{text}text}"])
      expect(contentOf(title).indexOf("{text}"), title).toBe(contentOf(title).length - "{text}".length);
  });

  it("cuts a long title, between characters", () => {
    expect(contentOf(`a${"😀".repeat(100_000)}`)).toBe(`Passage: a${"😀".repeat(199)}\n{text}`);
  });
});
