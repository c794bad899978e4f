import { useCallback, useState } from "react";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import type { AdapterEntry, AdapterInfo } from "../api/wire.ts";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { formatBytes, formatCount } from "../text/format.ts";
import { saveAs } from "../text/save-as.ts";
import { Button } from "./button.tsx";
import { ConfirmDialog, Dialog } from "./dialog.tsx";
import { LossCurve } from "./loss-curve.tsx";
import { FailureNotice, Loading } from "./notice.tsx";

/** One adapter: what it learned from, how, and what can be done with it. */
export function AdapterDialog({ adapter, onClose }: { adapter: AdapterEntry; onClose: () => void }) {
  const { client, collection } = useSession();
  const { key } = adapter;
  const { data, failure, reload } = useResource(
    useCallback(() => client.adapter(collection, key), [client, collection, key]),
  );
  return (
    <Dialog title={adapter.title} size="large" onClose={onClose}>
      {data && <AdapterFacts adapter={data} />}
      {!data && !failure && <Loading what="the adapter" rows={4} />}
      <FailureNotice failure={failure} onRetry={reload} />
      <AdapterDeeds adapter={adapter} onClose={onClose} />
    </Dialog>
  );
}

function AdapterFacts({ adapter }: { adapter: AdapterInfo }) {
  return (
    <div className="stack">
      <LossCurve curves={[adapter.losses]} />
      <p className="passage">{adapter.text}</p>
      <dl className="facts">
        <Fact name="size">{`${formatBytes(adapter.bytes)} (${adapter.dtype})`}</Fact>
        <Fact name="rank, alpha">{`${adapter.rank}, ${adapter.alpha}`}</Fact>
        <Fact name="modules">{adapter.targetModules.join(", ")}</Fact>
        <Fact name="trained on">
          {adapter.trainingTokens === null ? "unknown" : `${formatCount(adapter.trainingTokens)} tokens`}
        </Fact>
        <Fact name="base model">{adapter.baseModel}</Fact>
        <Fact name="made by">{adapter.createdBy}</Fact>
        <Fact name="key">{adapter.key.slice(0, 16)}</Fact>
      </dl>
      <details>
        <summary>Recipe</summary>
        <pre className="recipe">{JSON.stringify(adapter.recipe, null, 2)}</pre>
      </details>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function AdapterDeeds({ adapter, onClose }: { adapter: AdapterEntry; onClose: () => void }) {
  const { client, collection, jobs, refresh, announce } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const { key, title } = adapter;
  const attempt = (deed: () => Promise<void>) => {
    setFailure(undefined);
    deed().catch((error: unknown) => setFailure(toFailure(error)));
  };
  const download = async () => saveAs(await client.peft(collection, key), `adapter-${key.slice(0, 12)}.tar`);
  const encodeAgain = async () => {
    jobs.track(await client.encodeAgain(collection, key));
    announce(`${title} is trained anew`);
    location.hash = "#/documents";
    onClose();
  };
  const remove = async () => {
    await client.deleteAdapter(collection, key);
    announce(`Adapter of ${title} deleted`);
    refresh();
    onClose();
  };
  return (
    <>
      {!isDeleting && <FailureNotice failure={failure} />}
      <div className="row row-end">
        <Button kind="quiet" icon="trash" onClick={() => setDeleting(true)}>
          Delete
        </Button>
        <Button icon="again" onClick={() => attempt(encodeAgain)}>
          Encode again
        </Button>
        <Button icon="download" onClick={() => attempt(download)}>
          Download PEFT
        </Button>
      </div>
      {isDeleting && (
        <DeleteQuestion
          title={title}
          failure={failure}
          onConfirm={() => attempt(remove)}
          onClose={() => setDeleting(false)}
        />
      )}
    </>
  );
}

function DeleteQuestion({
  title,
  ...rest
}: {
  title: string;
  failure: ApiFailure | undefined;
  onConfirm: () => void;
  onClose: () => void;
}) {
  return (
    <ConfirmDialog title="Delete this adapter?" deed="Delete adapter" {...rest}>
      <p>Questions about “{title}” are answered from the prompt again. Encoding brings the adapter back.</p>
    </ConfirmDialog>
  );
}
