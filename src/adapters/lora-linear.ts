import { add, matmul } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";

/** Graph inputs of one module's factors: down [B, R, in], up [B, R, out]; every row of a batch has its own. */
export interface FactorInputs {
  down: Tensor;
  up: Tensor;
}

/** Name of the graph input that carries a module's factor. */
export function factorName(module: string, factor: "down" | "up"): string {
  return `${module}.${factor}`;
}

/** Declares the inputs for a module of the given widths; the rank is free. */
export function factorInputs(module: string, size: { in: number; out: number }): FactorInputs {
  return {
    down: input(factorName(module, "down"), "float32", ["B", "R", size.in]),
    up: input(factorName(module, "up"), "float32", ["B", "R", size.out]),
  };
}

/**
 * A linear layer with the adapter's delta: y + scaling · (x downᵀ) up. x [B, T, in]. Modules without factors are the
 * base model's. No dense delta is built, and the base weights are never touched.
 */
export function loraLinear(
  base: (name: string, x: Tensor) => Tensor,
  { factors, scaling }: { factors: ReadonlyMap<string, FactorInputs>; scaling: number },
): (name: string, x: Tensor) => Tensor {
  return (name, x) => {
    const y = base(name, x);
    const lora = factors.get(name);
    if (!lora) return y;
    const narrow = matmul(x, lora.down, { transB: true }); // [B, T, R]
    return add(y, matmul(narrow, lora.up, { alpha: scaling })); // [B, T, out]
  };
}
