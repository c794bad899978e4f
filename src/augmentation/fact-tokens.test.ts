import { describe, expect, it } from "vitest";
import { factTokens } from "./fact-tokens.ts";

const forms = (text: string) =>
  factTokens(text)
    .map(({ form }) => form)
    .join(" ");

describe("factTokens", () => {
  it.each([
    ["14 March 1931", "14 march 1931"],
    ["March 14, 1931", "14 march 1931"],
    ["the 14th of March, 1931", "14 march 1931"],
    ["1931-03-14", "14 march 1931"],
    ["Mar. 14 1931", "14 march 1931"],
    ["in March 1931", "in march 1931"],
    ["June of 1874", "june 1874"],
    ["on 3 May", "on 3 may"],
    ["they may 40", "they may 40"],
  ])("puts the date %j in one order", (text, expected) => {
    expect(forms(text)).toBe(expected);
  });

  it.each([
    ["three", "3"],
    ["forty-eight lamps", "48 lamps"],
    ["two hundred and fifty", "250"],
    ["one thousand two hundred", "1200"],
    ["a hundred", "100"],
    ["1,200", "1200"],
    ["12.5 km", "12.5 kilometre"],
    ["25 million", "25000000"],
    ["two dozen", "24"],
    ["twenty-first", "21st"],
    ["the third", "3rd"],
    ["3rd", "3rd"],
    ["the 1930s", "1930s"],
    ["188km", "188 kilometre"],
    ["188 kilometers", "188 kilometre"],
    ["40 %", "40 percent"],
    ["thirty, five and two", "30 5 and 2"],
    ["the minute hand", "minute hand"],
  ])("puts the number %j in one form", (text, expected) => {
    expect(forms(text)).toBe(expected);
  });

  it("leaves out articles, possessives and the dots of acronyms", () => {
    expect(forms("The Kwill’s house in Washington D.C., a city")).toBe("kwill house in washington dc city");
  });

  it("tells where capital letters stand", () => {
    const tokens = factTokens("Mills stood. In Ulmarch they ground.");
    expect(tokens.map(({ source, capital, opening }) => [source, capital, opening])).toEqual([
      ["Mills", true, true],
      ["stood", false, false],
      ["In", true, true],
      ["Ulmarch", true, false],
      ["they", false, false],
      ["ground", false, false],
    ]);
  });
});
