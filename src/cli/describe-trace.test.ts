import { describe, expect, it } from "vitest";
import { describeTrace } from "./describe-trace.ts";
import { jsonObject } from "./options.ts";

it("a trace is one line a step, without control characters", () => {
  expect(
    describeTrace({
      trace: [
        { step: "retrieval", round: 1, query: "Who\u001b[31m?", passages: ["Orlen Bridge", "Quern"] },
        { step: "decision", round: 1, reason: "in doubt", numbers: { least: 0.123456, theta: 0.8 } },
        { step: "decision", round: 1, reason: "nothing left", numbers: {} },
        { step: "text", text: " Mira Tolk.\n" },
      ],
    }),
  ).toEqual([
    expect.stringMatching(/^retrieve {2}round 1: "Who.*" → Orlen Bridge; Quern$/),
    "decide    in doubt (least 0.123, theta 0.8)",
    "decide    nothing left",
    "say       Mira Tolk.",
  ]);
});

describe("jsonObject", () => {
  it("reads the numbers of a method", () => {
    expect(jsonObject('{"theta": 0.6, "limit": 2}')).toEqual({ theta: 0.6, limit: 2 });
  });

  it.each(["", "theta", "[1]", "3", "null", "{theta:1}"])("refuses %j", (text) => {
    expect(() => jsonObject(text)).toThrow(/JSON object/);
  });
});
