import { ConfigError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { checkRatio } from "../memory/window.ts";
import type { WindowedText } from "./memory-batch.ts";

/** How stretches of text are drawn for pre-training. */
export interface StretchOptions {
  /** Raw tokens of a window. */
  window: number;
  /** Windows of a stretch. */
  windows: number;
  /** Drawn anew for every window. */
  ratios: readonly number[];
  /** Stretches of an update. */
  batch: number;
  seed: number;
}

/**
 * Stretches of texts for next-token prediction: every text is cut into stretches of whole windows (a shorter rest is left
 * out, and so is a shorter text, which `left` counts), each is seen once before any is seen twice, in an order drawn for every pass. The last window has no memory tokens
 * in half of the stretches: nothing comes after it, but when a memory is asked it has them.
 */
export function createStretches(
  texts: readonly Int32Array[],
  { window, windows, ratios, batch, seed }: StretchOptions,
): { count: number; left: number; textsOf(update: number): WindowedText[] } {
  for (const ratio of ratios) checkRatio(ratio, window);
  const length = window * windows;
  const places = texts.flatMap((text, owner) =>
    Array.from({ length: Math.floor(text.length / length) }, (_, i) => ({ owner, begin: i * length })),
  );
  if (!places.length) {
    throw new ConfigError(
      `none of the ${texts.length} texts has ${length} tokens (${windows} windows of ${window}); give longer texts, or fewer or smaller windows`,
    );
  }
  const random = new Random(`stretches/${seed}`);
  const orders = new Map<number, typeof places>();
  const placeOf = (index: number) => {
    const pass = Math.floor(index / places.length);
    let order = orders.get(pass);
    if (!order) {
      order = random.fork(`pass ${pass}`).shuffle(places);
      orders.clear();
      orders.set(pass, order);
    }
    return order[index % places.length]!;
  };
  return {
    count: places.length,
    left: texts.filter((text) => text.length < length).length,
    textsOf: (update) =>
      Array.from({ length: batch }, (_, i) => {
        const { owner, begin } = placeOf(update * batch + i);
        const drawn = random.fork(`ratios ${update}/${i}`);
        const weight = 1 / (batch * (length - 1));
        return {
          windows: cutWindows(texts[owner]!.subarray(begin, begin + length), window),
          ratios: Array.from({ length: windows }, (_, w) =>
            w === windows - 1 && drawn.next() < 0.5 ? 0 : ratios[drawn.int(ratios.length)]!,
          ),
          weights: new Array<number>(length).fill(weight),
        };
      }),
  };
}

/** Tokens in windows; the last may be shorter. */
export function cutWindows(ids: ArrayLike<number>, window: number): number[][] {
  const all = Array.from(ids);
  return Array.from({ length: Math.ceil(all.length / window) }, (_, i) =>
    all.slice(i * window, (i + 1) * window),
  );
}

/** How the beginning of a stretch is known when its last window is predicted. */
export type Known = "nothing" | "everything" | { ratio: number };

/** A stretch whose last window alone counts (but for its first token, which nothing precedes where nothing is known). */
export function continuationOf(ids: readonly number[], window: number, known: Known): WindowedText {
  const cut = ids.length - window;
  const last = ids.slice(cut);
  const weights = last.map((_, i) => (i === 0 ? 0 : 1));
  if (known === "nothing") return { windows: [last], ratios: [0], weights };
  const all = [...new Array<number>(cut).fill(0), ...weights];
  if (known === "everything") return { windows: [[...ids]], ratios: [0], weights: all };
  const windows = cutWindows(ids, window);
  const ratios = windows.map((_, i) => (i === windows.length - 1 ? 0 : known.ratio));
  return { windows, ratios, weights: all };
}
