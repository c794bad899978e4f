/** Opens at the first call; a failure is not kept, so that a later call may succeed. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  return renewable(open);
}

/** The same for what can change: after `renew` the next call opens anew; `peek` gives what is open, and opens nothing. */
export function renewable<T>(
  open: () => Promise<T>,
): (() => Promise<T>) & { renew(): void; peek(): Promise<T> | undefined } {
  let opened: Promise<T> | undefined;
  const get = () => {
    const current = (opened ??= open());
    current.catch(() => {
      if (opened === current) opened = undefined;
    });
    return current;
  };
  return Object.assign(get, {
    renew() {
      opened = undefined;
    },
    peek: () => opened,
  });
}
