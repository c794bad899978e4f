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

/** Colour of a cosine: the page's own for none, one hue for alike, another for opposed. */
function heat(cosine: number): string {
  const share = Math.round(Math.min(1, Math.abs(cosine)) * 100);
  return `color-mix(in oklab, var(${cosine < 0 ? "--opposed" : "--alike"}) ${share}%, var(--sunken))`;
}

/** How alike adapters are, each with each: one stop for Tab, arrow keys within, and the pair told in words. */
export function HeatMap({ map: { titles, keys, values } }: { map: Similarity }) {
  const [cell, setCell] = useState<readonly [number, number]>([0, Math.min(1, keys.length - 1)]);
  const table = useRef<HTMLTableElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moveCell(cell, event.key, keys.length);
    if (!next) return;
    event.preventDefault();
    setCell(next);
    const target = table.current?.querySelector(`[data-cell="${next[0]}-${next[1]}"]`);
    if (target instanceof HTMLElement) target.focus();
  };
  const pair = ([row, column]: readonly [number, number]) =>
    `${titles[row]} and ${titles[column]}: ${(values[row]?.[column] ?? 0).toFixed(2)}`;
  return (
    <div className="heat-map">
      <p className="heat-map-pair">{pair(cell)}</p>
      <table ref={table} aria-label="Similarity of adapters">
        <tbody>
          {keys.map((key, row) => (
            <tr key={key}>
              <th scope="row" className="heat-map-name" title={titles[row]}>
                {titles[row]}
              </th>
              {keys.map((other, column) => (
                <td key={other}>
                  <button
                    type="button"
                    data-cell={`${row}-${column}`}
                    tabIndex={cell[0] === row && cell[1] === column ? 0 : -1}
                    aria-label={pair([row, column])}
                    style={{ backgroundColor: heat(values[row]?.[column] ?? 0) }}
                    onKeyDown={onKeyDown}
                    onFocus={() => setCell([row, column])}
                    onMouseEnter={() => setCell([row, column])}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
