import type { Progress, ProgressEvent } from "../base/progress.ts";
import { formatDuration } from "./format.ts";
import { printable } from "./terminal.ts";

/** Where a bar is drawn, and its clock. */
export interface ProgressBarOptions {
  write(text: string): void;
  /** A person watches: one line that is drawn anew. Else a plain line now and then. */
  isTerminal: boolean;
  columns: number;
  /** Milliseconds. */
  clock: () => number;
}

/** A bar for one task at a time. */
export interface ProgressBar {
  progress: Progress;
  /** Takes the bar off the screen, before something else is written there; the next report draws it again. */
  clear(): void;
}

const redrawMs = 100;
const plainLineMs = 10_000;
const barWidth = 24;

interface Task {
  name: string;
  startedMs: number;
  startedAt: number;
  done: number;
  shownMs: number;
}

/** Shows the progress of long tasks with the time that is left. */
export function createProgressBar(options: ProgressBarOptions): ProgressBar {
  const { write, isTerminal, clock } = options;
  let task: Task | undefined;
  let isDrawn = false;
  const clear = () => {
    if (isDrawn) write("\r\x1b[K");
    isDrawn = false;
  };
  return {
    clear,
    progress(event) {
      const now = clock();
      if (task?.name !== event.task || event.done < task.done) {
        // What a task had done before its first report (an earlier run's part) took no time of ours.
        const [startedMs, startedAt] = [now, event.done];
        // A plain line comes when a task has run for a while; a bar at once.
        const shownMs = isTerminal ? now - redrawMs : now;
        task = { name: event.task, startedMs, startedAt, done: event.done, shownMs };
      }
      task.done = event.done;
      const isDue = now - task.shownMs >= (isTerminal ? redrawMs : plainLineMs);
      if (!isDue && !(isTerminal && event.done >= event.total)) return;
      task.shownMs = now;
      const secondsLeft = estimate(task, event, now);
      write(
        isTerminal
          ? `\r${printable(drawBar(event, secondsLeft, options.columns))}\x1b[K`
          : `${printable(describe(event, secondsLeft))}\n`,
      );
      isDrawn = isTerminal;
    },
  };
}

/** Seconds that are left at the speed so far. */
function estimate(
  { startedMs, startedAt }: Task,
  { done, total }: ProgressEvent,
  now: number,
): number | undefined {
  const gained = done - startedAt;
  if (gained <= 0 || now <= startedMs) return undefined;
  return ((now - startedMs) / 1000 / gained) * Math.max(0, total - done);
}

function drawBar(
  { task, done, total, note }: ProgressEvent,
  secondsLeft: number | undefined,
  columns: number,
): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * barWidth);
  const parts = [
    `${task} [${"=".repeat(filled)}${" ".repeat(barWidth - filled)}] ${Math.floor(100 * share)} %`,
    ...(note ? [note] : []),
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
  ];
  return parts.join("  ").slice(0, Math.max(10, columns - 1)); // a line that wraps cannot be drawn anew
}

function describe({ task, done, total, note }: ProgressEvent, secondsLeft: number | undefined): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const left = secondsLeft === undefined ? "" : `, ${formatDuration(secondsLeft)} left`;
  return `${task}: ${Math.floor(100 * share)} %${note ? ` (${note})` : ""}${left}`;
}
