/** Conversions between float32 and the smaller number types of weight files; roundings are to nearest, ties to even. */

const scratch = new DataView(new ArrayBuffer(4));

function bitsOfFloat32(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function float32OfBits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The bits of the IEEE binary16 number nearest to a number; above 65504 (rounded) infinity. */
export function float16Bits(value: number): number {
  const bits = bitsOfFloat32(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x01ff); // NaN stays NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  if (magnitude >= 0x38800000) {
    // Normal: the exponent's bias goes from 127 to 15, the carry of the rounding may raise it (up to infinity).
    return sign | (roundShift(magnitude, 13) - (112 << 10));
  }
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal, 2^-25
  const exponent = magnitude >>> 23;
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** value / 2^shift, rounded to nearest, ties to even; `value` is below 2^31. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/** The number that 16 bits of IEEE binary16 stand for. */
export function float16Value(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x03ff;
  if (exponent === 0x1f) return float32OfBits((sign | 0x7f800000 | (fraction << 13)) >>> 0);
  if (exponent !== 0) return float32OfBits((sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0);
  return (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
}

/** The bits of the bfloat16 number nearest to a number. */
export function bfloat16Bits(value: number): number {
  const bits = bitsOfFloat32(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x0040; // NaN stays NaN
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The number that 16 bits of bfloat16 stand for. */
export function bfloat16Value(bits: number): number {
  return float32OfBits((bits << 16) >>> 0);
}

/** float32 → binary16, element by element. */
export function float16FromFloat32(values: Float32Array): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = float16Bits(values[i]!);
  return result;
}

let float16Table: Float32Array | undefined;

/** binary16 → float32, exact; by a table of all 65,536 values, which is made at the first use. */
export function float32FromFloat16(bits: Uint16Array): Float32Array {
  float16Table ??= Float32Array.from({ length: 0x10000 }, (_, i) => float16Value(i));
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = float16Table[bits[i]!]!;
  return result;
}

/** float32 → bfloat16, element by element. */
export function bfloat16FromFloat32(values: Float32Array): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = bfloat16Bits(values[i]!);
  return result;
}

/** bfloat16 → float32, exact. */
export function float32FromBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** float32 → signed bytes in units of `scale`, limited to ±127, ties to even. */
export function int8FromFloat32(values: Float32Array, scale: number): Int8Array {
  const result = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    result[i] = Math.max(-127, Math.min(127, roundToEven(values[i]! / scale)));
  }
  return result;
}

/** Signed bytes in units of `scale` → float32. */
export function float32FromInt8(values: Int8Array, scale: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = values[i]! * scale;
  return result;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
