import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { choosePrompts, type PromptChoice } from "./answer-prompts.ts";

const plain: PromptChoice = {
  compat: "none",
  cot: false,
  shots: undefined,
  examples: "full",
  iterates: false,
};
const content = (choice: Partial<PromptChoice>) =>
  choosePrompts({ ...plain, ...choice }).prompts.messages("Why?")[0]?.content ?? "";

describe("choosePrompts", () => {
  it("shows no examples unless asked; the paper's code shows all with a chain of thought", () => {
    expect(choosePrompts(plain).shots).toBe(0);
    expect(choosePrompts({ ...plain, cot: true }).shots).toBe(0);
    expect(choosePrompts({ ...plain, shots: 2 }).shots).toBe(2);
    expect(choosePrompts({ ...plain, compat: "reference", cot: true }).shots).toBe(8);
    expect(choosePrompts({ ...plain, compat: "reference" }).shots).toBe(0);
  });

  it("gives an answer room: 32 tokens, 20 as the code, 128 for a chain of thought", () => {
    const tokens = (choice: Partial<PromptChoice>) =>
      choosePrompts({ ...plain, ...choice }).prompts.maxTokens;
    expect([tokens({}), tokens({ compat: "reference" }), tokens({ cot: true })]).toEqual([32, 20, 128]);
  });

  it("a small model shows short examples, three at most", () => {
    expect(content({ shots: 3, examples: "short" }).length).toBeLessThan(content({ shots: 3 }).length);
    expect(() => content({ shots: 4, examples: "short" })).toThrow(ConfigError);
    expect(() => content({ shots: 4, examples: "short" })).toThrow(/3 worked examples.*shots is 4/);
    expect(() => content({ shots: 9 })).toThrow(ConfigError);
  });

  it("the code's direct prompt has no place for examples", () => {
    expect(() => content({ compat: "reference", shots: 2 })).toThrow(/add cot/);
  });

  it("iterative methods of the code have a prompt of their own, only with a chain of thought", () => {
    const reference = { compat: "reference", cot: true } as const;
    expect(content({ ...reference, iterates: true })).not.toBe(content(reference));
    expect(content({ cot: true, iterates: true })).toBe(content({ cot: true }));
  });
});
