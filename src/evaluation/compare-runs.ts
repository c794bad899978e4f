import { Random } from "../base/random.ts";
import type { Comparison, RunRecord } from "./run-format.ts";
import { pairedBootstrap, pairedTTest } from "./statistics.ts";
import { mean } from "./summary.ts";

/** The answers of one method, in the order of the questions. */
export interface MethodRecords {
  id: string;
  records: readonly RunRecord[];
}

/** Below this a difference counts as significant, as in the paper. */
export const significance = 0.05;

/** What a run is about: P-RAG, or MemoRAG where it is about long texts. */
const subjects = ["prag", "memorag"];

/** Every method against what the run is about and against the best, in F1 on the same questions. */
export function compareRuns(methods: readonly MethodRecords[], seed: number): Comparison[] {
  if (methods.some(({ records }) => records.length < 2)) return [];
  const f1Of = ({ records }: MethodRecords) => records.map(({ scores }) => scores.f1);
  const best = [...methods].sort((a, b) => mean(f1Of(b)) - mean(f1Of(a)))[0];
  const subject = methods.find(({ id }) => subjects.includes(id));
  const references = [...new Set([subject, best])].flatMap((one) => (one ? [one] : []));
  return references.flatMap((reference) =>
    methods
      .filter((method) => method !== reference)
      .map((method) => compare(method.id, reference.id, { a: f1Of(method), b: f1Of(reference), seed })),
  );
}

function compare(
  method: string,
  against: string,
  { a, b, seed }: { a: number[]; b: number[]; seed: number },
): Comparison {
  const random = new Random(`compare/${seed}/${method}/${against}`);
  const { difference, interval, p } = pairedBootstrap(a, b, { random });
  return { method, against, difference, interval, pBootstrap: p, pTTest: pairedTTest(a, b).p };
}

/**
 * Signs behind a method's F1 in a table, as in reports: `†` it differs from P-RAG (MemoRAG where the run is about that), `‡`
 * from the best, each by the paired t-test with p < 0.05.
 */
export function marksOf(method: string, comparisons: readonly Comparison[]): string {
  const own = comparisons.filter((one) => one.method === method && one.pTTest < significance);
  const subject = comparisons.find(({ against }) => subjects.includes(against))?.against;
  const best = comparisons.find(({ against }) => against !== subject)?.against ?? subject;
  const fromSubject = own.some(({ against }) => against === subject) ? "†" : "";
  const fromBest = own.some(({ against }) => against === best) ? "‡" : "";
  return fromSubject + fromBest;
}
