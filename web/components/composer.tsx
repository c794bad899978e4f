import { type FormEvent, type KeyboardEvent, type ReactNode, type Ref, useId } from "react";
import { useSession } from "../state/session.ts";
import { formatCount, plural } from "../text/format.ts";
import { Button } from "./button.tsx";

interface ComposerProps {
  value: string;
  onChange: (value: string) => void;
  onAsk: () => void;
  onStop: () => void;
  isAsking: boolean;
  placeholder: string;
  fieldRef?: Ref<HTMLTextAreaElement>;
  /** Choices below the field. */
  children?: ReactNode;
}

/** Where a question is written: Enter asks, Shift+Enter begins a line, Escape stops the answer. */
export function Composer({
  value,
  onChange,
  onAsk,
  onStop,
  isAsking,
  placeholder,
  fieldRef,
  children,
}: ComposerProps) {
  const { status } = useSession();
  const { questionCharacters = Number.POSITIVE_INFINITY } = status.data?.limits ?? {};
  const question = value.trim();
  const isTooLong = question.length > questionCharacters;
  const canAsk = question !== "" && !isTooLong;
  const field = useId();
  const submit = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (canAsk && !isAsking) onAsk();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isAsking) onStop();
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };
  return (
    <form className="composer card" onSubmit={submit}>
      <label htmlFor={field} className="visually-hidden">
        Your question
      </label>
      <textarea
        id={field}
        ref={fieldRef}
        rows={2}
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {isTooLong && (
        <p className="notice" data-kind="failure" role="alert">
          A question has at most {formatCount(questionCharacters)} characters. Shorten it to ask.
        </p>
      )}
      <div className="composer-foot">
        <div className="composer-choices">{children}</div>
        {isAsking ? (
          <Button kind="primary" icon="stop" onClick={onStop}>
            Stop
          </Button>
        ) : (
          <Button kind="primary" icon="send" type="submit" disabled={!canAsk}>
            Ask
          </Button>
        )}
      </div>
    </form>
  );
}

/** How many passages to look for. */
export function LimitChoice({ value, onChange }: { value: number; onChange: (limit: number) => void }) {
  return (
    <select
      aria-label="Passages to look for"
      value={value}
      onChange={(event) => onChange(Number(event.target.value))}
    >
      {[1, 2, 3, 5, 8].map((count) => (
        <option key={count} value={count}>
          {plural(count, "passage")}
        </option>
      ))}
    </select>
  );
}
