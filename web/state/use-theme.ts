import { useCallback, useSyncExternalStore } from "react";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const changed = new EventTarget();

/** The chosen theme and how to choose another; `public/theme.js` brings it back before the first paint. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore(
    (onChange) => {
      changed.addEventListener("change", onChange);
      return () => changed.removeEventListener("change", onChange);
    },
    () => themes.find((one) => one === document.documentElement.dataset.theme) ?? "system",
  );
  const choose = useCallback((next: Theme) => {
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    remember("prag-theme", next === "system" ? undefined : next, "localStorage");
    changed.dispatchEvent(new Event("change"));
  }, []);
  return [theme, choose];
}

/** Stores a small setting; a browser that forbids it forgets it. */
export function remember(
  name: string,
  value: string | undefined,
  where: "localStorage" | "sessionStorage",
): void {
  try {
    if (value === undefined) window[where].removeItem(name);
    else window[where].setItem(name, value);
  } catch {
    // Private windows and strict settings: the page works, it only forgets.
  }
}

/** Reads a small setting. */
export function recall(name: string, where: "localStorage" | "sessionStorage"): string | undefined {
  try {
    return window[where].getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}
