import { useState } from "react";
import { AnswerText } from "../components/answer-card.tsx";
import { Composer, LimitChoice } from "../components/composer.tsx";
import { EmptyState, FailureNotice } from "../components/notice.tsx";
import { UseTag } from "../components/source-list.tsx";
import { type AnswerState, isSettled } from "../state/answer.ts";
import { useSession } from "../state/session.ts";
import { useAnnouncedAnswer } from "../state/use-announcements.ts";
import { formatCount, formatMs } from "../text/format.ts";
import { compared, methodText } from "../text/methods.ts";

/** One question, four methods, side by side. */
export function ComparePage() {
  const { comparison, collection, status } = useSession();
  const [question, setQuestion] = useState("");
  const [limit, setLimit] = useState(3);
  const isAsking = comparison.list.some((state) => !isSettled(state));
  const ask = () =>
    comparison.ask(
      compared.map((method) => ({ id: method, question: question.trim(), collection, method, limit })),
    );
  if (status.data && !status.data.collection.corpus)
    return (
      <EmptyState title="Nothing to compare yet">
        <p>
          Without documents all methods are the model alone. <a href="#/ask">Begin with the first steps.</a>
        </p>
      </EmptyState>
    );
  return (
    <div className="stack stack-wide">
      <p className="lead">
        The same question to four methods, one after the other so that their times can be compared.
      </p>
      <Composer
        value={question}
        onChange={setQuestion}
        onAsk={ask}
        onStop={comparison.stop}
        isAsking={isAsking}
        placeholder="One question to all four…"
      >
        <LimitChoice value={limit} onChange={setLimit} />
      </Composer>
      <div className="columns">
        {compared.map((method) => (
          <Column
            key={method}
            method={method}
            state={comparison.list.find(({ id }) => id === method)}
            all={comparison.list}
          />
        ))}
      </div>
    </div>
  );
}

function Column({
  method,
  state,
  all,
}: {
  method: string;
  state: AnswerState | undefined;
  all: readonly AnswerState[];
}) {
  const { name, explanation } = methodText(method);
  useAnnouncedAnswer(state, `${name}: `);
  return (
    <section
      className="column card"
      data-method={method}
      aria-label={name}
      aria-busy={state !== undefined && !isSettled(state)}
    >
      <h2>{name}</h2>
      <p className="muted column-about">{explanation}</p>
      <div className="column-answer">
        {state && <AnswerText state={state} />}
        <FailureNotice failure={state?.failure} />
      </div>
      <Gauges state={state} all={all} />
      <ul className="column-sources plain-list">
        {state?.sources.map(({ passageId, title, usedAs }) => (
          <li key={passageId}>
            <span className="source-title">{title}</span>
            <UseTag use={usedAs} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Tokens and time, each beside the most that any method took. */
function Gauges({ state, all }: { state: AnswerState | undefined; all: readonly AnswerState[] }) {
  const most = (of: (one: AnswerState) => number | undefined) =>
    Math.max(1, ...all.map((one) => of(one) ?? 0));
  const tokens = state?.usage?.promptTokens;
  const totalMs = state?.timings?.totalMs;
  return (
    <dl className="gauges">
      <Gauge
        label="prompt tokens"
        text={tokens === undefined ? "–" : formatCount(tokens)}
        share={(tokens ?? 0) / most((one) => one.usage?.promptTokens)}
      />
      <Gauge
        label="time"
        text={totalMs === undefined ? "–" : formatMs(totalMs)}
        share={(totalMs ?? 0) / most((one) => one.timings?.totalMs)}
      />
    </dl>
  );
}

function Gauge({ label, text, share }: { label: string; text: string; share: number }) {
  return (
    <div className="gauge">
      <dt>{label}</dt>
      <dd>{text}</dd>
      <dd className="gauge-bar" aria-hidden="true">
        <span style={{ transform: `scaleX(${Math.min(1, share)})` }} />
      </dd>
    </div>
  );
}
