import { type DragEvent, useId, useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import { useSession } from "../state/session.ts";
import { plural } from "../text/format.ts";
import { Icon } from "./icon.tsx";
import { FailureNotice } from "./notice.tsx";

const accepted = ".txt,.md,.markdown,.html,.htm,.pdf,.docx,.jsonl,.csv,.tsv";

/** Sends files to the server, and follows the job that reads them. */
export function useUpload(): {
  upload: (files: readonly File[]) => Promise<void>;
  isSending: boolean;
  failure: ApiFailure | undefined;
} {
  const { client, collection, jobs, announce } = useSession();
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const upload = async (files: readonly File[]) => {
    if (files.length === 0) return;
    setSending(true);
    setFailure(undefined);
    announce(`Uploading ${plural(files.length, "file")}`);
    try {
      jobs.track(await client.upload(collection, files));
    } catch (error) {
      setFailure(toFailure(error));
    }
    setSending(false);
  };
  return { upload, isSending, failure };
}

/** A place to drop files on, and a button to choose them. */
export function DropZone() {
  const { upload, isSending, failure } = useUpload();
  const [isOver, setOver] = useState(false);
  const hint = useId();
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void upload([...event.dataTransfer.files]);
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <>
      <label
        className="drop-zone"
        data-over={isOver || undefined}
        onDrop={onDrop}
        onDragOver={onDragOver}
        onDragLeave={() => setOver(false)}
      >
        <input
          type="file"
          multiple
          accept={accepted}
          className="visually-hidden"
          aria-describedby={hint}
          disabled={isSending}
          onChange={(event) => {
            void upload([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <Icon name="upload" />
        <span className="drop-zone-text">{isSending ? "Uploading…" : "Drop files here, or choose them"}</span>
        <span className="muted" id={hint}>
          Text, Markdown, HTML, PDF, Word, JSONL, CSV
        </span>
      </label>
      <FailureNotice failure={failure} />
    </>
  );
}
