import { useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import type { Job } from "../api/wire.ts";
import { isFinished, type JobView } from "../state/jobs.ts";
import { useSession } from "../state/session.ts";
import { jobNames } from "../state/use-announcements.ts";
import { formatCount, formatRemaining } from "../text/format.ts";
import { Button } from "./button.tsx";
import { LossCurve } from "./loss-curve.tsx";
import { FailureNotice } from "./notice.tsx";
import { ProgressBar } from "./progress.tsx";

/** What the server's tasks are in words; an unknown one keeps its name. */
const tasks: Record<string, string> = {
  ingest: "Reading",
  index: "Indexing",
  augment: "Writing questions and answers",
  "choose augmenter": "Trying who writes the questions",
  encode: "Training",
};

const states: Record<Job["state"], string> = {
  waiting: "Waiting for its turn",
  running: "Starting",
  done: "Done",
  failed: "Failed",
  cancelled: "Stopped; the same job goes on from here",
};

/** The task that a job is at, in words. */
export function describeJob({ state, progress }: Pick<Job, "state" | "progress">): string {
  if (state !== "running" || !progress) return states[state];
  const { task, done, total, note } = progress;
  const count = note ?? `${formatCount(done)} of ${formatCount(total)}`;
  return `${tasks[task] ?? task}: ${count}`;
}

/** A job: what it is at, how long it will take, and its loss curve. */
export function JobCard({ job }: { job: JobView }) {
  const { jobs } = useSession();
  const [failure, setFailure] = useState<ApiFailure>();
  const cancel = () => jobs.cancel(job.id).catch((error: unknown) => setFailure(toFailure(error)));
  const { progress, state } = job;
  const remaining =
    state === "running" && progress?.etaMs != null ? formatRemaining(progress.etaMs / 1000) : "";
  return (
    <section className="job card" data-state={state} aria-label={jobNames[job.kind]}>
      <header className="row row-between">
        <h3>
          {jobNames[job.kind]}
          {job.isBackground && <span className="tag">in the background</span>}
        </h3>
        {!isFinished(job) && (
          <Button kind="quiet" icon="stop" onClick={() => void cancel()}>
            Stop
          </Button>
        )}
      </header>
      <ProgressBar
        label={jobNames[job.kind]}
        done={state === "done" ? 1 : (progress?.done ?? 0)}
        total={state === "done" ? 1 : (progress?.total ?? 0)}
      />
      <p className="row row-between muted">
        <span>{describeJob(job)}</span>
        <span>{remaining}</span>
      </p>
      {job.kind === "encode" && <LossCurve curves={job.curves} />}
      {job.error && (
        <div className="notice" data-kind="failure" role="alert">
          {job.error.message}
        </div>
      )}
      <FailureNotice failure={failure} />
    </section>
  );
}
