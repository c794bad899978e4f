import { useCallback, useState } from "react";
import type { AdapterEntry } from "../api/wire.ts";
import { AdapterDialog } from "../components/adapter-dialog.tsx";
import { HeatMap } from "../components/heat-map.tsx";
import { EmptyState, FailureNotice, Loading } from "../components/notice.tsx";
import { TabPanel, Tabs } from "../components/tabs.tsx";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { formatBytes, plural } from "../text/format.ts";

const tabs = ["List", "Similarity"] as const;
/** Adapters in the similarity map; more would be too small to see. */
const mapLimit = 40;

/** Rows that are drawn at most. */
const shownRows = 500;

/** Adapters of the collection, as a list and as a map of how alike they are. */
export function AdaptersPage() {
  const { client, collection, revision, status } = useSession();
  const [tab, setTab] = useState<string>(tabs[0]);
  const adapters = useResource(
    useCallback(() => client.adapters(collection), [client, collection]),
    revision,
  );
  const isEmpty = adapters.data?.length === 0 || adapters.failure?.status === 404;
  if (isEmpty)
    return (
      <EmptyState title="No adapters yet">
        <p>
          An adapter is what a passage becomes when it is encoded.{" "}
          {status.data?.collection.corpus ? (
            <a href="#/documents">Encode your documents.</a>
          ) : (
            <a href="#/ask">Add documents first.</a>
          )}
        </p>
      </EmptyState>
    );
  if (!adapters.data)
    return adapters.failure ? (
      <FailureNotice failure={adapters.failure} onRetry={adapters.reload} />
    ) : (
      <Loading what="adapters" rows={5} />
    );
  return (
    <>
      <Tabs label="Views" tabs={tabs} value={tab} onChange={setTab} />
      <TabPanel tab={tab}>
        {tab === "List" ? <AdapterTable adapters={adapters.data} /> : <SimilarityView />}
      </TabPanel>
    </>
  );
}

function AdapterTable({ adapters }: { adapters: readonly AdapterEntry[] }) {
  const [open, setOpen] = useState<AdapterEntry>();
  const bytes = adapters.reduce((sum, adapter) => sum + adapter.bytes, 0);
  return (
    <div className="table-frame">
      <table className="table">
        <caption>
          {plural(adapters.length, "adapter")}, {formatBytes(bytes)} in all
          {adapters.length > shownRows && `, the first ${shownRows} shown`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Passage of</th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col" className="number wide-only">
              Rank
            </th>
            <th scope="col" className="number">
              Loss
            </th>
            <th scope="col" className="wide-only">
              Recipe
            </th>
          </tr>
        </thead>
        <tbody>
          {adapters.slice(0, shownRows).map((adapter) => (
            <AdapterRow key={adapter.key} adapter={adapter} onOpen={setOpen} />
          ))}
        </tbody>
      </table>
      {open && <AdapterDialog adapter={open} onClose={() => setOpen(undefined)} />}
    </div>
  );
}

function AdapterRow({ adapter, onOpen }: { adapter: AdapterEntry; onOpen: (adapter: AdapterEntry) => void }) {
  return (
    <tr>
      <th scope="row">
        <button type="button" className="link" onClick={() => onOpen(adapter)}>
          {adapter.title}
        </button>
      </th>
      <td className="number">{formatBytes(adapter.bytes)}</td>
      <td className="number wide-only">{adapter.rank}</td>
      <td className="number">{lossRange(adapter)}</td>
      <td className="wide-only">
        <code>{adapter.recipeHash?.slice(0, 8) ?? "imported"}</code>
      </td>
    </tr>
  );
}

function lossRange({ firstLoss, lastLoss }: AdapterEntry): string {
  if (firstLoss === null || lastLoss === null) return "–";
  return `${firstLoss.toFixed(2)} → ${lastLoss.toFixed(2)}`;
}

function SimilarityView() {
  const { client, collection, revision } = useSession();
  const { data, failure, reload } = useResource(
    useCallback(() => client.similarity(collection, mapLimit), [client, collection]),
    revision,
  );
  if (failure) return <FailureNotice failure={failure} onRetry={reload} />;
  if (!data) return <Loading what="the similarity map" rows={5} />;
  return (
    <div className="stack">
      <p className="lead">
        Each square compares two adapters by what they do to the model.
        {data.isPartial && ` The first ${data.keys.length} are shown.`}
      </p>
      <HeatMap key={data.keys.join()} map={data} />
    </div>
  );
}
