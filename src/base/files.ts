import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, sep } from "node:path";
import type { z } from "zod";
import { CapacityError, ConfigError, FormatError, messageOf, NotFoundError, systemCode } from "./errors.ts";
import { isRunning } from "./process.ts";

/** Turns a file-system error into one of ours that says what to do; anything else is returned as it is. */
export function explainSystemError(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return new NotFoundError(`${path} does not exist`, { cause: error });
    case "EISDIR":
      return new ConfigError(`${path} is a folder, wanted a file`, { cause: error });
    case "ENOSPC":
    case "EDQUOT":
      return new CapacityError(
        `the disk is full while writing ${path}; free some space and run the same command again`,
        { cause: error },
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new ConfigError(`no permission for ${path} (${messageOf(error)}); choose another folder`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** Parses an unknown value by a schema; a `FormatError` names the path and the first wrong field. */
export function parseValue<T>(value: unknown, schema: z.ZodType<T>, path: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.length ? `field "${issue.path.join(".")}": ` : "";
  throw new FormatError(`${field}${issue?.message ?? "does not have the expected form"}`, { path });
}

/** Parses JSON text by a schema. */
export function parseJson<T>(text: string, schema: z.ZodType<T>, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`not valid JSON (${messageOf(error)})`, { path, cause: error });
  }
  return parseValue(value, schema, path);
}

/** Reads a JSON file by a schema. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw explainSystemError(error, path);
  }
  return parseJson(text, schema, path);
}

/** As `readJson`, but `undefined` where the file does not exist. */
export async function readJsonIfPresent<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return await readJson(path, schema);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/**
 * Writes a file so that readers and a killed process see the old content or the new, never half of it:
 * a temporary file beside it, fsync, rename. Creates the folder.
 */
export async function writeAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "w");
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainSystemError(error, path);
  }
}

/** Whether a file is what a killed `writeAtomic` left behind; what a running process writes is none. */
export function isLeftover(name: string): boolean {
  const [, pid] = /\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
  return pid !== undefined && !isRunning(Number(pid));
}

/** Writes a value as indented JSON, atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Differs from before when a file has been written since; "" where there is none. */
export async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw explainSystemError(error, path);
  }
}

/** Whether a path is that of a folder or of something in it; links are not looked at. */
export function liesIn(folder: string, path: string): boolean {
  const within = relative(folder, path);
  return within !== ".." && !within.startsWith(`..${sep}`) && !isAbsolute(within);
}

/** Whether there is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Whether there is a file. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
