import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { answerInstruction, answerPrefix } from "../src/prompts/answer.ts";
import { questionsMessages, rewriteMessages } from "../src/prompts/augment.ts";
import { reasoningInstruction } from "../src/prompts/reasoning.ts";

const source = readFileSync(join(resolve(import.meta.dirname, ".."), "scripts/prag-mini/prompts.py"), "utf8");

/** The value of a constant of one line in `prompts.py`. */
function constant(name: string): string | undefined {
  return source.match(new RegExp(`^${name} = "(.*)"$`, "m"))?.[1];
}

describe("the prompts that the embedded model was trained on", () => {
  const passage = { title: "Lake Odrin", text: "Lake Odrin is 40 metres deep." };
  const shown = "\n\nPassage: Lake Odrin\nLake Odrin is 40 metres deep.";

  it("ask as the product does", () => {
    expect(constant("ANSWER")).toBe(answerInstruction);
    expect(constant("REASON")).toBe(reasoningInstruction);
    expect(source).toContain(`<|assistant|>${answerPrefix}"`);
  });

  it("let questions and rewrites be written as the product does", () => {
    const questions = constant("QUESTIONS")?.replace("{count}", "4");
    expect(questionsMessages(passage, 4)[0]?.content).toBe(`${questions}${shown}`);
    expect(rewriteMessages(passage)[0]?.content).toBe(`${constant("REWRITE")}${shown}`);
  });
});
