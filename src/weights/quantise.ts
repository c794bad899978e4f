/** Bits of a quantised weight. */
export type Bits = 8 | 4;

/** How a weight is cut: each block of `blockSize` neighbours along the input axis has its own scale. */
export interface Quantisation {
  bits: Bits;
  blockSize: number;
}

/** Rows [N, in] as ONNX Runtime's MatMulNBits takes them, symmetric (no zero points). */
export interface QuantisedRows {
  /** [N, blocks, blockSize · bits / 8]; of 4 bits, the low half of a byte comes first. */
  packed: Uint8Array;
  /** [N · blocks]. */
  scales: Float32Array;
}

/** Blocks of a row; the last is filled up with zeros where the width is no multiple of the block size. */
export function blocksOf(inFeatures: number, { blockSize }: Quantisation): number {
  return Math.ceil(inFeatures / blockSize);
}

/**
 * Quantises rows [N, in]: x ≈ (q − half) · scale, where half is 2^(bits − 1) and the scale puts the number of largest
 * magnitude at q = 0, so that every value of q is used. `undefined` where a number is not finite.
 */
export function quantiseRows(
  values: Float32Array,
  inFeatures: number,
  quantisation: Quantisation,
): QuantisedRows | undefined {
  const { bits, blockSize } = quantisation;
  const half = 2 ** (bits - 1);
  const scales = new Float32Array((values.length / inFeatures) * blocksOf(inFeatures, quantisation));
  if (!fillScales(scales, values, { inFeatures, blockSize, half })) return undefined;
  const packed = new Uint8Array((scales.length * blockSize * bits) / 8);
  const pack = bits === 8 ? pack8 : pack4;
  pack(packed, values, { inFeatures, blockSize, scales });
  return { packed, scales };
}

/** False where a number is not finite. */
function fillScales(
  scales: Float32Array,
  values: Float32Array,
  { inFeatures, blockSize, half }: { inFeatures: number; blockSize: number; half: number },
): boolean {
  let total = 0; // one number that is not finite makes it so, too
  for (let block = 0, begin = 0; begin < values.length; block++) {
    const end = endOfBlock(begin, inFeatures, blockSize);
    let [least, most] = [0, 0];
    for (let i = begin; i < end; i++) {
      const value = values[i]!;
      if (value < least) least = value;
      if (value > most) most = value;
      total += value;
    }
    scales[block] = (-least > most ? least : most) / -half;
    begin = end;
  }
  return Number.isFinite(total);
}

/** Blocks end where they are full or their row ends. */
function endOfBlock(begin: number, inFeatures: number, blockSize: number): number {
  return Math.min(begin + blockSize, begin - (begin % inFeatures) + inFeatures);
}

interface PackInput {
  inFeatures: number;
  blockSize: number;
  scales: Float32Array;
}

/** Fractions are rounded by cutting off after adding a half: all sums are positive. */
function pack8(packed: Uint8Array, values: Float32Array, { inFeatures, blockSize, scales }: PackInput): void {
  packed.fill(128); // zeros, for what fills up the last block of a row
  for (let block = 0, begin = 0; begin < values.length; block++) {
    const end = endOfBlock(begin, inFeatures, blockSize);
    const factor = inverse(scales[block]!);
    const shift = block * blockSize - begin;
    for (let i = begin; i < end; i++) {
      const q = (values[i]! * factor + 128.5) | 0;
      packed[i + shift] = Math.min(q, 255);
    }
    begin = end;
  }
}

function pack4(packed: Uint8Array, values: Float32Array, { inFeatures, blockSize, scales }: PackInput): void {
  for (let block = 0, begin = 0; begin < values.length; block++) {
    const end = endOfBlock(begin, inFeatures, blockSize);
    const factor = inverse(scales[block]!);
    const target = (block * blockSize) / 2;
    for (let i = 0; i < blockSize; i += 2) {
      const low = begin + i < end ? (values[begin + i]! * factor + 8.5) | 0 : 8;
      const high = begin + i + 1 < end ? (values[begin + i + 1]! * factor + 8.5) | 0 : 8;
      packed[target + i / 2] = Math.min(low, 15) | (Math.min(high, 15) << 4);
    }
    begin = end;
  }
}

/** A block of zeros has scale 0. */
function inverse(scale: number): number {
  return scale === 0 ? 0 : 1 / scale;
}
