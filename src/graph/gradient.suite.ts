import { expect } from "vitest";
import { Random } from "../base/random.ts";
import type { HostTensor, Runtime } from "../runtime/runtime.ts";
import { gradientsOf } from "./backward.ts";
import { toOnnx } from "./onnx.ts";
import { mul, sum } from "./ops.ts";
import { input, type Tensor } from "./tensor.ts";

/** A function of float tensors whose gradients are compared with finite differences. */
export interface GradientCase {
  shapes: readonly (readonly number[])[];
  f: (...x: Tensor[]) => Tensor;
  /** Values for the inputs; standard normal by default. */
  values?: (random: Random) => number;
  /** Against max(1, |gradient|). */
  relativeTolerance?: number;
}

const step = 1e-2;

/**
 * Checks the gradient of Σ w·f(x), with random weights w, along random directions and along single coordinates,
 * against central differences. Inputs have named dimensions, so that symbolic shapes are covered too.
 */
export async function checkGradient(
  runtime: Runtime,
  { shapes, f, values = (random) => random.normal(), relativeTolerance = 2e-3 }: GradientCase,
): Promise<void> {
  const random = new Random("gradient");
  const inputs = shapes.map((shape, i) =>
    input(
      `x${i}`,
      "float32",
      shape.map((size, axis) => (axis === 0 && size > 1 ? `N${size}` : size)),
    ),
  );
  const y = f(...inputs);
  const weights = input("w", "float32", y.shape);
  const loss = sum(
    mul(y, weights),
    y.shape.map((_, i) => i),
  );
  const gradients = gradientsOf(loss, inputs);
  gradients.forEach((gradient, i) => {
    expect(gradient.shape, `shape of gradient ${i}`).toEqual(inputs[i]!.shape);
  });
  const model = toOnnx({ y, loss, ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) });
  const session = await runtime.openSession(model);
  try {
    const x = shapes.map((shape) => randomTensor(shape, () => values(random)));
    const probe = toOnnx({ y });
    const probeSession = await runtime.openSession(probe);
    const first = await probeSession.run(feeds(x));
    await probeSession.dispose();
    const w = randomTensor(first.values.y!.dims, () => random.normal());
    const evaluate = async (at: HostTensor[]) => (await session.run({ ...feeds(at), w })).values;
    const base = await evaluate(x);
    for (let trial = 0; trial < 6; trial++) {
      const direction = shapes.map((shape) => randomTensor(shape, () => (trial < 3 ? random.normal() : 0)));
      if (trial >= 3) {
        const chosen = direction[(trial - 3) % direction.length]!;
        floats(chosen)[random.int(floats(chosen).length)] = 1;
      }
      const plus = floats((await evaluate(moved(x, direction, step))).loss!)[0]!;
      const minus = floats((await evaluate(moved(x, direction, -step))).loss!)[0]!;
      const numeric = (plus - minus) / (2 * step);
      const analytic = direction.reduce((total, d, i) => total + dot(floats(base[`g${i}`]!), floats(d)), 0);
      const size = Math.max(Math.abs(numeric), Math.abs(analytic), 1);
      expect(Math.abs(numeric - analytic) / size, `trial ${trial}: ${numeric} and ${analytic}`).toBeLessThan(
        relativeTolerance,
      );
    }
  } finally {
    await session.dispose();
  }
}

/** The values of a float32 tensor. */
export function floats(tensor: HostTensor): Float32Array {
  if (tensor.dtype !== "float32") throw new Error(`internal: expected float32, got ${tensor.dtype}`);
  return tensor.data;
}

function randomTensor(dims: readonly number[], next: () => number): HostTensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return { dtype: "float32", dims, data: Float32Array.from({ length: size }, next) };
}

function feeds(x: HostTensor[]): Record<string, HostTensor> {
  return Object.fromEntries(x.map((tensor, i) => [`x${i}`, tensor]));
}

function moved(x: HostTensor[], direction: HostTensor[], distance: number): HostTensor[] {
  return x.map((tensor, i) => {
    const d = floats(direction[i]!);
    return {
      dtype: "float32",
      dims: tensor.dims,
      data: floats(tensor).map((value, j) => value + distance * d[j]!),
    };
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((total, value, i) => total + value * b[i]!, 0);
}
