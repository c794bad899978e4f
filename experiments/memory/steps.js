// Steps of a measurement that are kept on disk: the same run goes on where it ended.
import { z } from "zod";
import { openJsonl, readJsonl } from "../../dist/base/jsonl.js";

const row = z.object({ identity: z.string(), key: z.string(), value: z.unknown() });

/** Steps of one model with one memory model. Others may lie in the same file. */
export async function openSteps(path, { identity, progress }) {
  const writer = await openJsonl(path);
  const rows = await readJsonl(path, row);
  const known = new Map(
    rows.filter((one) => one.identity === identity).map(({ key, value }) => [key, value]),
  );
  const done = new Map();
  return {
    progress,
    /** The kept value of a step, or a new one; `total` is how many steps its part has. */
    async step(key, total, compute) {
      const [task] = key.split("/");
      if (!known.has(key)) {
        const value = await compute();
        known.set(key, value);
        await writer.append({ identity, key, value });
      }
      done.set(task, (done.get(task) ?? 0) + 1);
      progress({ task, done: done.get(task), total });
      return known.get(key);
    },
    close: () => writer.close(),
  };
}
