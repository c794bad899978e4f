import { type Adapter, type LoraFactors, scalingOf } from "./adapter.ts";

/** An adapter with the norm of its ΔW, which is reckoned once for many comparisons. */
export interface NormedAdapter {
  adapter: Adapter;
  norm: number;
}

export function withNorm(adapter: Adapter): NormedAdapter {
  return { adapter, norm: deltaNorm(adapter) };
}

/**
 * Cosine of the angle between two adapters' ΔW over all modules, in [−1, 1]; 0 where one of them is 0. A module that one of
 * them lacks is 0 there. Costs R² · (in + out) per module: no dense ΔW is built.
 */
export function cosineSimilarity(a: NormedAdapter, b: NormedAdapter): number {
  const norms = a.norm * b.norm;
  return norms === 0 ? 0 : deltaInnerProduct(a.adapter, b.adapter) / norms;
}

/** Frobenius norm of ΔW over all modules. */
export function deltaNorm(adapter: Adapter): number {
  return Math.sqrt(Math.max(0, deltaInnerProduct(adapter, adapter)));
}

/** ⟨ΔW_a, ΔW_b⟩ over all modules. */
export function deltaInnerProduct(a: Adapter, b: Adapter): number {
  let sum = 0;
  for (const [name, factors] of a.modules) {
    const other = b.modules.get(name);
    if (other) sum += moduleInnerProduct(factors, other);
  }
  return sum * scalingOf(a.config) * scalingOf(b.config);
}

/** ⟨D₁ᵀU₁, D₂ᵀU₂⟩ = tr(U₁ᵀ D₁ D₂ᵀ U₂) = Σ (D₁D₂ᵀ) ∘ (U₁U₂ᵀ): two R × R Gram matrices. */
function moduleInnerProduct(a: LoraFactors, b: LoraFactors): number {
  const down = gram(a.down, b.down, a.inFeatures);
  const up = gram(a.up, b.up, a.outFeatures);
  return down.reduce((sum, value, i) => sum + value * up[i]!, 0);
}

/** x yᵀ of rows of `width` numbers, row-major. */
function gram(x: Float32Array, y: Float32Array, width: number): Float64Array {
  const [rows, columns] = [x.length / width, y.length / width];
  const products = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += x[r * width + i]! * y[c * width + i]!;
      products[r * columns + c] = sum;
    }
  return products;
}
