import type { Unread } from "../corpus/find-files.ts";

/** `0:07`, `12:30`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `512 bytes`, `4.2 MB`: powers of ten, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1 passage`, `3 passages`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

/** A fraction as per cent with one digit. */
export function formatPercent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

/** What was not read of files, a line each. */
export function describeUnread({ skipped, incomplete }: Unread): string[] {
  return [
    ...skipped.map(({ source, reason }) => `skipped ${source}: ${reason}`),
    ...incomplete.map(({ source, reason }) => `not all of ${source} could be read: ${reason}`),
  ];
}
