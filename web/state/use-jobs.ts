import { useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import type { Client } from "../api/client.ts";
import type { Job } from "../api/wire.ts";
import { endedIds, isFinished, type JobView, jobsReducer, nextToFollow } from "./jobs.ts";

/** Jobs of the server, kept up to date. */
export interface Jobs {
  list: readonly JobView[];
  /** Follows a job that was just started. */
  track(job: Job): void;
  cancel(id: string): Promise<void>;
}

/**
 * How often to look for jobs that somebody else started, and whether the server is still there. Below the five seconds after
 * which servers close a silent connection, so that a question never meets one that is just being closed.
 */
const pollMs = 4000;
/** Before a broken stream of events is begun again. */
const retryMs = 1000;

/** Follows the job that runs, and looks after the others now and then; `onEnd` hears when one of `endedIds` is new. */
export function useJobs(client: Client, { onEnd }: { onEnd: () => void }): Jobs {
  const [list, dispatch] = useReducer(jobsReducer, []);
  const ids = useRef<readonly string[]>([]);
  useEffect(() => {
    ids.current = list.map(({ id }) => id);
  }, [list]);
  usePoll(
    useCallback(async () => {
      const known = ids.current;
      dispatch({ type: "listed", jobs: await client.jobs(), known });
    }, [client]),
  );
  const ended = endedIds(list).join(" ");
  useEffect(() => {
    if (ended !== "") onEnd();
  }, [ended, onEnd]);
  const next = nextToFollow(list);
  useEffect(() => {
    if (next === undefined) return;
    const controller = new AbortController();
    void follow(client, next, {
      signal: controller.signal,
      onChange: (job) => dispatch({ type: "changed", job }),
    });
    return () => controller.abort();
  }, [client, next]);
  const track = useCallback((job: Job) => dispatch({ type: "changed", job }), []);
  const cancel = useCallback(
    async (id: string) => dispatch({ type: "changed", job: await client.cancelJob(id) }),
    [client],
  );
  return useMemo(() => ({ list, track, cancel }), [list, track, cancel]);
}

/** Reads a job's events to its end; a broken stream is begun again, since each tells the whole job. */
async function follow(
  client: Client,
  id: string,
  { signal, onChange }: { signal: AbortSignal; onChange: (job: Job) => void },
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const job of client.watchJob(id, signal)) {
        onChange(job);
        if (isFinished(job)) return;
      }
    } catch {
      // Whoever watches the connection has heard of it already.
    }
    await new Promise((done) => setTimeout(done, retryMs));
  }
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
