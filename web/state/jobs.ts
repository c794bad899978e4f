import type { Job } from "../api/wire.ts";

/** A job with the loss curves that were seen of it: one per group of passages, the last one still growing. */
export interface JobView extends Job {
  curves: number[][];
}

/** Curves that are kept of a job, at most. */
const keptCurves = 24;

export type JobsAction =
  /** `known` are the ids of the jobs that the page knew of when it asked for the list. */
  { type: "listed"; jobs: readonly Job[]; known: readonly string[] } | { type: "changed"; job: Job };

/** All jobs that the page knows of, newest first. */
export function jobsReducer(views: readonly JobView[], action: JobsAction): JobView[] {
  if (action.type === "listed") return mergeList(views, action);
  const { job } = action;
  const known = views.some(({ id }) => id === job.id);
  if (!known) return [merge(undefined, job), ...views];
  return views.map((view) => (view.id === job.id ? merge(view, job) : view));
}

/** A job that was started while the list was on its way is not in it, and stays. */
function mergeList(
  views: readonly JobView[],
  { jobs, known }: Extract<JobsAction, { type: "listed" }>,
): JobView[] {
  const old = new Set([...known, ...jobs.map(({ id }) => id)]);
  const listed = jobs.map((job) => {
    const view = views.find(({ id }) => id === job.id);
    return merge(view, job);
  });
  return [...views.filter(({ id }) => !old.has(id)), ...listed];
}

/** Whether a job will change no more. */
export function isFinished({ state }: Pick<Job, "state">): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** The jobs that somebody asked for and that have ended; those of the background encoder are too many to act on. */
export function endedIds(views: readonly JobView[]): string[] {
  return views.filter((view) => isFinished(view) && !view.isBackground).map(({ id }) => id);
}

/**
 * The job whose events are worth a connection: the one that runs, or the one that is next. Only one, because a browser has
 * six connections to a server, and answers need some.
 */
export function nextToFollow(views: readonly JobView[]): string | undefined {
  const unfinished = views.filter((view) => !isFinished(view));
  return (unfinished.find(({ state }) => state === "running") ?? unfinished.at(-1))?.id;
}

function merge(view: JobView | undefined, job: Job): JobView {
  // A late answer of the list must not bring back a job that has ended.
  if (view && isFinished(view) && !isFinished(job)) return view;
  return { ...job, curves: grow(view?.curves ?? [], job.losses) };
}

/** The server tells the losses of the passages in training now: a list that goes on is the same curve, another one is new. */
function grow(curves: readonly number[][], losses: readonly number[]): number[][] {
  if (losses.length === 0) return [...curves];
  const last = curves.at(-1) ?? [];
  const goesOn = losses.length >= last.length && last.every((loss, i) => loss === losses[i]);
  return [...(goesOn ? curves.slice(0, -1) : curves), [...losses]].slice(-keptCurves);
}
