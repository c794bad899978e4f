import { type FormEvent, useId, useState } from "react";
import { useSession } from "../state/session.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

/** Asks for the server's API key; it is kept until the tab is closed. */
export function KeyDialog({ onClose }: { onClose: () => void }) {
  const { acceptKey, hasKey } = useSession();
  const [key, setKey] = useState("");
  const field = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    acceptKey(key);
    onClose();
  };
  return (
    <Dialog title="This server asks for a key" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        {hasKey && (
          <p className="notice" data-kind="failure" role="alert">
            The server refused that key. Give another.
          </p>
        )}
        <label htmlFor={field}>
          The value of <code>--api-key</code> that <code>prag serve</code> was started with
        </label>
        <input
          id={field}
          type="password"
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
        <div className="row row-end">
          <Button kind="primary" type="submit" disabled={key === ""}>
            Use this key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
