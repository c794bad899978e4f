import { useCallback, useEffect, useMemo, useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";

/** Something read from the server. Old data stays while new is read, so that nothing jumps. */
export interface Resource<T> {
  data: T | undefined;
  failure: ApiFailure | undefined;
  reload(): void;
}

interface Loaded<T> {
  by: (() => Promise<T>) | undefined;
  data?: T | undefined;
  failure?: ApiFailure | undefined;
}

/** Loads whenever `load` changes (wrap it in `useCallback`), when `revision` does, and on `reload`. */
export function useResource<T>(load: () => Promise<T>, revision = 0): Resource<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ by: undefined });
  const [tries, setTries] = useState(0);
  const request = useMemo(() => ({ load, revision, tries }), [load, revision, tries]);
  useEffect(() => {
    let isCurrent = true;
    const by = request.load;
    by().then(
      (data) => isCurrent && setLoaded({ by, data }),
      (error: unknown) =>
        isCurrent &&
        setLoaded((old) => ({ by, data: old.by === by ? old.data : undefined, failure: toFailure(error) })),
    );
    return () => {
      isCurrent = false;
    };
  }, [request]);
  const reload = useCallback(() => setTries((count) => count + 1), []);
  const { data, failure } = loaded.by === load ? loaded : { data: undefined, failure: undefined };
  return { data, failure, reload };
}
