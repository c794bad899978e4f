import { type FormEvent, useCallback, useId, useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import type { Collection } from "../api/wire.ts";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { plural } from "../text/format.ts";
import { Button } from "./button.tsx";
import { ConfirmDialog, Dialog } from "./dialog.tsx";
import { FailureNotice } from "./notice.tsx";

/** Which collection the page is about, and the way to others. */
export function CollectionSwitcher() {
  const { client, collection, mainCollection, chooseCollection, revision } = useSession();
  const [isOpen, setOpen] = useState(false);
  const { data = [] } = useResource(
    useCallback(() => client.collections(), [client]),
    revision,
  );
  const known = [collection, mainCollection ?? "", ...data.map(({ name }) => name)];
  const names = [...new Set(known)].filter((name) => name !== "").sort();
  return (
    <div className="collection-switcher">
      <select
        aria-label="Collection"
        value={collection}
        onChange={(event) => chooseCollection(event.target.value)}
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <Button kind="quiet" icon="plus" aria-label="Manage collections" onClick={() => setOpen(true)} />
      {isOpen && <CollectionsDialog collections={data} onClose={() => setOpen(false)} />}
    </div>
  );
}

function CollectionsDialog({
  collections,
  onClose,
}: {
  collections: readonly Collection[];
  onClose: () => void;
}) {
  const { collection, chooseCollection } = useSession();
  const [doomed, setDoomed] = useState<string>();
  const choose = (name: string) => {
    chooseCollection(name);
    onClose();
  };
  return (
    <Dialog title="Collections" onClose={onClose}>
      <ul className="plain-list">
        {collections.map(({ name, documents, encoded, passages, problem }) => (
          <li key={name} className="row row-between">
            <button type="button" className="list-choice" onClick={() => choose(name)}>
              <strong>{name}</strong>
              <span className="muted">
                {problem ??
                  `${plural(documents, "document")}, ${encoded} of ${plural(passages, "passage")} encoded`}
              </span>
            </button>
            <Button
              kind="quiet"
              icon="trash"
              aria-label={`Delete collection ${name}`}
              onClick={() => setDoomed(name)}
            />
          </li>
        ))}
      </ul>
      <NewCollection onMade={choose} />
      {doomed !== undefined && (
        <DeleteCollection
          name={doomed}
          onDeleted={() => doomed === collection && chooseCollection(undefined)}
          onClose={() => setDoomed(undefined)}
        />
      )}
    </Dialog>
  );
}

function NewCollection({ onMade }: { onMade: (name: string) => void }) {
  const { client, refresh } = useSession();
  const [name, setName] = useState("");
  const [failure, setFailure] = useState<ApiFailure>();
  const field = useId();
  const make = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await client.createCollection(name);
      refresh();
      onMade(name);
    } catch (error) {
      setFailure(toFailure(error));
    }
  };
  return (
    <form className="stack" onSubmit={(event) => void make(event)}>
      <label htmlFor={field}>New collection</label>
      <div className="row">
        <input
          id={field}
          className="grow"
          value={name}
          placeholder="manuals"
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
        <Button kind="primary" type="submit" disabled={name.trim() === ""}>
          Create
        </Button>
      </div>
      <FailureNotice failure={failure} />
    </form>
  );
}

function DeleteCollection({
  name,
  onDeleted,
  onClose,
}: {
  name: string;
  onDeleted: () => void;
  onClose: () => void;
}) {
  const { client, refresh, announce } = useSession();
  const [failure, setFailure] = useState<ApiFailure>();
  const remove = async () => {
    try {
      await client.deleteCollection(name);
      announce(`Collection ${name} deleted`);
      onDeleted();
      refresh();
      onClose();
    } catch (error) {
      setFailure(toFailure(error));
    }
  };
  return (
    <ConfirmDialog
      title={`Delete ${name}?`}
      deed="Delete collection"
      failure={failure}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <p>Its documents leave the server, and adapters that no other collection uses go with them.</p>
    </ConfirmDialog>
  );
}
