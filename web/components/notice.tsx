import type { ReactNode } from "react";
import { type ApiFailure, advice } from "../api/failure.ts";
import { Button } from "./button.tsx";

/** What went wrong and what to do about it. */
export function FailureNotice({
  failure,
  onRetry,
}: {
  failure: ApiFailure | undefined;
  onRetry?: (() => void) | undefined;
}) {
  if (!failure) return null;
  return (
    <div className="notice" data-kind="failure" role="alert">
      <p>
        <strong>{failure.message}</strong>
      </p>
      <p>{advice[failure.kind]}</p>
      {onRetry && (
        <Button icon="again" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A place where something will be, once there is something. */
export function EmptyState({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Holds the place of what is being loaded. */
export function Loading({ what, rows = 3 }: { what: string; rows?: number }) {
  return (
    <div className="loading">
      <span className="visually-hidden" role="status">
        Loading {what}
      </span>
      {Array.from({ length: rows }, (_, row) => `row-${row}`).map((row) => (
        <div key={row} className="loading-row" />
      ))}
    </div>
  );
}
