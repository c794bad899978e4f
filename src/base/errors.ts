/** What kind of failure an `EngineError` is; exit codes and HTTP statuses are mapped from it in one place each. */
export type ErrorCode =
  | "config"
  | "input"
  | "format"
  | "not-found"
  | "unsupported"
  | "shape"
  | "remote"
  | "capacity";

/** A failure that a user can understand and act on. A bug is a plain `Error` whose message begins with `internal:`. */
export abstract class EngineError extends Error {
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A setting or argument is wrong. */
export class ConfigError extends EngineError {
  readonly code = "config";
}

/** A request, document or prompt cannot be accepted (too long, empty). */
export class InputError extends EngineError {
  readonly code = "input";
}

/** A prompt that does not fit the model with the answer that is to come; evaluations count these apart. */
export class PromptTooLongError extends InputError {}

/** A file is malformed, permanently. */
export class FormatError extends EngineError {
  readonly code = "format";
  readonly path: string;

  constructor(message: string, options: { path: string; cause?: unknown }) {
    super(`${options.path}: ${message}`, options);
    this.path = options.path;
  }
}

/** A model, adapter, passage or file is absent. */
export class NotFoundError extends EngineError {
  readonly code = "not-found";
}

/** Valid, but we do not do it (architecture, op, dtype, device). */
export class UnsupportedError extends EngineError {
  readonly code = "unsupported";
}

/** Graph and weights disagree. */
export class ShapeError extends EngineError {
  readonly code = "shape";
  readonly shapes: readonly (readonly (number | string)[])[];

  constructor(message: string, shapes: readonly (readonly (number | string)[])[] = []) {
    super(shapes.length ? `${message} (${shapes.map((s) => `[${s.join(", ")}]`).join(" · ")})` : message);
    this.shapes = shapes;
  }
}

/** Another service failed. `status` is absent when no answer came. */
export class RemoteError extends EngineError {
  readonly code = "remote";
  readonly url: string;
  readonly status: number | undefined;
  readonly retryable: boolean;

  constructor(
    message: string,
    options: { url: string; status?: number; retryable?: boolean; cause?: unknown },
  ) {
    super(message, options);
    this.url = options.url;
    this.status = options.status;
    this.retryable = options.retryable ?? false;
  }
}

/** No memory, no disk, queue full, or the data folder is taken by another writer. */
export class CapacityError extends EngineError {
  readonly code = "capacity";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
