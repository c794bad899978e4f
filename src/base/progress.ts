/** One report of a long task: `done` of `total` units; `note` is a short text beside the bar. */
export interface ProgressEvent {
  task: string;
  done: number;
  total: number;
  note?: string;
}

/** Receives the progress of a long task; the command line draws a bar with an ETA from it. */
export type Progress = (event: ProgressEvent) => void;

/** A progress that nobody watches. */
export const noProgress: Progress = () => {};
