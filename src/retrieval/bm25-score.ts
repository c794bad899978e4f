/** Lucene's defaults: how soon repeated terms stop counting, and how much the length of a field counts. */
const k1 = 1.2;
const b = 0.75;

/**
 * A field's length as Lucene keeps it, in one byte: exact below 40, then with four significant bits. Lucene:
 * `SmallFloat.intToByte4`.
 */
export function encodeLength(length: number): number {
  if (length < exactLengths) return length;
  const rest = length - exactLengths;
  if (rest < 8) return exactLengths + rest;
  const shift = 28 - Math.clz32(rest); // keeps the leading bit and three more
  return exactLengths + (((shift + 1) << 3) | ((rest >>> shift) & 7));
}

/** So many lengths have bytes of their own; the others share the floating ones. */
const exactLengths = 24;

/** The length that a byte of `encodeLength` stands for. */
export function decodeLength(byte: number): number {
  if (byte < exactLengths) return byte;
  const code = byte - exactLengths;
  const shift = (code >>> 3) - 1;
  const rest = shift < 0 ? code & 7 : ((code & 7) | 8) * 2 ** shift;
  return exactLengths + rest;
}

/** How rare a term is: ln(1 + (N − df + 0.5) / (df + 0.5)), N counting the passages that have the field. */
export function inverseDocumentFrequency(documentFrequency: number, documentCount: number): number {
  const odds = (documentCount - documentFrequency + 0.5) / (documentFrequency + 0.5);
  return Math.fround(Math.log(1 + odds));
}

/**
 * 1 / (k1 · (1 − b + b · length / average)) for every length byte. As in Lucene all steps are in single precision, so
 * that scores agree to the last digit.
 */
export function inverseNorms(averageLength: number): Float32Array {
  const f = Math.fround;
  const average = f(averageLength);
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const relative = f(f(f(b) * decodeLength(byte)) / average);
    return f(1 / f(f(k1) * f(f(1 - f(b)) + relative)));
  });
}

/**
 * A term's share of a field's score, Lucene 8 and later: weight · tf / (tf + norm). Elasticsearch multiplies it by the
 * constant k1 + 1, which changes no order; here it is left out, as in Lucene.
 */
export function termScore(weight: number, frequency: number, inverseNorm: number): number {
  return Math.fround(weight - Math.fround(weight / Math.fround(1 + Math.fround(frequency * inverseNorm))));
}
