/** What kind of thing went wrong, by what the reader can do about it. */
export type FailureKind = "offline" | "key" | "busy" | "request" | "server" | "response";

/** A failed call, with what failed and what to do. */
export class ApiFailure extends Error {
  override name = "ApiFailure";
  readonly kind: FailureKind;
  readonly status: number | undefined;

  constructor(
    message: string,
    { kind, status, cause }: { kind: FailureKind; status?: number; cause?: unknown },
  ) {
    super(message, { cause });
    this.kind = kind;
    this.status = status;
  }
}

/** What to do about each kind. */
export const advice: Record<FailureKind, string> = {
  offline: "Is `prag serve` still running? The page tries again by itself.",
  key: "This server asks for its API key: the value of --api-key it was started with.",
  busy: "The server has as much to do as it takes. Wait a little, then try again.",
  request: "Change what is named above and try again.",
  server: "The terminal in which `prag serve` runs tells more. Trying again may help.",
  response: "Page and server seem to be of different versions. Reload the page.",
};

/** Turns whatever was thrown into something that can be shown. */
export function toFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiFailure(message, { kind: "server", cause: error });
}

/** The kind of an answer that is not a success. */
export function kindOfStatus(status: number): FailureKind {
  if (status === 401) return "key";
  if (status === 429 || status === 503) return "busy";
  return status >= 500 ? "server" : "request";
}

/** Whether this is only our own wish to stop. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
