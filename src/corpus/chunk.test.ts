import { describe, expect, it } from "vitest";
import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { countWords, words } from "../text/words.ts";
import { chunk } from "./chunk.ts";

const sentence = (words: number, name = "word") =>
  `${Array.from({ length: words }, (_, i) => (i === 0 ? "The" : `${name}${i}`)).join(" ")}.`;
const solid = (text: string) => text.replace(/\s+/gu, "");

const alphabets = [
  ["The ", "river ", "runs. ", "Why? ", "3.14 ", "Dr. ", "“well” ", "\n", "\n\n", "\t", "e\u0301 ", "— "],
  ["강은 ", "바다로 ", "흐른다. ", "왜? ", "도시가 ", "있다. "],
  ["河流", "流向", "大海", "。", "为什么", "？", "，", "城市"],
  ["x".repeat(37), "=", "👩‍👩‍👧", "𝒷", "😀", "\u00a0", "\u3000", "\r\n", "\ud800", "!"],
];

function randomText(random: Random): string {
  const pieces = random.next() < 0.3 ? alphabets.flat() : alphabets[random.int(alphabets.length)]!;
  return Array.from({ length: random.int(250) }, () => pieces[random.int(pieces.length)]).join("");
}

describe("chunk", () => {
  it("cuts at sentence ends, as late as the limit admits", () => {
    const [a, b, c] = [sentence(40), sentence(45), sentence(50)];
    expect(chunk(`${a} ${b} ${c}`)).toEqual([`${a} ${b}`, c]);
    expect(chunk(`${sentence(50)} ${sentence(50)}`)).toHaveLength(1);
    expect(chunk(`${sentence(50)} ${sentence(51)}`)).toHaveLength(2);
  });

  it("gives nothing for an empty text", () => {
    expect(chunk("")).toEqual([]);
    expect(chunk(" \n\t ")).toEqual([]);
  });

  it("cuts a sentence longer than a passage before a word, in equal parts", () => {
    const passages = chunk(sentence(250));
    expect(passages.map(countWords)).toEqual([83, 83, 84]);
    expect(passages.join(" ")).toBe(sentence(250));
  });

  it("shares the text of a very short end with the passage before", () => {
    const text = Array.from({ length: 11 }, () => sentence(10)).join(" ");
    expect(chunk(text).map(countWords)).toEqual([50, 60]);
  });

  it("leaves earlier passages as they are when text is appended", () => {
    const text = Array.from({ length: 60 }, (_, i) => sentence(7 + (i % 13), `w${i}x`)).join(" ");
    const before = chunk(text);
    const after = chunk(`${text} ${sentence(30)} ${sentence(60)}`);
    expect(after.slice(0, before.length - 2)).toEqual(before.slice(0, -2));
    expect(before.length).toBeGreaterThan(6);
  });

  it("loses and doubles no character but white space, and keeps the limit", () => {
    const random = new Random("chunk");
    for (let round = 0; round < 300; round++) {
      const text = randomText(random);
      const maxWords = 1 + random.int(60);
      const passages = chunk(text, { maxWords });
      expect(solid(passages.join(""))).toBe(solid(text));
      for (const passage of passages) {
        expect(countWords(passage)).toBeLessThanOrEqual(maxWords);
        expect(passage).toBe(passage.trim());
        expect(passage).not.toBe("");
      }
      expect(chunk(text, { maxWords })).toEqual(passages);
    }
  });

  it("cuts text without spaces to the same size", () => {
    const chinese = "这条河从北方的山里流出来，经过三座古老的城市。人们在河边种稻米。".repeat(40);
    const sizes = chunk(chinese).map(countWords);
    expect(sizes.length).toBeGreaterThan(5);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(75);
    for (const passage of chunk(chinese)) expect(passage.endsWith("。")).toBe(true);
  });

  it("repeats the last words of a passage at the beginning of the next", () => {
    const text = Array.from({ length: 12 }, (_, i) => sentence(20, `w${i}x`)).join(" ");
    const passages = chunk(text, { maxWords: 60, overlapWords: 15 });
    expect(passages.length).toBeGreaterThan(4);
    passages.slice(1).forEach((passage, i) => {
      expect(words(passage).slice(0, 15)).toEqual(words(passages[i]!).slice(-15));
      expect(countWords(passage)).toBeLessThanOrEqual(60);
    });
  });

  it("bounds a text that has hardly any words", () => {
    const passages = chunk(`${"A1b2".repeat(25_000)} ${"!".repeat(9_000)}`);
    for (const passage of passages) expect(passage.length).toBeLessThanOrEqual(4_000);
    expect(solid(passages.join(""))).toHaveLength(109_000);
  });

  it.each([{ maxWords: 0 }, { maxWords: 1.5 }, { overlapWords: 100 }, { overlapWords: -1 }])(
    "refuses %j",
    (options) => {
      expect(() => chunk("text", options)).toThrow(ConfigError);
    },
  );
});
