import { describe, expect, it } from "vitest";
import { answerMessages, answerPrompts, answerText, normalizeQuestion } from "./answer.ts";
import { questionsMessages, questionsText, rewriteMessages } from "./augment.ts";
import { trainingDialogue } from "./examples.ts";
import { promptsHash, renderAllPrompts } from "./provenance.ts";
import { createReasoningPrompts, directPrompts, workedExamples } from "./reference.ts";

const lake = { title: "Lake Odrin", text: "Lake Odrin is 40 metres deep." };
const hill = { title: "Hill of Sarn", text: "The Hill of Sarn is bare." };

describe("prompts", () => {
  it("render exactly as recorded", () => {
    expect(renderAllPrompts()).toMatchSnapshot();
    expect(promptsHash()).toBe("c87295e03402ea52891978799a1a3f8da50aeeaf0ae863f300756f5f36a3fba5");
  });

  it("ask with the passages in the prompt", () => {
    expect(answerMessages("How deep is Lake Odrin", { passages: [lake, hill] })).toEqual([
      {
        role: "user",
        content:
          "Answer the question briefly, from the passages below and from what you know.\n\nPassage 1: Lake Odrin\nLake Odrin is 40 metres deep.\n\nPassage 2: Hill of Sarn\nThe Hill of Sarn is bare.\n\nQuestion: How deep is Lake Odrin?",
      },
    ]);
  });

  it("ask without passages", () => {
    expect(answerMessages(" How deep is Lake Odrin ?\n")).toEqual([
      {
        role: "user",
        content:
          "Answer the question briefly, from the passages below and from what you know.\n\nQuestion: How deep is Lake Odrin?",
      },
    ]);
  });

  it("normalise questions and end answers with one full stop", () => {
    expect(normalizeQuestion("Why ?")).toBe("Why?");
    expect(normalizeQuestion("Why")).toBe("Why?");
    expect(normalizeQuestion(" Why? ")).toBe("Why?");
    expect(answerText(" 40 metres ")).toBe("The answer is 40 metres.");
    expect(answerText("Washington D.C.")).toBe("The answer is Washington D.C.");
  });

  it("train on what is asked later: the target begins with the prefix", () => {
    const pair = { question: "How deep is Lake Odrin?", answer: "40 metres", fullAnswer: "It is 40 m deep" };
    for (const prompts of [answerPrompts, directPrompts, createReasoningPrompts()]) {
      const { messages, target } = trainingDialogue(pair, { passage: lake, prompts });
      expect(messages).toEqual(prompts.messages(pair.question, { passages: [lake] }));
      expect(target.startsWith(prompts.prefix)).toBe(true);
    }
    expect(trainingDialogue(pair)).toEqual({
      messages: answerMessages(pair.question),
      target: "The answer is 40 metres.",
    });
  });

  it("ask for pairs and rewrites", () => {
    expect(questionsMessages(lake, 3)[0]?.content).toBe(
      "Write 3 questions that the passage below answers, each with its answer, as a JSON list and nothing else.\n\nPassage: Lake Odrin\nLake Odrin is 40 metres deep.",
    );
    expect(rewriteMessages(lake)[0]?.content).toBe(
      "Rewrite the passage below in other words. Keep every name, number and date.\n\nPassage: Lake Odrin\nLake Odrin is 40 metres deep.",
    );
    const pairs = [{ question: 'Who said "no"?', answer: "Ada" }];
    expect(questionsText(pairs)).toBe('[{"question": "Who said \\"no\\"?", "answer": "Ada"}]');
    expect(JSON.parse(questionsText(pairs))).toEqual(pairs);
  });
});

describe("reference prompts", () => {
  it("keep the structure of the direct form", () => {
    const [instruction, ...rest] =
      directPrompts.messages("Why ?", { passages: [lake, hill] })[0]?.content.split("\n") ?? [];
    expect(instruction).not.toBe("");
    expect(rest).toEqual([`Passage 1: ${lake.text}`, `Passage 2: ${hill.text}`, "", "", "Question: Why?"]);
    expect(directPrompts.messages("Why")[0]?.content.endsWith("\n\n\nQuestion: Why?")).toBe(true);
    expect(directPrompts.target({ question: "", answer: " Ada " })).toBe("The answer is Ada.");
  });

  it("keep the structure of the reasoning form", () => {
    const prompts = createReasoningPrompts([{ question: "A?", answer: "B. So the answer is C." }]);
    const lines = prompts.messages("Why", { passages: [lake] })[0]?.content.split("\n") ?? [];
    expect(lines.slice(2, 5)).toEqual(["Question: A?", "Answer: B. So the answer is C.", ""]);
    expect(lines.slice(6, 9)).toEqual([`Passage 1: ${lake.text}`, "", ""]);
    expect(lines.at(-1)).toBe("Question: Why?");
    expect(lines).toHaveLength(11);
    const pair = { question: "", answer: "Ada", fullAnswer: "Ada said so" };
    expect(prompts.target(pair)).toBe("Answer: Ada said so.");
    expect(prompts.target({ question: "", answer: "Ada" })).toBe("Answer: Ada.");
  });

  it("show worked examples that end with their answer", () => {
    expect(workedExamples).toHaveLength(8);
    for (const { question, answer } of workedExamples) {
      expect(question.endsWith("?")).toBe(true);
      expect(answer).toMatch(/So the answer is [^.]+\.$/);
    }
  });
});
