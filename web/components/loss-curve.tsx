import { plural } from "../text/format.ts";

const [width, height, margin] = [320, 96, 4];

/** A curve as an SVG path, the first loss at the left, 0 at the bottom. */
export function curvePath(losses: readonly number[], { top, steps }: { top: number; steps: number }): string {
  const across = (i: number) => margin + (i / Math.max(1, steps - 1)) * (width - 2 * margin);
  const down = (loss: number) => height - margin - (Math.max(0, loss) / (top || 1)) * (height - 2 * margin);
  return losses.map((loss, i) => `${i ? "L" : "M"}${across(i).toFixed(1)} ${down(loss).toFixed(1)}`).join("");
}

/** Training loss per update: earlier groups of passages faint, the last one strong. */
export function LossCurve({ curves }: { curves: readonly (readonly number[])[] }) {
  const last = curves.at(-1) ?? [];
  const [first, end] = [last[0], last.at(-1)];
  if (first === undefined || end === undefined) return <p className="curve-empty">No loss yet.</p>;
  const top = Math.max(...curves.flat());
  const steps = Math.max(...curves.map((curve) => curve.length));
  const earlier = curves.slice(0, -1);
  const draw = (curve: readonly number[]) => curvePath(curve, { top, steps });
  const label = `Training loss from ${first.toFixed(2)} to ${end.toFixed(2)} in ${plural(last.length, "update")}`;
  return (
    <figure className="curve">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <line className="curve-floor" x1="0" x2={width} y1={height - margin} y2={height - margin} />
        <path className="curve-before" d={earlier.map(draw).join("")} />
        <path className="curve-now" d={draw(last)} />
      </svg>
      <figcaption>
        <span>loss {first.toFixed(2)}</span>
        <span>{plural(last.length, "update")}</span>
        <span>{end.toFixed(2)}</span>
      </figcaption>
    </figure>
  );
}
