import type { Answer } from "../engine/answer.ts";
import { printable } from "./terminal.ts";

/** The steps to the answer, one a line. */
export function describeTrace({ trace }: Pick<Answer, "trace">): string[] {
  return trace.map((step) => {
    if (step.step === "text") return `say       ${printable(step.text.trim())}`;
    if (step.step === "retrieval")
      return `retrieve  round ${step.round}: "${printable(step.query)}" → ${step.passages.map(printable).join("; ")}`;
    const numbers = Object.entries(step.numbers).map(
      ([name, value]) => `${name} ${Number(value.toPrecision(3))}`,
    );
    return `decide    ${printable(step.reason)}${numbers.length ? ` (${numbers.join(", ")})` : ""}`;
  });
}
