import { monthPattern as month } from "./phrases.ts";
import type { FactQuestions } from "./statement.ts";
import type { Topic } from "./subject.ts";

const date = `(?:\\d{1,2} ${month},? \\d{4}|${month} \\d{1,2},? \\d{4}|${month} \\d{4}|\\d{4})`;
const where = "(?:,? (?:in |at )?(\\p{Lu}[^;()–—]{1,60}?))?";
const bornPattern = new RegExp(
  `\\b(?:[Bb]orn|b\\.)(?: [^;()]{0,60}?)?,? ?(${date})${where}(?=[;)–—]| died| -)`,
  "u",
);
const lifePattern = new RegExp(`(?:[(;,] ?|born )(${date})${where} ?[–—-] ?(${date})${where}(?=[;)])`, "u");

/** Birth and death from the brackets behind a name: "(born 3 May 1950 in Port Sall)", "(1854 – 9 January 1920)". */
export function lifeFacts(aside: string, { name }: Topic): FactQuestions[] {
  const [, from, fromPlace, to, toPlace] = lifePattern.exec(aside) ?? [];
  const [, born = from, bornPlace = fromPlace] = bornPattern.exec(aside) ?? [];
  return [
    ...event(born, `was ${name} born`, `the date of birth of ${name}`),
    ...scene(bornPlace, `was ${name} born`, `the place of birth of ${name}`),
    ...event(to, `did ${name} die`, `the date of death of ${name}`),
    ...scene(toPlace, `did ${name} die`, `the place of death of ${name}`),
  ];
}

function event(answer: string | undefined, happened: string, noun: string): FactQuestions[] {
  if (!answer) return [];
  const year = /\d{4}/.exec(answer)![0];
  const wordings = [`When ${happened}?`, ...(answer === year ? [] : [`What is ${noun}?`])];
  return [
    [
      ...wordings.map((question) => ({ question, answer })),
      { question: `In which year ${happened}?`, answer: year },
    ],
  ];
}

function scene(answer: string | undefined, happened: string, noun: string): FactQuestions[] {
  const place = answer?.trim().replace(/,$/, "");
  if (!place) return [];
  return [[`Where ${happened}?`, `What is ${noun}?`].map((question) => ({ question, answer: place }))];
}
