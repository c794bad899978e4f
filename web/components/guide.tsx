import { type ReactNode, useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import { isFinished } from "../state/jobs.ts";
import { useSession } from "../state/session.ts";
import { exampleFiles } from "../text/example.ts";
import { plural } from "../text/format.ts";
import { Button } from "./button.tsx";
import { DropZone, useUpload } from "./drop-zone.tsx";
import { Icon } from "./icon.tsx";
import { JobCard } from "./job-card.tsx";
import { FailureNotice } from "./notice.tsx";

/** The steps of the first use. */
export type Step = "add" | "encode" | "ask";

/** The step that is next, by what the collection has. */
export function nextStep({ passages, encoded }: { passages: number; encoded: number }): Step {
  if (passages === 0) return "add";
  return encoded === 0 ? "encode" : "ask";
}

/** Leads by the hand from an empty folder to the first answer. */
export function Guide({ passages, encoded }: { passages: number; encoded: number }) {
  const step = nextStep({ passages, encoded });
  return (
    <ol className="guide" aria-label="First steps">
      <GuideStep title="Add documents" isDone={step !== "add"} isNow={step === "add"}>
        {step === "add" && <AddStep />}
      </GuideStep>
      <GuideStep title="Turn them into adapters" isDone={step === "ask"} isNow={step === "encode"}>
        {step === "encode" && <EncodeStep passages={passages} />}
      </GuideStep>
      <GuideStep title="Ask a question" isDone={false} isNow={step === "ask"}>
        {step === "ask" && (
          <p>
            What your documents say is in the adapters now. Ask below: the prompt stays as short as the
            question, and the sources are shown beside the answer.
          </p>
        )}
      </GuideStep>
    </ol>
  );
}

function GuideStep({
  title,
  isDone,
  isNow,
  children,
}: {
  title: string;
  isDone: boolean;
  isNow: boolean;
  children: ReactNode;
}) {
  return (
    <li className="guide-step" data-done={isDone || undefined} aria-current={isNow ? "step" : undefined}>
      <span className="guide-mark" aria-hidden="true">
        {isDone && <Icon name="check" />}
      </span>
      <div className="guide-body">
        <h2>
          {title}
          {isDone && <span className="visually-hidden"> (done)</span>}
        </h2>
        {children}
      </div>
    </li>
  );
}

function AddStep() {
  const { upload, isSending, failure } = useUpload();
  return (
    <div className="stack">
      <p>They stay on this machine. Each is cut into passages of about a hundred words.</p>
      <DropZone />
      <p className="muted">
        Nothing at hand?{" "}
        <button
          type="button"
          className="link"
          disabled={isSending}
          onClick={() => void upload(exampleFiles())}
        >
          Take three short articles about an invented island
        </button>
      </p>
      <FailureNotice failure={failure} />
      <CurrentJob />
    </div>
  );
}

function EncodeStep({ passages }: { passages: number }) {
  return (
    <div className="stack">
      <p>
        {plural(passages, "passage")} can be asked about at once, by putting them into the prompt. As
        adapters, they become a part of the model.
      </p>
      <EncodeButton label={`Encode ${plural(passages, "passage")}`} />
      <CurrentJob />
    </div>
  );
}

/** Starts the job that gives every passage its adapter. */
export function EncodeButton({ label }: { label: string }) {
  const { client, collection, jobs } = useSession();
  const [failure, setFailure] = useState<ApiFailure>();
  const isBusy = jobs.list.some((job) => job.collection === collection && !isFinished(job));
  const start = async () => {
    setFailure(undefined);
    try {
      jobs.track(await client.encode(collection));
    } catch (error) {
      setFailure(toFailure(error));
    }
  };
  return (
    <>
      <div className="row">
        <Button kind="primary" icon="adapters" disabled={isBusy} onClick={() => void start()}>
          {label}
        </Button>
      </div>
      <FailureNotice failure={failure} />
    </>
  );
}

/** The newest job of this collection that goes on or went wrong. */
function CurrentJob() {
  const { jobs, collection } = useSession();
  const job = jobs.list.find((one) => one.collection === collection);
  return job && job.state !== "done" ? <JobCard job={job} /> : null;
}
