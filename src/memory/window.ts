import { ConfigError } from "../base/errors.ts";

/** Raw tokens that one memory entry may stand for. */
const ratioLimits = { least: 2, most: 32 };

/** Refuses a ratio that is out of range or does not divide the window. */
export function checkRatio(ratio: number, window: number): void {
  const { least, most } = ratioLimits;
  if (Number.isInteger(ratio) && ratio >= least && ratio <= most && window % ratio === 0) return;
  const valid = validRatios(window).join(", ");
  throw new ConfigError(
    `the ratio must be a whole number from ${least} to ${most} that divides the window of ${window} tokens, got ${ratio}; valid are ${valid}`,
  );
}

/** All ratios that a window admits. */
export function validRatios(window: number): number[] {
  const { least, most } = ratioLimits;
  return Array.from({ length: most - least + 1 }, (_, i) => least + i).filter(
    (ratio) => window % ratio === 0,
  );
}

/** A stretch of a window with its memory tokens. */
export interface MixedTokens {
  /** A memory token's id is 0 and means nothing. */
  ids: number[];
  isMemory: boolean[];
}

/**
 * Sets a memory token after every `ratio` raw tokens of a window; 0 sets none. `before` tells how many raw tokens of the
 * window came earlier.
 */
export function interleave(
  ids: readonly number[],
  { ratio, before = 0 }: { ratio: number; before?: number },
): MixedTokens {
  const mixed: MixedTokens = { ids: [], isMemory: [] };
  ids.forEach((id, i) => {
    mixed.ids.push(id);
    mixed.isMemory.push(false);
    if (ratio === 0 || (before + i + 1) % ratio !== 0) return;
    mixed.ids.push(0);
    mixed.isMemory.push(true);
  });
  return mixed;
}

/** Tokens of a window with its memory tokens, when so many raw ones have come. */
export function mixedLength(rawTokens: number, ratio: number): number {
  return rawTokens + Math.floor(rawTokens / ratio);
}
