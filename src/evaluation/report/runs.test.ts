import { describe, expect, it } from "vitest";
import { methodNames } from "../../methods/method.ts";
import { compareMethods } from "./runs.ts";

describe("the order of methods", () => {
  it("is that of their names everywhere, with variants behind their method and strangers last", () => {
    const wanted = [...methodNames, "memorag", "a-stranger"].flatMap((id) => [id, `${id}:k2`, `${id}:k10`]);
    expect([...wanted].reverse().sort(compareMethods)).toEqual(wanted);
  });
});
