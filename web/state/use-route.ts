import { useSyncExternalStore } from "react";

/** Pages of the page; the first is shown where the address names none. */
export const routes = ["ask", "compare", "documents", "adapters", "reports"] as const;
export type Route = (typeof routes)[number];

/** The page that a hash names. */
export function parseRoute(hash: string): Route {
  return routes.find((route) => hash.startsWith(`#/${route}`)) ?? routes[0];
}

/** The page that the address names now. */
export function useRoute(): Route {
  return useSyncExternalStore(
    (onChange) => {
      addEventListener("hashchange", onChange);
      return () => removeEventListener("hashchange", onChange);
    },
    () => parseRoute(location.hash),
  );
}
