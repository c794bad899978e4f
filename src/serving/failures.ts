import type { ErrorCode } from "../base/errors.ts";
import { EngineError, PromptTooLongError } from "../base/errors.ts";
import type { ApiErrorBody } from "../engine/api.ts";

/** The status of each kind of failure: the one place where this is decided. */
const statuses: Record<ErrorCode, number> = {
  config: 400,
  input: 400,
  format: 500,
  "not-found": 404,
  unsupported: 501,
  shape: 500,
  remote: 502,
  capacity: 503,
};

/** A request that is refused before the engine sees it. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    {
      code = null,
      param = null,
      headers = {},
    }: { code?: string | null; param?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = "RequestError";
    this.status = status;
    this.code = code;
    this.param = param;
    this.headers = headers;
  }
}

/** An answer took longer than the server gives it. */
export class DeadlineError extends RequestError {
  constructor(deadlineMs: number) {
    super(
      504,
      `the answer took more than ${deadlineMs / 1000} s; ask for fewer tokens, or raise --deadline`,
      {
        code: "deadline_exceeded",
      },
    );
  }
}

/** What a client is told. */
export interface Failure {
  status: number;
  body: ApiErrorBody;
  headers: Record<string, string>;
}

/** Turns anything that was thrown into what the client is told; what a bug says stays here, and goes to `onBug`. */
export function describeFailure(error: unknown, onBug: (error: unknown) => void): Failure {
  if (error instanceof RequestError) {
    const { status, message, code, param, headers } = error;
    return { status, headers, body: { error: { message, type: typeOf(status), param, code } } };
  }
  if (error instanceof EngineError) {
    const status = statuses[error.code];
    if (status >= 500 && status !== 501 && status !== 503) onBug(error);
    const isTooLong = error instanceof PromptTooLongError;
    const code = isTooLong ? "context_length_exceeded" : error.code;
    const headers: Record<string, string> = status === 503 ? { "Retry-After": "5" } : {};
    const param = isTooLong ? "messages" : null;
    return {
      status,
      headers,
      body: { error: { message: error.message, type: typeOf(status), param, code } },
    };
  }
  onBug(error);
  const message = "internal error; the server's log tells more";
  return {
    status: 500,
    headers: {},
    body: { error: { message, type: "server_error", param: null, code: "internal" } },
  };
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
