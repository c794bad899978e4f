import type { KeyboardEvent, ReactNode } from "react";

const idOf = (tab: string) => `tab-${tab.toLowerCase()}`;

/** Tabs after the ARIA pattern: one stop for Tab, arrow keys choose. */
export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string;
  tabs: readonly string[];
  value: string;
  onChange: (tab: string) => void;
}) {
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(value) + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChange(next);
    document.getElementById(idOf(next))?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab}
          id={idOf(tab)}
          type="button"
          role="tab"
          aria-selected={tab === value}
          aria-controls="tab-panel"
          tabIndex={tab === value ? 0 : -1}
          onClick={() => onChange(tab)}
        >
          {tab}
        </button>
      ))}
    </div>
  );
}

/** What the chosen tab shows. */
export function TabPanel({ tab, children }: { tab: string; children: ReactNode }) {
  return (
    <div id="tab-panel" role="tabpanel" aria-labelledby={idOf(tab)}>
      {children}
    </div>
  );
}
