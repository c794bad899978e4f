/** Strokes of each icon on a field of 24 × 24. */
const strokes = {
  ask: "M5 6.5A2.5 2.5 0 0 1 7.5 4h9A2.5 2.5 0 0 1 19 6.5v6a2.5 2.5 0 0 1-2.5 2.5H12l-4.5 4v-4A2.5 2.5 0 0 1 5 12.5z",
  compare: "M5 5h5v14H5zM14 5h5v14h-5z",
  documents: "M7 4h7l4 4v12H7zM14 4v4h4M10 12h5M10 15.5h5",
  adapters: "M12 4l8 4-8 4-8-4zM4 12l8 4 8-4M4 16l8 4 8-4",
  reports: "M5 19V5M5 19h14M9 15v-4M13 15V8M17 15v-6",
  light:
    "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 3v1.5M12 19.500v1.5M3 12h1.500M19.500 12H21M5.600 5.600l1 1M17.400 17.400l1 1M5.600 18.400l1-1M17.400 6.600l1-1",
  dark: "M19 14.500A7.500 7.500 0 0 1 9.500 5a7.500 7.500 0 1 0 9.500 9.500z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  upload: "M12 16V5M7.500 9.500L12 5l4.500 4.500M5 19h14",
  download: "M12 5v11M7.500 11.500L12 16l4.500-4.500M5 19h14",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10.500 10.500v5.500M13.500 10.500v5.500",
  again: "M18.500 12a6.500 6.500 0 1 1-2-4.700M18.500 4v4h-4",
  close: "M6 6l12 12M18 6L6 18",
  stop: "M7.500 7.500h9v9h-9z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  open: "M10 6H6v12h12v-4M13 5h6v6M19 5l-8 8",
} as const;

export type IconName = keyof typeof strokes;

/** A drawing beside words; it says nothing itself. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={strokes[name]} />
    </svg>
  );
}
