import { type RefObject, useCallback, useRef, useState } from "react";
import { AnswerCard } from "../components/answer-card.tsx";
import { Button } from "../components/button.tsx";
import { Composer, LimitChoice } from "../components/composer.tsx";
import { Guide } from "../components/guide.tsx";
import { MethodChoice } from "../components/method-choice.tsx";
import { FailureNotice, Loading } from "../components/notice.tsx";
import { isSettled } from "../state/answer.ts";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { exampleQuestions, holdsExample } from "../text/example.ts";
import { plural } from "../text/format.ts";
import { methodText } from "../text/methods.ts";

/** Ask a question; in a new collection, everything that comes before it. */
export function AskPage() {
  const { status, answers, collection } = useSession();
  const { data, failure, reload } = status;
  const [guided, setGuided] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  if (!data)
    return failure ? <FailureNotice failure={failure} onRetry={reload} /> : <Loading what="the collection" />;
  const passages = data.collection.corpus?.passages ?? 0;
  const encoded = data.collection.encoding?.encoded ?? 0;
  // Whoever began with the guide keeps it until the page is left, so that nothing jumps away.
  const isNew = encoded === 0;
  if (isNew && guided !== collection) setGuided(collection);
  return (
    <div className="stack stack-wide">
      {data.collection.model.problem && <p className="notice">{data.collection.model.problem}</p>}
      {(isNew || guided === collection) && <Guide passages={passages} encoded={encoded} />}
      {passages > 0 && <QuestionForm methods={data.methods} field={field} />}
      {answers.list.length > 0 && <History onCleared={() => field.current?.focus()} />}
    </div>
  );
}

/** Questions and answers since the page was opened, newest first. They live in this tab alone. */
function History({ onCleared }: { onCleared: () => void }) {
  const { answers, announce } = useSession();
  const clear = () => {
    answers.forget();
    announce("Questions and answers cleared");
    onCleared();
  };
  return (
    <section className="stack stack-wide" aria-label="Questions and answers of this visit">
      <div className="row row-between">
        <p className="muted">{plural(answers.list.length, "question")} this visit, kept in this tab only</p>
        <Button kind="quiet" icon="trash" onClick={clear}>
          Clear
        </Button>
      </div>
      {[...answers.list].reverse().map((state, i) => (
        <AnswerCard key={state.id} state={state} isNewest={i === 0} />
      ))}
    </section>
  );
}

let asked = 0;

/** Names an answer on this page. `crypto.randomUUID` would be missing where the page does not come over HTTPS or from this machine. */
function nextId(): string {
  return `answer-${++asked}`;
}

function QuestionForm({
  methods,
  field,
}: {
  methods: readonly string[];
  field: RefObject<HTMLTextAreaElement | null>;
}) {
  const { answers, collection } = useSession();
  const [question, setQuestion] = useState("");
  const [method, setMethod] = useState("prag");
  const [limit, setLimit] = useState(3);
  const isAsking = answers.list.some((state) => !isSettled(state));
  const ask = (text: string) => {
    answers.ask([{ id: nextId(), question: text.trim(), collection, method, limit }]);
    setQuestion("");
  };
  return (
    <div className="stack">
      <Composer
        value={question}
        onChange={setQuestion}
        onAsk={() => ask(question)}
        onStop={answers.stop}
        isAsking={isAsking}
        placeholder="Ask your documents…"
        fieldRef={field}
      >
        <MethodChoice methods={methods} value={method} onChange={setMethod} />
        <LimitChoice value={limit} onChange={setLimit} />
      </Composer>
      <p className="hint muted">{methodText(method).explanation}</p>
      <ExampleQuestions onAsk={ask} isShown={answers.list.length === 0} />
    </div>
  );
}

/** Questions to begin with, where the documents are the page's own example. */
function ExampleQuestions({ onAsk, isShown }: { onAsk: (question: string) => void; isShown: boolean }) {
  const { client, collection, revision } = useSession();
  const { data: documents = [] } = useResource(
    useCallback(() => client.documents(collection), [client, collection]),
    revision,
  );
  if (!isShown || !holdsExample(documents.map(({ title }) => title))) return null;
  return (
    <ul className="suggestions" aria-label="Questions to begin with">
      {exampleQuestions.map((question) => (
        <li key={question}>
          <button type="button" className="chip" onClick={() => onAsk(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}
