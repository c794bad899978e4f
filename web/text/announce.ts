/**
 * What a screen reader should say next of a text that grows: whole sentences while it does, the rest when it is done.
 * Returns undefined where there is nothing worth interrupting for.
 */
export function nextAnnouncement(text: string, announced: number, isDone: boolean): string | undefined {
  const fresh = text.slice(announced);
  if (isDone) return fresh.trim() === "" ? undefined : fresh;
  const end = Math.max(fresh.lastIndexOf(". "), fresh.lastIndexOf("! "), fresh.lastIndexOf("? "));
  return end < 0 ? undefined : fresh.slice(0, end + 2);
}
