import { interleave } from "../memory/window.ts";
import type { HostTensor } from "../runtime/runtime.ts";

/** A text to train on, cut into windows; its tokens count in the loss by their weights. */
export interface WindowedText {
  windows: readonly (readonly number[])[];
  /** Of each window; 0 sets no memory tokens, which befits the last one, since nothing comes after it. */
  ratios: readonly number[];
  /** Of each raw token of all windows; the first is never predicted. */
  weights: readonly number[];
}

/** Positions that a text needs: of any of its windows the memory of those before it, its tokens and its own memory tokens. */
export function positionsOf({ windows, ratios }: WindowedText): number {
  let [entries, most] = [0, 0];
  windows.forEach(({ length }, w) => {
    const ratio = ratios[w]!;
    const own = ratio === 0 ? 0 : Math.floor(length / ratio);
    most = Math.max(most, entries + length + own);
    entries += own;
  });
  return most;
}

/** Feeds of the memory scoring graph with what is to be predicted where. */
export interface WindowBatch {
  feeds: Record<string, HostTensor>;
  /** Per place in `rows`: the token that follows, its weight, and the text it is of. */
  targets: Int32Array;
  weights: Float32Array;
  texts: Int32Array;
  /** And its index among the raw tokens of that text. */
  places: Int32Array;
}

const hidden = -1e9;

interface Row {
  ids: readonly number[];
  isMemory: readonly boolean[];
  /** Places (row, token) of the memory of earlier windows of the same text. */
  memory: readonly (readonly [row: number, token: number])[];
}

/** Lays out texts, one window in each row, padded to the longest. */
export function layOutWindows(texts: readonly WindowedText[]): WindowBatch {
  const { rows, places, targets, weights, owners, indices } = placeWindows(texts);
  const B = rows.length;
  const T = Math.max(...rows.map((row) => row.ids.length));
  const S = Math.max(...rows.map((row) => row.memory.length + row.ids.length));
  const ids = new BigInt64Array(B * T);
  const isMemory = new Float32Array(B * T);
  const positions = new BigInt64Array(B * T);
  const keyRows = new BigInt64Array(B * S);
  const keyPositions = new BigInt64Array(B * S);
  const mask = new Float32Array(B * T * S).fill(hidden);
  rows.forEach((row, b) => {
    const past = row.memory.length;
    for (let s = 0; s < S; s++) keyPositions[b * S + s] = BigInt(s);
    row.memory.forEach(([of, token], s) => {
      keyRows[b * S + s] = BigInt(of * T + token);
    });
    for (let t = 0; t < T; t++) {
      const isThere = t < row.ids.length;
      // Padding sees something, so that its softmax is a number.
      mask.fill(0, (b * T + t) * S, (b * T + t) * S + (isThere ? past + t + 1 : 1));
      if (!isThere) continue;
      ids[b * T + t] = BigInt(row.ids[t]!);
      isMemory[b * T + t] = Number(row.isMemory[t]);
      positions[b * T + t] = BigInt(past + t);
      keyRows[b * S + past + t] = BigInt(b * T + t);
    }
  });
  return {
    feeds: {
      ids: { dtype: "int64", dims: [B, T], data: ids },
      isMemory: { dtype: "float32", dims: [B, T, 1], data: isMemory },
      positions: { dtype: "int64", dims: [B, T], data: positions },
      keyRows: { dtype: "int64", dims: [B, S], data: keyRows },
      keyPositions: { dtype: "int64", dims: [B, S], data: keyPositions },
      mask: { dtype: "float32", dims: [B, 1, 1, T, S], data: mask },
      rows: { dtype: "int64", dims: [places.length / 2, 2], data: BigInt64Array.from(places, BigInt) },
    },
    targets: Int32Array.from(targets),
    weights: Float32Array.from(weights),
    texts: Int32Array.from(owners),
    places: Int32Array.from(indices),
  };
}

function placeWindows(texts: readonly WindowedText[]) {
  const rows: Row[] = [];
  const [places, targets, weights]: [number[], number[], number[]] = [[], [], []];
  const [owners, indices]: [number[], number[]] = [[], []];
  texts.forEach((text, owner) => {
    const memory: [number, number][] = [];
    const all = text.windows.flat();
    let place: [number, number] | undefined;
    let index = 0;
    text.windows.forEach((window, w) => {
      const row = rows.length;
      const mixed = interleave(window, { ratio: text.ratios[w]! });
      rows.push({ ...mixed, memory: [...memory] });
      mixed.isMemory.forEach((isMemory, token) => {
        if (isMemory) {
          memory.push([row, token]);
          return;
        }
        const weight = text.weights[index]!;
        if (place && weight !== 0) {
          places.push(...place);
          targets.push(all[index]!);
          weights.push(weight);
          owners.push(owner);
          indices.push(index);
        }
        place = [row, token];
        index++;
      });
    });
  });
  return { rows, places, targets, weights, owners, indices };
}
