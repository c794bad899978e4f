import type { HostTensor } from "./runtime.ts";

/** The numbers of an output that is float32, as the graph that gave it says. */
export function floats(tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype !== "float32") throw new Error(`internal: expected float32, got ${tensor?.dtype}`);
  return tensor.data;
}
