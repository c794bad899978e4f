import { messageOf } from "../base/errors.ts";
import { toOnnx } from "../graph/onnx.ts";
import { scale } from "../graph/ops.ts";
import { input } from "../graph/tensor.ts";
import type { Device } from "./protocol.ts";
import { openRuntime } from "./runtime.ts";

/** Why a device cannot be used on this machine, in the words of its error; nothing if it can. A small graph is run on it. */
export async function probeDevice(device: Device): Promise<string | undefined> {
  const runtime = await openRuntime({ device, threads: 1 });
  try {
    const session = await runtime.openSession(toOnnx({ y: scale(input("x", "float32", ["N"]), 2) }));
    const { values } = await session.run({ x: { dtype: "float32", dims: [1], data: Float32Array.of(21) } });
    await session.dispose();
    return values.y?.data[0] === 42 ? undefined : `it computed ${values.y?.data[0]} where 42 is right`;
  } catch (error) {
    return messageOf(error);
  } finally {
    await runtime.dispose();
  }
}
