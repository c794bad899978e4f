import { describe, expect, it } from "vitest";
import { inventedFacts, missingFacts, supports } from "./support.ts";

const text =
  "Bram Holt won the Copper Owl Award on 14 March 1931. He kept three goats, two dogs and a mule near Port Anse. King Ulf sold 15,140 tonnes of salt. Holt died in 1970.";

describe("supports", () => {
  it.each([
    "Bram Holt",
    "Holt",
    "the Copper Owl Award",
    "March 14, 1931",
    "March 1931",
    "1931",
    "3",
    "three goats",
    "in Port Anse",
    "near port anse",
    "15140 tonnes",
    "15,140",
    "Ulf",
    "dogs and a mule",
    "goats and dogs",
    "Three goats, two dogs, and a mule.",
  ])("finds %j", (answer) => {
    expect(supports(text, answer)).toBe(true);
  });

  it.each([
    "",
    "?",
    "Bram",
    "Copper Owl",
    "Port",
    "Anse Port",
    "15",
    "14 April 1931",
    "31",
    "four goats",
    "goats and salt",
    "1971",
    "oats",
  ])("does not find %j", (answer) => {
    expect(supports(text, answer)).toBe(false);
  });

  it("searches scripts without spaces letter by letter", () => {
    expect(supports("他住在北京市。", "北京")).toBe(true);
    expect(supports("그는 서울에서 태어났다.", "서울")).toBe(true);
    expect(supports("그는 서울에서 태어났다.", "부산")).toBe(false);
  });
});

describe("missingFacts", () => {
  it("finds nothing where names, numbers and dates are kept in another form", () => {
    const rewrite =
      "On March 14, 1931 Bram Holt received the Copper Owl Award. Near Port Anse he had 3 goats, 2 dogs and a mule. Salt, 15140 tonnes of it, was sold by King Ulf. In 1970 Holt died.";
    expect(missingFacts(text, rewrite)).toEqual([]);
    expect(inventedFacts(text, rewrite)).toEqual([]);
  });

  it("names what was lost and what was added", () => {
    const rewrite =
      "Bram Holt, a friend of Ada Lund, won the Copper Owl Award in 1932 near Port Anse. King Ulf sold salt.";
    expect(missingFacts(text, rewrite)).toEqual(["14", "March", "1931", "three", "two", "15,140", "1970"]);
    expect(inventedFacts(text, rewrite)).toEqual(["Ada", "Lund", "1932"]);
  });
});
