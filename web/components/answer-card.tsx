import { type AnswerState, isSettled } from "../state/answer.ts";
import { useAnnouncedAnswer } from "../state/use-announcements.ts";
import { formatCount, formatMs } from "../text/format.ts";
import { methodText } from "../text/methods.ts";
import { FailureNotice } from "./notice.tsx";
import { SourceList } from "./source-list.tsx";

/** A question, its answer as it comes, and where it comes from. */
export function AnswerCard({ state, isNewest }: { state: AnswerState; isNewest: boolean }) {
  useAnnouncedAnswer(state, "");
  return (
    <article className="answer card" aria-busy={!isSettled(state)}>
      <header>
        <h2 className="answer-question">{state.question}</h2>
        <span className="tag" data-method={state.method}>
          {methodText(state.method).short}
        </span>
      </header>
      <AnswerText state={state} />
      <FailureNotice failure={state.failure} />
      {state.decisions.length > 0 && (
        <details className="decisions">
          <summary>Why it searched again</summary>
          <ul>
            {[...new Set(state.decisions)].map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
      <AnswerCosts state={state} />
      <SourceList sources={state.sources} answer={state.answer} query={state.question} isOpen={isNewest} />
    </article>
  );
}

/** The text of an answer; a place of one line is kept before it comes. */
export function AnswerText({ state }: { state: AnswerState }) {
  const text = state.text.trim();
  const { phase } = state;
  if (phase === "asking" && text === "")
    return (
      <p className="answer-text muted">
        <span className="thinking">Looking…</span>
      </p>
    );
  if (phase === "done" && text === "") return <p className="answer-text muted">The model said nothing.</p>;
  return (
    <p className="answer-text" data-phase={phase}>
      {text}
      {phase === "stopped" && <span className="muted"> (stopped)</span>}
    </p>
  );
}

/** Tokens and milliseconds, once they are known. */
export function AnswerCosts({ state: { usage, timings } }: { state: AnswerState }) {
  return (
    <dl className="costs">
      <div>
        <dt>prompt tokens</dt>
        <dd>{usage ? formatCount(usage.promptTokens) : "–"}</dd>
      </div>
      <div>
        <dt>generated</dt>
        <dd>{usage ? formatCount(usage.generatedTokens) : "–"}</dd>
      </div>
      <div>
        <dt>first token</dt>
        <dd>{timings?.firstTokenMs != null ? formatMs(timings.firstTokenMs) : "–"}</dd>
      </div>
      <div>
        <dt>in all</dt>
        <dd>{timings ? formatMs(timings.totalMs) : "–"}</dd>
      </div>
    </dl>
  );
}
