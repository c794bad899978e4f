/** A half-open range of UTF-16 code units of a text. */
export interface Span {
  start: number;
  end: number;
}

/** A piece of a text as `Intl.Segmenter` cuts it. */
export interface Segment extends Span {
  isWordLike: boolean;
}

/**
 * The segments of a text in order. `Intl.Segmenter` of Node 20 takes time quadratic in the length of its input, so the
 * text is handed over in windows; the last segment of a window, which what follows might lengthen, is cut again with
 * the next one.
 */
export function* segments(segmenter: Intl.Segmenter, text: string, window = 1024): Generator<Segment> {
  let start = 0;
  let size = window;
  while (start < text.length) {
    const end = windowEnd(text, start + size);
    let last: Segment | undefined;
    for (const { segment, index, isWordLike } of segmenter.segment(text.slice(start, end))) {
      if (last) yield last;
      last = {
        start: start + index,
        end: start + index + segment.length,
        isWordLike: isWordLike ?? false,
      };
    }
    if (last && end === text.length) yield last;
    if (end === text.length) return;
    const next = last?.start ?? end;
    size = next === start ? size * 2 : window;
    start = next;
  }
}

function windowEnd(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const unit = text.charCodeAt(end);
  const splitsPair = unit >= 0xdc00 && unit <= 0xdfff;
  return splitsPair ? end + 1 : end;
}
