import type { PastValues } from '../../domain/aggregate.ts';
import type { RawRecord } from '../../domain/features.ts';
import type { OnlineStore } from '../../stores/online/online-store.ts';
import { pastValues } from '../../stores/online/past-values.ts';
import type { LoadedModel } from '../models/loaded-model.ts';

/** Looks up what models may know of the past. The online store is opened by the first model that has aggregates, and never without one. */
export type PastLookup = {
  /**
   * What a record's features get of the past; nothing where the model has no aggregates.
   *
   * @throws CodedError SERVICE_UNAVAILABLE while the store is away; the next lookup tries again. INPUT_INVALID.
   */
  of(model: Pick<LoadedModel, 'features'>, record: RawRecord): Promise<PastValues>;
  close(): Promise<void>;
};

const nothing: PastValues = {};

/** `open` opens the store; `report` gets a line when that fails, once for the same reason. */
export function createPastLookup(options: {
  readonly open: () => Promise<OnlineStore>;
  readonly report: (line: string) => void;
}): PastLookup {
  let opening: Promise<OnlineStore> | null = null;
  let reported = '';
  const opened = (): Promise<OnlineStore> => {
    opening ??= options.open().catch((error: unknown) => {
      opening = null;
      const line = error instanceof Error ? error.message : String(error);
      if (line !== reported) options.report(line);
      reported = line;
      throw error;
    });
    return opening;
  };
  return {
    async of({ features: { aggregates } }, record) {
      return aggregates === null ? nothing : pastValues(await opened(), aggregates, record);
    },
    async close() {
      // A store that did not open has nothing to close.
      const store = await opening?.catch(() => null);
      await store?.close();
    },
  };
}
