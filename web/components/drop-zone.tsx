import { type DragEvent, useId, useState } from "react";
import { ApiFailure, toFailure } from "../api/failure.ts";
import { useSession } from "../state/session.ts";
import { formatBytes, plural } from "../text/format.ts";
import { Icon } from "./icon.tsx";
import { FailureNotice } from "./notice.tsx";

const accepted = ".txt,.md,.markdown,.html,.htm,.pdf,.docx,.jsonl,.csv,.tsv";

/** Sends files to the server, and follows the job that reads them. */
export function useUpload(): {
  upload: (files: readonly File[]) => Promise<void>;
  isSending: boolean;
  failure: ApiFailure | undefined;
} {
  const { client, collection, jobs, status, announce } = useSession();
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const upload = async (files: readonly File[]) => {
    if (files.length === 0) return;
    const tooLarge = checkSize(files, status.data?.limits.uploadBytes);
    setFailure(tooLarge);
    if (tooLarge) return;
    setSending(true);
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

/** Why the server would refuse files of this size, which it would only say after it got them. */
function checkSize(files: readonly File[], mostBytes = Number.POSITIVE_INFINITY): ApiFailure | undefined {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= mostBytes) return undefined;
  const message = `${plural(files.length, "file")} of ${formatBytes(bytes)}: the server takes ${formatBytes(mostBytes)} at once.`;
  return new ApiFailure(message, { kind: "request" });
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
