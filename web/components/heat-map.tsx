import { type KeyboardEvent, useRef, useState } from "react";
import type { Similarity } from "../api/wire.ts";

/** Where an arrow key leads in a square of `size` cells a side; undefined for other keys. */
export function moveCell(
  [row, column]: readonly [number, number],
  key: string,
  size: number,
): [number, number] | undefined {
  const last = size - 1;
  const inside = (place: number) => Math.max(0, Math.min(last, place));
  const moves: Record<string, [number, number]> = {
    ArrowUp: [inside(row - 1), column],
    ArrowDown: [inside(row + 1), column],
    ArrowLeft: [row, inside(column - 1)],
    ArrowRight: [row, inside(column + 1)],
    Home: [row, 0],
    End: [row, last],
  };
  return moves[key];
}

/** Passages of one document have one title: from the second on they get a number. */
export function numberTitles(titles: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return titles.map((title) => {
    const count = (seen.get(title) ?? 0) + 1;
    seen.set(title, count);
    return count === 1 ? title : `${title} (${count})`;
  });
}

/** Colour of a cosine: the page's own for none, one hue for alike, another for opposed. */
function heat(cosine: number): string {
  const share = Math.round(Math.min(1, Math.abs(cosine)) * 100);
  return `color-mix(in oklab, var(${cosine < 0 ? "--opposed" : "--alike"}) ${share}%, var(--sunken))`;
}

type Cell = readonly [number, number];

/** How alike adapters are, each with each: one stop for Tab, arrow keys within, and the pair told in words. */
export function HeatMap({ map: { titles, keys, values } }: { map: Similarity }) {
  const names = numberTitles(titles);
  const [cell, setCell] = useState<Cell>([0, Math.min(1, keys.length - 1)]);
  const table = useRef<HTMLTableElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moveCell(cell, event.key, keys.length);
    if (!next) return;
    event.preventDefault();
    setCell(next);
    const target = table.current?.querySelector(`[data-cell="${next.join("-")}"]`);
    if (target instanceof HTMLElement) target.focus();
  };
  const cosine = ([row, column]: Cell) => values[row]?.[column] ?? 0;
  const tell = (at: Cell) => `${names[at[0]]} and ${names[at[1]]}: ${cosine(at).toFixed(2)}`;
  return (
    <div className="heat-map">
      <div className="row row-between">
        <p className="heat-map-pair">{tell(cell)}</p>
        <p className="heat-legend">
          opposed <span className="heat-legend-scale" aria-hidden="true" /> alike
        </p>
      </div>
      <table ref={table} aria-label="Similarity of adapters">
        <tbody>
          {keys.map((key, row) => (
            <tr key={key}>
              <th scope="row" className="heat-map-name" title={names[row]}>
                {names[row]}
              </th>
              {keys.map((other, column) => (
                <HeatCell
                  key={other}
                  at={[row, column]}
                  label={tell([row, column])}
                  color={heat(cosine([row, column]))}
                  isStop={cell[0] === row && cell[1] === column}
                  onChoose={setCell}
                  onKeyDown={onKeyDown}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HeatCell({
  at,
  label,
  color,
  isStop,
  onChoose,
  onKeyDown,
}: {
  at: Cell;
  label: string;
  color: string;
  isStop: boolean;
  onChoose: (cell: Cell) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}) {
  return (
    <td>
      <button
        type="button"
        data-cell={at.join("-")}
        tabIndex={isStop ? 0 : -1}
        aria-label={label}
        style={{ backgroundColor: color }}
        onKeyDown={onKeyDown}
        onFocus={() => onChoose(at)}
        onMouseEnter={() => onChoose(at)}
      />
    </td>
  );
}
