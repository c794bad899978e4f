/** Passes text on until a stop string appears; what might be the beginning of one is held back. */
export interface StopFilter {
  /** The part of the text so far that can be shown; `stopped` when a stop string was found. */
  push(text: string): { text: string; stopped: boolean };
  /** What was still held back, when the text ends otherwise. */
  end(): string;
  /** Whether text is held back now. */
  readonly holds: boolean;
}

/**
 * Creates a filter; nothing at or after the first stop string is ever passed on. The first is the one that is complete
 * first (of several, the longest), so that it does not matter in which pieces the text comes.
 */
export function createStopFilter(stop: readonly string[] = []): StopFilter {
  const stops = stop.filter((one) => one !== "");
  let held = "";
  return {
    get holds() {
      return held !== "";
    },
    push(text) {
      held += text;
      const end = firstStop(held, stops);
      if (end !== undefined) {
        const shown = held.slice(0, end);
        held = "";
        return { text: shown, stopped: true };
      }
      const keep = longestBeginning(held, stops);
      const shown = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text: shown, stopped: false };
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Where the first stop string begins, if there is one. */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  const found = stops
    .map((one) => ({ begin: text.indexOf(one), length: one.length }))
    .filter(({ begin }) => begin >= 0)
    .sort((a, b) => a.begin + a.length - (b.begin + b.length) || a.begin - b.begin);
  return found[0]?.begin;
}

/** Length of the longest end of the text that is the beginning of a stop string. */
function longestBeginning(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const one of stops) {
    for (let length = Math.min(one.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(one.slice(0, length))) longest = length;
    }
  }
  return longest;
}
