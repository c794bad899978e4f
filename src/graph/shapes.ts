import { ShapeError } from "../base/errors.ts";
import type { Dim, Shape } from "./tensor.ts";

function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a;
  return a === 1 ? b : undefined;
}

/** The shape of an elementwise op (NumPy rules); two different names never match. */
export function broadcast(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const dim = broadcastDim(a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1);
    if (dim === undefined) throw new ShapeError("shapes do not broadcast", [a, b]);
    return dim;
  });
}

/** Shape of op(a)·op(b), batch dimensions broadcast. */
export function matmulShape(a: Shape, b: Shape, { transA = false, transB = false } = {}): Dim[] {
  if (a.length < 2 || b.length < 2) throw new ShapeError("matmul needs two dimensions or more", [a, b]);
  const [m, kA] = lastTwo(a, transA);
  const [kB, n] = lastTwo(b, transB);
  if (kA !== kB) throw new ShapeError(`inner dimensions ${kA} and ${kB} differ`, [a, b]);
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), m, n];
}

function lastTwo(shape: Shape, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = [shape[shape.length - 2]!, shape[shape.length - 1]!];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Axes of `from` that must be summed to undo broadcasting to `to`; `extra` leading axes vanish. */
export function broadcastAxes(from: Shape, to: Shape): { extra: number; kept: number[] } {
  const extra = from.length - to.length;
  const kept = to.flatMap((dim, i) => (dim === 1 && from[i + extra] !== 1 ? [i] : []));
  return { extra, kept };
}

/**
 * ONNX's shape vector for a reshape: 0 copies the dimension at the same place, -1 is the one that follows from the
 * rest. At most one named dimension may move.
 */
export function reshapeVector(from: Shape, to: Shape): number[] {
  const vector = to.map((dim, i) => (typeof dim === "number" ? dim : dim === from[i] ? 0 : -1));
  if (vector.filter((value) => value === -1).length > 1) {
    throw new ShapeError("a reshape can move one named dimension only", [from, to]);
  }
  return vector;
}
