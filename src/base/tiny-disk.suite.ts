import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own with little space. */
export interface TinyDisk {
  folder: string;
  /** Fills what is free. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  remove(): void;
}

/** Mounts a disk of so many bytes; nothing where that is not permitted (only root may, and not everywhere). */
export function createTinyDisk(bytes: number): TinyDisk | undefined {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "prag-disk-")));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    fill() {
      for (let size = 65_536; size >= 1; size /= 2) {
        try {
          for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
        } catch {
          // No more room for pieces of this size.
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync("umount", [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
