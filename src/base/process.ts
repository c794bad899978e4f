import { readFileSync, readlinkSync } from "node:fs";
import { systemCode } from "./errors.ts";

/** Whether a process of this pid runs here, ours or another's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

/** When a process began, in clock ticks since boot (Linux), so that a reused pid is told apart; else, or if it ended, "". */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third on: proc_pid_stat(5)
    const hasEnded = fields[0] === "Z"; // a zombie: its parent has not asked for its exit code
    return hasEnded ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

/** Where pids mean what they mean here (Linux: one per container); "" where the system does not tell. */
export function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
