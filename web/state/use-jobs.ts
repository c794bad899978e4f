import { useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import type { Client } from "../api/client.ts";
import type { Job } from "../api/wire.ts";
import { isFinished, type JobView, jobsReducer } from "./jobs.ts";

/** Jobs of the server, kept up to date. */
export interface Jobs {
  list: readonly JobView[];
  /** Follows a job that was just started. */
  track(job: Job): void;
  cancel(id: string): Promise<void>;
}

/** How often to look for jobs that somebody else started, and whether the server is still there. */
const pollMs = 5000;

/** Follows all unfinished jobs; `onEnd` hears when one has ended. */
export function useJobs(client: Client, { onEnd }: { onEnd: () => void }): Jobs {
  const [list, dispatch] = useReducer(jobsReducer, []);
  usePoll(
    useCallback(async () => {
      dispatch({ type: "listed", jobs: await client.jobs() });
    }, [client]),
  );
  const unfinished = list
    .filter((job) => !isFinished(job))
    .map(({ id }) => id)
    .sort()
    .join(" ");
  useEffect(() => {
    const controller = new AbortController();
    const follow = async (id: string) => {
      for await (const job of client.watchJob(id, controller.signal)) {
        dispatch({ type: "changed", job });
        if (isFinished(job)) onEnd();
      }
    };
    // A broken stream needs nothing here: the next poll finds the job again, or tells that the server has gone.
    for (const id of unfinished.split(" ").filter(Boolean)) follow(id).catch(() => {});
    return () => controller.abort();
  }, [client, unfinished, onEnd]);
  const track = useCallback((job: Job) => dispatch({ type: "changed", job }), []);
  const cancel = useCallback(
    async (id: string) => dispatch({ type: "changed", job: await client.cancelJob(id) }),
    [client],
  );
  return useMemo(() => ({ list, track, cancel }), [list, track, cancel]);
}

/** Calls at once and then every few seconds, never two at a time; failures are left to whoever watches the connection. */
function usePoll(call: () => Promise<void>): void {
  const busy = useRef(false);
  useEffect(() => {
    const poll = async () => {
      if (busy.current || document.visibilityState === "hidden") return;
      busy.current = true;
      await call().catch(() => {});
      busy.current = false;
    };
    void poll();
    const timer = setInterval(() => void poll(), pollMs);
    return () => clearInterval(timer);
  }, [call]);
}
