import { type ReactNode, useEffect, useRef } from "react";
import { useSession } from "../state/session.ts";
import { type Route, routes, useRoute } from "../state/use-route.ts";
import { themes, useTheme } from "../state/use-theme.ts";
import { formatCount, plural } from "../text/format.ts";
import { Button } from "./button.tsx";
import { CollectionSwitcher } from "./collection-switcher.tsx";
import { Icon } from "./icon.tsx";

/** Names of the pages. */
export const routeTitles: Record<Route, string> = {
  ask: "Ask",
  compare: "Compare",
  documents: "Documents",
  adapters: "Adapters",
  reports: "Reports",
};

/** Everything around a page. */
export function Shell({ children }: { children: ReactNode }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(route);
  useEffect(() => {
    document.title = `${routeTitles[route]} · prag`;
    // Not on the first page: who opens it begins at its top.
    if (shown.current !== route) main.current?.focus();
    shown.current = route;
  }, [route]);
  return (
    <div className="shell">
      <a className="skip" href={`#/${route}`} onClick={() => main.current?.focus()}>
        Skip to content
      </a>
      <header className="bar">
        <a className="wordmark" href="#/ask" aria-label="prag, to the first page">
          prag
        </a>
        <CollectionSwitcher />
        <ThemeSwitch />
      </header>
      <Navigation route={route} />
      <main ref={main} tabIndex={-1} className="main" data-route={route} aria-labelledby="page-title">
        <ConnectionBanner />
        <h1 id="page-title">{routeTitles[route]}</h1>
        {children}
      </main>
      <ModelLine />
      <Announcer />
    </div>
  );
}

function Navigation({ route }: { route: Route }) {
  return (
    <nav className="nav" aria-label="Pages">
      <ul>
        {routes.map((one) => (
          <li key={one}>
            <a href={`#/${one}`} aria-current={one === route ? "page" : undefined}>
              <Icon name={one} />
              {routeTitles[one]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const themeNames = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

/** One button that goes round the themes. */
function ThemeSwitch() {
  const [theme, choose] = useTheme();
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
  return <Button kind="quiet" icon={theme} aria-label={themeNames[theme]} onClick={() => choose(next)} />;
}

/** Says that the server cannot be reached; it lies above everything, so that nothing jumps. */
function ConnectionBanner() {
  const { isConnected, refresh } = useSession();
  if (isConnected) return null;
  return (
    <div className="banner" role="alert">
      <span>
        <strong>Connection lost.</strong> Is <code>prag serve</code> still running? Looking for it…
      </span>
      <Button icon="again" onClick={refresh}>
        Try now
      </Button>
    </div>
  );
}

/** Which model answers, and how much it knows. */
function ModelLine() {
  const { status } = useSession();
  const { data } = status;
  if (!data) return <footer className="model-line" />;
  const { model, corpus, encoding } = data.collection;
  return (
    <footer className="model-line">
      <strong>{model.name}</strong>
      {model.parameters !== undefined && <span>{(model.parameters / 1e6).toFixed(1)} M parameters</span>}
      <span>
        {corpus ? plural(corpus.documents, "document") : "no documents"}
        {encoding &&
          corpus &&
          `, ${formatCount(encoding.encoded)} of ${plural(corpus.passages, "passage")} encoded`}
      </span>
      <span>version {data.version}</span>
    </footer>
  );
}

function Announcer() {
  const { announcement } = useSession();
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {announcement}
    </div>
  );
}
