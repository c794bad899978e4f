import { describe, expect, it } from "vitest";
import {
  type AnswerPrompts,
  answerMessages,
  answerPrompts,
  answerText,
  normalizeQuestion,
  type PromptPassage,
} from "./answer.ts";
import { questionsMessages, questionsText, rewriteMessages } from "./augment.ts";
import { trainingDialogue } from "./examples.ts";
import { answerPromptsHash, promptsHash, renderAllPrompts } from "./provenance.ts";
import { createAnswerPrompts } from "./reasoning.ts";
import { createContextPrompts, createReasoningPrompts, directPrompts } from "./reference.ts";
import { reasoned, shortExamples, workedExamples } from "./worked-examples.ts";

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
    const prompts = createReasoningPrompts([{ question: "A?", reasoning: "B.", answer: "C" }]);
    const lines = prompts.messages("Why", { passages: [lake] })[0]?.content.split("\n") ?? [];
    expect(lines.slice(2, 5)).toEqual(["Question: A?", "Answer: B. So the answer is C.", ""]);
    expect(lines.slice(6, 9)).toEqual([`Passage 1: ${lake.text}`, "", ""]);
    expect(lines.at(-1)).toBe("Question: Why?");
    expect(lines).toHaveLength(11);
    const pair = { question: "", answer: "Ada", fullAnswer: "Ada said so" };
    expect(prompts.target(pair)).toBe("Answer: Ada said so.");
    expect(prompts.target({ question: "", answer: "Ada" })).toBe("Answer: Ada.");
  });

  it("show the retrieved context of iterative methods between examples and question, numbered", () => {
    const prompts = createContextPrompts([{ question: "A?", reasoning: "B.", answer: "C" }]);
    const example = "Question: A?\nAnswer: B. So the answer is C.\n\n";
    expect(prompts.messages("Why")[0]?.content).toBe(`${example}Question: Why?`);
    expect(prompts.messages("Why", { passages: [lake, hill] })[0]?.content).toBe(
      `${example}Context:\n[1] ${lake.text}\n[2] ${hill.text}\nGive the answer in the form of the examples above.\nQuestion: Why?`,
    );
    expect(prompts.prefix).toBe("Answer: ");
  });
});

describe("worked examples", () => {
  it.each([...workedExamples, ...shortExamples])(
    "$question has an answer that its reasoning gives",
    (one) => {
      expect(one.question.endsWith("?")).toBe(true);
      expect(one.reasoning.endsWith(".")).toBe(true);
      expect(reasoned(one)).toMatch(/So the answer is [^.]+\.$/);
      if (one.answer !== "no") expect(one.reasoning.toLowerCase()).toContain(one.answer.toLowerCase());
    },
  );

  it("are eight, and three short ones", () => {
    expect(workedExamples).toHaveLength(8);
    expect(shortExamples).toHaveLength(3);
  });
});

describe("prompts with reasoning and examples", () => {
  const examples = shortExamples.slice(0, 1);
  const content = (prompts: AnswerPrompts, passages: readonly PromptPassage[] = []) =>
    prompts.messages("Why", { passages })[0]?.content;

  it("without either are the plain ones", () => {
    const prompts = createAnswerPrompts();
    expect(prompts.messages("Why", { passages: [lake] })).toEqual(
      answerMessages("Why", { passages: [lake] }),
    );
    expect(prompts).toMatchObject({ prefix: answerPrompts.prefix, maxTokens: 32, chainOfThought: false });
    expect(answerPromptsHash(prompts)).toBe(answerPromptsHash(answerPrompts));
  });

  it("show examples after the instruction, as the assistant answers", () => {
    expect(content(createAnswerPrompts({ examples }), [lake])).toBe(
      "Answer the question briefly, from the passages below and from what you know.\n\nQuestion: Who wrote the play Hamlet?\nThe answer is William Shakespeare.\n\nPassage 1: Lake Odrin\nLake Odrin is 40 metres deep.\n\nQuestion: Why?",
    );
    const prompts = createAnswerPrompts({ examples, chainOfThought: true });
    expect(content(prompts)).toBe(
      "Answer the question from the passages below and from what you know. Reason step by step, then give the answer.\n\nQuestion: Who wrote the play Hamlet?\nHamlet is a play by William Shakespeare. So the answer is William Shakespeare.\n\nQuestion: Why?",
    );
    expect(prompts).toMatchObject({ prefix: "", maxTokens: 128, chainOfThought: true });
    const pair = { question: "", answer: "Ada", fullAnswer: "Ada said so" };
    expect(prompts.target(pair)).toBe("Ada said so. So the answer is Ada.");
  });

  it("show what augmentation made of a passage under it, answers as sentences where it reasons", () => {
    const pairs = [{ question: "How deep is it", answer: "40 metres", fullAnswer: "It is 40 metres deep." }];
    const augmented = { ...lake, rewrites: ["It goes down 40 metres."], pairs };
    const lines = (answer: string) =>
      `${lake.text}\nIn other words: It goes down 40 metres.\nQuestion: How deep is it?\nAnswer: ${answer}\n`;
    expect(content(createAnswerPrompts(), [augmented])).toContain(lines("40 metres"));
    expect(content(createAnswerPrompts({ chainOfThought: true }), [augmented])).toContain(
      lines("It is 40 metres deep."),
    );
    expect(content(directPrompts, [augmented])).toContain(lines("40 metres"));
    expect(content(createReasoningPrompts(), [augmented])).toContain(lines("It is 40 metres deep."));
  });

  it("have a hash of their own that every part of them changes", () => {
    const all = [
      answerPrompts,
      createAnswerPrompts({ examples }),
      createAnswerPrompts({ examples: shortExamples }),
      createAnswerPrompts({ chainOfThought: true }),
      directPrompts,
      createReasoningPrompts(),
      createContextPrompts(),
    ];
    expect(new Set(all.map((one) => answerPromptsHash(one))).size).toBe(all.length);
    const preparing = ["closed-book", "hyde", "decompose", "memorag"];
    expect(new Set(preparing.map((name) => answerPromptsHash(answerPrompts, name))).size).toBe(4);
    expect(answerPromptsHash(answerPrompts, "prag")).toBe(answerPromptsHash(answerPrompts)); // as in runs made before
  });
});
