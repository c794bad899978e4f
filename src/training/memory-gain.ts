import type { WindowedText } from "./memory-batch.ts";
import type { MemoryTrainer, MemoryValues } from "./memory-trainer.ts";

/** Nats that a token counts at most. */
const mostGain = 5;

/**
 * Weighs tokens by what the text before their window tells of them: log p where the base model reads all of it, less log p where
 * it reads the window alone, if that is above 0; the weights of all texts sum to 1. What can be told from the window itself, and
 * all of the first window, does not count, so that what is learned is to remember. The first token of a window, which nothing
 * precedes where it stands alone, does not count either. Memory weights have no part in it: the same texts have the same weights.
 */
export async function weighByGain(
  texts: readonly WindowedText[],
  { trainer, values }: { trainer: MemoryTrainer; values: MemoryValues },
): Promise<WindowedText[]> {
  const whole = texts.map(({ windows }) => plain(windows.flat(), windows[0]!.length));
  const alone = texts.flatMap(({ windows }) => windows.slice(1).map((window) => plain(window, 1)));
  const known = await trainer.logProbabilities(whole, values);
  const unknown = (await trainer.logProbabilities(alone, values)).values();
  const gains = texts.map(({ windows }, i) => {
    const own = new Array<number>(windows.flat().length).fill(0);
    let begin = windows[0]!.length;
    for (const window of windows.slice(1)) {
      const without: Float32Array = unknown.next().value!;
      for (let t = 1; t < window.length; t++)
        own[begin + t] = Math.min(mostGain, Math.max(0, known[i]![begin + t]! - without[t]!));
      begin += window.length;
    }
    return own;
  });
  const total = gains.flat().reduce((sum, gain) => sum + gain, 0);
  return texts.map((text, i) => ({
    ...text,
    weights: gains[i]!.map((gain) => (total > 0 ? gain / total : 0)),
  }));
}

/** Tokens that the base model reads as they are; the first few are not predicted. */
function plain(ids: readonly number[], skipped: number): WindowedText {
  return { windows: [ids], ratios: [0], weights: ids.map((_, i) => (i < skipped ? 0 : 1)) };
}
