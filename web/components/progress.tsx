import { formatCount } from "../text/format.ts";

/** How far something is; without a total it only tells that it goes on. */
export function ProgressBar({ label, done, total }: { label: string; done: number; total: number }) {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total || undefined}
      aria-valuenow={total ? done : undefined}
      aria-valuetext={total ? `${formatCount(done)} of ${formatCount(total)}` : undefined}
    >
      <div className="progress-done" style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}
