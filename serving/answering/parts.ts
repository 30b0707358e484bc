import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import type { LabelRow } from '../../domain/inference.ts';
import type { Route } from '../../domain/route.ts';
import type { EndpointStatus } from '../endpoint-status.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { Answered, Call, Credential } from './call.ts';

/** What the protocols of an answering process work with: they parse and write, everything between is here. */
export type AnsweringParts = {
  /** Endpoints in force in this process. */
  readonly endpoints: EndpointsInForce;
  /**
   * Answers one request and logs it; shadows get their copy after it.
   *
   * @throws CodedError NOT_FOUND; INPUT_INVALID naming the field; UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED; OVERLOADED; FEATURES_INVALID,
   * MODEL_INVALID, SERVICE_UNAVAILABLE (logged with status 500); DISK_FULL when the log cannot be written.
   */
  answer(call: Call): Promise<Answered>;
  /** Logs true outcomes as they become known. @throws CodedError NOT_FOUND, INPUT_INVALID, DISK_FULL and those of admission. */
  recordLabels(endpoint: string, credential: Credential, labels: readonly GivenLabel[]): Promise<void>;
  /** How an endpoint fares on this model server, all processes together. @throws CodedError NOT_FOUND and those of admission. */
  status(endpoint: string, credential: Credential): Promise<EndpointStatus>;
  /**
   * The endpoint, for its metadata; asks the bucket where it is not in force here. @throws CodedError NOT_FOUND and those of admission.
   */
  describe(endpoint: string, credential: Credential): Promise<ActiveEndpoint>;
  /** False while the process drains. */
  open(): boolean;
};

export type GivenLabel = Omit<LabelRow, 'at'> & { readonly at?: string };

export type EndpointsInForce = {
  current(endpoint: string): ActiveEndpoint | null;
  all(): readonly ActiveEndpoint[];
};

/** An endpoint whose models are loaded. Requests that began on it hold it: a switch never takes a model from under a request. */
export type ActiveEndpoint = {
  readonly route: Route;
  readonly policy: EndpointPolicy;
  readonly arms: readonly [ActiveArm, ...ActiveArm[]];
  hold(): void;
  letGo(): void;
};

export type ActiveArm = {
  readonly name: 'champion' | 'challenger';
  readonly weight: number;
  readonly model: LoadedModel;
};
