import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { questionsText } from "../prompts/augment.ts";
import { readPairs } from "./json-reader.ts";

const ann = { question: "Who built the mill?", answer: "Ann Orme" };
const year = { question: "When was it built?", answer: "1804" };
const both = [ann, year];

describe("readPairs", () => {
  it.each([
    [
      "JSON",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"}]`,
    ],
    [
      "text around it",
      `Sure! Here they are:\n\`\`\`json\n[{"question": "Who built the mill?", "answer": "Ann Orme"},\n {"question": "When was it built?", "answer": "1804"}]\n\`\`\`\nI hope [this] helps {you}.`,
    ],
    [
      "a missing comma between fields",
      `[{"question": "Who built the mill?" "answer": "Ann Orme"}, {"question": "When was it built?"\n"answer": "1804"}]`,
    ],
    [
      "a missing comma between items",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"} {"question": "When was it built?", "answer": "1804"}]`,
    ],
    [
      "extra commas",
      `[{"question": "Who built the mill?", "answer": "Ann Orme",},, {"question": "When was it built?", "answer": "1804",},]`,
    ],
    [
      "single quotes",
      `[{'question': 'Who built the mill?', 'answer': 'Ann Orme'}, {'question': 'When was it built?', 'answer': '1804'}]`,
    ],
    [
      "curly quotes",
      `[{“question”: “Who built the mill?”, “answer”: “Ann Orme”}, {“question”: “When was it built?”, “answer”: “1804”}]`,
    ],
    [
      "no quotes at keys",
      `[{question: "Who built the mill?", answer: "Ann Orme"}, {q: "When was it built?", a: "1804"}]`,
    ],
    [
      "no quotes at values",
      `[{"question": Who built the mill?, "answer": Ann Orme}, {"question": When was it built?, "answer": 1804}]`,
    ],
    [
      "no list",
      `{"question": "Who built the mill?", "answer": "Ann Orme"}\n{"question": "When was it built?", "answer": "1804"}`,
    ],
    [
      "a list inside an object",
      `{"count": 2, "questions": [{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"}]}`,
    ],
    [
      "no braces between items",
      `[{"question": "Who built the mill?", "answer": "Ann Orme", "question": "When was it built?", "answer": "1804"}]`,
    ],
    [
      "an unclosed list",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"}`,
    ],
    [
      "an unclosed object",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"`,
    ],
    [
      "half an item at the end",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"}, {"question": "Where does the mill stand?", "answer": "In Nort`,
    ],
    [
      "half a number at the end",
      `[{"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "When was it built?", "answer": "1804"}, {"question": "How high is it?", "answer": 18`,
    ],
    [
      "other keys and order",
      `[{"id": 1, "answer": "Ann Orme", "Question": "Who built the mill?", "tags": ["a", "b"]}, {"id": 2, "question": "When was it built?", "answer": "1804", "sure": true}]`,
    ],
    [
      "a number",
      `[{"question": "Who built the mill?", "answer": ["Ann Orme"]}, {"question": "When was it built?", "answer": 1804}]`,
    ],
    [
      "null and empty answers",
      `[{"question": "Why?", "answer": null}, {"question": "Who built the mill?", "answer": "Ann Orme"}, {"question": "Which?", "answer": ""}, {"question": "When was it built?", "answer": "1804"}]`,
    ],
    [
      "lines Q: and A:",
      `1. Q: Who built the mill?\n   A: Ann Orme\n\nQuestion 2: When was it built?\nAnswer: 1804\nQ: Why?`,
    ],
  ])("reads %s", (_name, text) => {
    expect(readPairs(text).pairs).toEqual(both);
  });

  it("keeps quotes and apostrophes inside a text", () => {
    expect(
      readPairs(`[{'question': 'What is Ann's mill's name?', 'answer': 'The Miller's Rest'}]`).pairs,
    ).toEqual([{ question: "What is Ann's mill's name?", answer: "The Miller's Rest" }]);
    expect(
      readPairs(`[{"question": "Who wrote "The Mill", a song?", "answer": "Ann "Nan" Orme"}]`).pairs,
    ).toEqual([{ question: 'Who wrote "The Mill", a song?', answer: 'Ann "Nan" Orme' }]);
    expect(readPairs(`[{"question": "A \\"b\\" \\u0063\\n?", "answer": "x"}]`).pairs).toEqual([
      { question: 'A "b" c ?', answer: "x" },
    ]);
  });

  it("turns other types into text, strictly", () => {
    const read = (answer: string) =>
      readPairs(`[{"question": "What?", "answer": ${answer}}]`).pairs[0]?.answer;
    expect(read(`["red", "blue", 3]`)).toBe("red, blue, 3");
    expect(read("true")).toBe("true");
    expect(read("12.5")).toBe("12.5");
    expect(read("15,140")).toBe("15,140");
    expect(read("[]")).toBeUndefined();
    expect(read("None")).toBeUndefined();
    expect(read(`{"text": "red"}`)).toBeUndefined();
    expect(
      readPairs(`[{"question": 5, "answer": "red"}, {"question": null, "answer": "red"}]`).pairs,
    ).toEqual([{ question: "5", answer: "red" }]);
  });

  it("keeps the whole answer where one is given, and says what it left out", () => {
    expect(
      readPairs(
        `[{"question": "Who?", "answer": "Ann", "full_answer": "Ann did."}, {"question": "Why?", "answer": null}]`,
      ),
    ).toEqual({
      pairs: [{ question: "Who?", answer: "Ann", fullAnswer: "Ann did." }],
      problems: ["the answer is empty"],
    });
    expect(readPairs("I cannot do that.").problems).toEqual(["no pair found in the text"]);
  });

  it("reads back whatever is written properly", () => {
    const random = new Random("json");
    const alphabet = [..."ab Z9,:;.?!'\"\\{}[]“”‘’é地/-\u0001", "question", "answer", '", "answer": "'];
    for (let round = 0; round < 500; round++) {
      const text = () =>
        Array.from({ length: 1 + random.int(12) }, () => alphabet[random.int(alphabet.length)])
          .join("")
          .replace(/\s+/g, " ")
          .trim() || "x";
      const pairs = Array.from({ length: 1 + random.int(4) }, () => ({ question: text(), answer: text() }));
      expect(readPairs(questionsText(pairs)).pairs).toEqual(pairs);
    }
  });

  it("never throws, and never loses a whole item to a cut or a changed character after it", () => {
    const random = new Random("fuzz");
    const whole = questionsText([...both, { question: "How high is the mill?", answer: "30 metres" }]);
    const marks = [..."{}[]\"':,\\ “”a1\n"];
    for (let round = 0; round < 2000; round++) {
      const cut = random.int(whole.length + 1);
      const kept = readPairs(whole.slice(0, cut)).pairs;
      for (const pair of kept)
        expect(
          JSON.stringify([...both, { question: "How high is the mill?", answer: "30 metres" }]),
        ).toContain(JSON.stringify(pair));
      const characters = [...whole];
      for (let change = 0; change < 6; change++)
        characters.splice(random.int(characters.length), random.int(2), marks[random.int(marks.length)]!);
      for (const { question, answer } of readPairs(characters.join("")).pairs) {
        expect(question).not.toBe("");
        expect(answer).not.toBe("");
      }
      const noise = Array.from({ length: random.int(60) }, () => marks[random.int(marks.length)]).join("");
      readPairs(noise);
    }
  });

  it("stays fast on hostile text", () => {
    for (const unit of [
      "{",
      "[",
      '{"',
      '{"a":',
      '{"question":"',
      " ",
      '"',
      "{'a':['",
      "q: ",
      ",",
      '{"a":1,',
      "\\",
    ]) {
      const start = performance.now();
      readPairs(unit.repeat(200_000));
      expect(performance.now() - start, `text of ${unit}`).toBeLessThan(3000);
    }
  });
});
