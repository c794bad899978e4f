import { gradients } from "./gradients.ts";
import { add } from "./ops.ts";
import { type Node, nodesFor, scalar, type Tensor } from "./tensor.ts";

/**
 * Reverse-mode differentiation: the gradient of a scalar with respect to each given tensor, in the tensor's shape.
 * Only nodes between the two are walked, so what is frozen costs nothing. A tensor that the scalar does not depend on
 * is a bug of the caller.
 */
export function gradientsOf(loss: Tensor, wanted: readonly Tensor[]): Tensor[] {
  const order = nodesFor([loss]);
  const active = reachedBy(order, wanted);
  const found = new Map<Tensor, Tensor>([[loss, scalar(1)]]);
  for (const node of order.reverse()) {
    const y = node.outputs[0]!;
    const dy = found.get(y);
    if (!dy || !active.has(y)) continue;
    const inputGradients = node.pullback(gradients, dy);
    node.inputs.forEach((x, i) => {
      const dx = inputGradients[i];
      if (!dx || !active.has(x)) return;
      const before = found.get(x);
      found.set(x, before ? add(before, dx) : dx);
    });
  }
  return wanted.map((tensor) => {
    const gradient = found.get(tensor);
    if (!gradient) throw new Error(`internal: the loss does not depend on ${tensor.name}`);
    return gradient;
  });
}

/** All tensors whose value depends on one of the sources, the sources included. */
function reachedBy(order: readonly Node[], sources: readonly Tensor[]): Set<Tensor> {
  const reached = new Set(sources);
  for (const node of order) {
    if (node.inputs.some((x) => reached.has(x))) for (const output of node.outputs) reached.add(output);
  }
  return reached;
}
