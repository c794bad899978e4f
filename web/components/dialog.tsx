import { type ReactNode, useEffect, useId, useRef } from "react";
import type { ApiFailure } from "../api/failure.ts";
import { Button } from "./button.tsx";
import { FailureNotice } from "./notice.tsx";

interface DialogProps {
  title: string;
  children: ReactNode;
  onClose: () => void;
  size?: "small" | "large";
}

/** A modal dialog: the browser keeps the focus within it, Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, children, onClose, size = "small" }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} className="dialog" data-size={size} aria-labelledby={heading} onClose={onClose}>
      <header className="dialog-head">
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" icon="close" aria-label="Close" onClick={onClose} />
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ReactNode;
  /** What the button says: the deed, not "OK". */
  deed: string;
  failure?: ApiFailure | undefined;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something is lost. */
export function ConfirmDialog({ title, children, deed, failure, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <FailureNotice failure={failure} />
      <div className="row row-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" onClick={onConfirm}>
          {deed}
        </Button>
      </div>
    </Dialog>
  );
}
