import { constant, type Tensor } from "../graph/tensor.ts";
import type { Llama3Scaling, ModelConfig } from "./config.ts";

/** Tables of the rotary embedding: cos and sin [P, Dh/2]. */
export interface RopeTables {
  cos: Tensor;
  sin: Tensor;
}

/** Tables for the first `positions` positions, computed in double precision. */
export function createRopeTables(config: ModelConfig, positions: number): RopeTables {
  const frequencies = ropeFrequencies(config);
  const half = frequencies.length;
  const [cos, sin] = [new Float32Array(positions * half), new Float32Array(positions * half)];
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos: constant(cos, [positions, half]), sin: constant(sin, [positions, half]) };
}

/** Radians per position of each pair of dimensions, [Dh/2], rounded to float32 as the published models do. */
export function ropeFrequencies({ headSize, ropeTheta, ropeScaling }: ModelConfig): number[] {
  const plain = Array.from({ length: headSize / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(ropeTheta ** ((2 * i) / headSize))),
  );
  return ropeScaling ? plain.map((frequency) => stretch(frequency, ropeScaling)) : plain;
}

/** Llama 3.1's rule: long wavelengths are stretched by `factor`, short ones kept, those between blended. */
function stretch(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalContextLength / highFrequencyFactor) return frequency;
  if (wavelength > originalContextLength / lowFrequencyFactor) return Math.fround(frequency / factor);
  const smooth =
    (originalContextLength / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return Math.fround((1 - smooth) * (frequency / factor) + smooth * frequency);
}
