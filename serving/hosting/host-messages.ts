import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import type { Route } from '../../domain/route.ts';
import type { AnsweringReport } from '../messages.ts';
import type { PreparedModel } from '../models/model-plan.ts';

/** PERDURA_HOST_CONFIG: what a host is started with. */
export type HostConfig = {
  /** Its `socket` is where the host listens. */
  readonly prepared: PreparedModel & { readonly socket: string };
  /** Null: a live package. */
  readonly shadow: ShadowConfig | null;
};

/** What a shadow answers under, and where its rows go. */
export type ShadowConfig = ShadowTerms & {
  readonly log: {
    readonly folder: string;
    readonly replica: string;
    readonly writer: string;
    readonly flushEveryMs: number;
  };
  readonly onlineStore: { readonly folder: string; readonly url: string | null };
  /** Of an hour of a model's time; null: not known. */
  readonly pricePerHour: number | null;
};

/** What a shadow's rows are logged under. */
export type ShadowTerms = { readonly route: Route; readonly policy: EndpointPolicy };

/** What the control process tells a host. */
export type ToHost =
  | { readonly type: 'report'; readonly ask: number }
  /** From now on a shadow's rows are logged under these. */
  | ({ readonly type: 'terms' } & ShadowTerms)
  /** Finish what is under way, and go. */
  | { readonly type: 'end' };

/** What a host tells the control process. */
export type FromHost =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly failure: CodedFailure }
  /** `ask` 0: the last word of a host that ends. */
  | ({ readonly type: 'report'; readonly ask: number } & AnsweringReport);
