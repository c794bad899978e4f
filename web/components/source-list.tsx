import type { SourceState } from "../state/answer.ts";
import { highlight } from "../text/highlight.ts";

const uses: Record<string, { label: string; explanation: string }> = {
  adapter: { label: "adapter", explanation: "its adapter was merged into the model" },
  context: { label: "context", explanation: "its text stood in the prompt" },
  both: {
    label: "both",
    explanation: "its adapter was merged and its text stood in the prompt",
  },
  skipped: { label: "not used", explanation: "it was found, but not used" },
};

/** How a passage took part in an answer. */
export function UseTag({ use }: { use: SourceState["usedAs"] }) {
  if (!use) return null;
  const { label, explanation } = uses[use] ?? { label: use, explanation: "" };
  return (
    <span className="tag" data-use={use} title={explanation}>
      <span className="visually-hidden">used as </span>
      {label}
    </span>
  );
}

/** Text of a document as text: words of the answer and of the query stand out. Nothing in it is ever taken for HTML. */
export function Passage({ text, answer, query }: { text: string; answer: string; query: string }) {
  let offset = 0;
  return (
    <p className="passage">
      {highlight(text, { answer, query }).map((piece) => {
        const key = offset;
        offset += piece.text.length;
        if (!piece.mark) return piece.text;
        return (
          <mark key={key} data-mark={piece.mark}>
            {piece.text}
          </mark>
        );
      })}
    </p>
  );
}

/** The passages of an answer, best first. */
export function SourceList({
  sources,
  answer,
  query,
  isOpen,
}: {
  /** Whether the text of the best is shown without asking. */
  isOpen: boolean;
  sources: readonly SourceState[];
  answer: string;
  query: string;
}) {
  if (sources.length === 0) return null;
  const best = Math.max(...sources.map(({ score }) => score));
  return (
    <section className="sources" aria-label="Sources">
      <h3>Sources</h3>
      <ol>
        {sources.map((source, i) => (
          <li key={source.passageId}>
            <details open={isOpen && i === 0}>
              <summary>
                <span className="source-title">{source.title}</span>
                <UseTag use={source.usedAs} />
                <Score score={source.score} best={best} />
              </summary>
              <Passage text={source.text} answer={answer} query={query} />
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Score({ score, best }: { score: number; best: number }) {
  const share = best > 0 ? Math.max(0, score / best) : 0;
  return (
    <span className="score" title="How well the passage fits the question; only comparable within one answer">
      <span className="score-bar" aria-hidden="true">
        <span style={{ transform: `scaleX(${share})` }} />
      </span>
      <span className="visually-hidden">score </span>
      {score.toFixed(2)}
    </span>
  );
}
