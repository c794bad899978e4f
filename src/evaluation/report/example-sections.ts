import type { RunRecord } from "../run-format.ts";
import { type Block, type Cell, percent, type Section, text } from "./blocks.ts";
import { commonIds, type ReportRun, type RunGroup } from "./runs.ts";

const shown = 5;

/**
 * Where P-RAG is better than standard RAG, and where it is worse. Texts appear only for datasets whose texts may be passed on;
 * else ids, hashes and scores.
 */
export function exampleSection(
  group: RunGroup,
  suffix: string,
  shareable: ReadonlySet<string>,
): Section | undefined {
  const blocks = group.columns.flatMap((run): Block[] => {
    const [left, right] = [run.byMethod.get("prag"), run.byMethod.get("standard-rag")];
    const ids = commonIds([left, right]);
    if (!left || !right || ids.length === 0) return [];
    const pairs = ids.map((id) => ({ prag: left.get(id)!, standard: right.get(id)! }));
    const gain = ({ prag, standard }: (typeof pairs)[number]) => prag.scores.f1 - standard.scores.f1;
    const sorted = [...pairs].sort(
      (a, b) => gain(b) - gain(a) || (a.prag.questionHash < b.prag.questionHash ? -1 : 1),
    );
    const wins = sorted.filter((one) => gain(one) > 0).slice(0, shown);
    const losses = sorted
      .filter((one) => gain(one) < 0)
      .reverse()
      .slice(0, shown);
    const shownTexts = [...wins, ...losses].every(({ prag, standard }) => prag.texts && standard.texts);
    const withTexts = shareable.has(run.config.dataset.name) && shownTexts;
    const table = (caption: string, chosen: typeof pairs): Block[] =>
      chosen.length
        ? [
            {
              kind: "table",
              caption: `${run.label}: ${caption}`,
              head: headOf(withTexts),
              rows: chosen.map((one) => ({ cells: cellsOf(run, one, withTexts) })),
            },
          ]
        : [];
    return [...table("P-RAG is better", wins), ...table("standard RAG is better", losses)];
  });
  return blocks.length ? { title: `Wins and losses${suffix}`, blocks } : undefined;
}

function headOf(withTexts: boolean): string[] {
  return withTexts
    ? ["question", "accepted", "P-RAG", "F1", "standard RAG", "F1"]
    : ["question (hash)", "type", "answer found at rank", "F1 of P-RAG", "F1 of standard RAG"];
}

function cellsOf(
  run: ReportRun,
  { prag, standard }: { prag: RunRecord; standard: RunRecord },
  withTexts: boolean,
): Cell[] {
  const f1 = ({ scores }: RunRecord) => text(percent(scores.f1));
  const [texts, others] = [prag.texts, standard.texts];
  if (withTexts && texts && others) {
    return [
      text(texts.question),
      text(texts.answers.slice(0, 3).join(" / ")),
      text(texts.answer || "(nothing)"),
      f1(prag),
      text(others.answer || "(nothing)"),
      f1(standard),
    ];
  }
  const rank = run.questionById.get(prag.id)?.answerRank;
  const rest = [text(prag.type), text(rank ?? "not found"), f1(prag), f1(standard)];
  return [text(`${prag.id} (${prag.questionHash.slice(0, 8)})`), ...rest];
}
