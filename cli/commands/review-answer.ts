import { labelNumber } from '../../domain/label.ts';
import type { ModelReference, Signature } from '../../domain/model-package.ts';
import type { Route } from '../../domain/route.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readSignature } from '../../stores/read-signature.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { answerReview, findReview } from '../../stores/reviews.ts';
import type { Context } from '../context.ts';
import { requireEndpoint } from '../require-endpoint.ts';
import { signed, writingBucket } from '../snapshots.ts';

type ReviewAnswerOptions = { readonly label: string; readonly why: string; readonly who?: string };

/** `perdura review answer`: what a person says of one request, once; it becomes the request's label. */
export function reviewAnswer(
  context: Context,
  endpoint: string,
  requestId: string,
  options: ReviewAnswerOptions,
): Promise<number> {
  return writingBucket(context, async ({ store }) => {
    const route = await requireEndpoint(store, endpoint);
    const review = await findReview(store, endpoint, requestId);
    const label = labelNumber(await signatureOf(store, route, review), options.label);
    const { at, why, who } = { ...signed(options.why, 'review'), ...(options.who && { who: options.who }) };
    const answer = await answerReview(store, endpoint, requestId, { label, given: options.label, who, why, at });
    context.output.answer({ endpoint, ...answer }, () => `Request ${requestId} is labelled '${answer.given}'.`);
    return 0;
  });
}

/** The signature of the version that answered: one of the route's arms, or an earlier one. @throws CodedError NOT_FOUND. */
async function signatureOf(
  store: ObjectStore,
  route: Route,
  { model, modelVersion }: Pick<ModelReference, 'model' | 'modelVersion'>,
): Promise<Signature> {
  const arm = route.arms.find(({ version }) => version.model === model && version.modelVersion === modelVersion);
  if (arm !== undefined) return readSignature(store, arm.version);
  const registry = await readRegistry(store, model);
  const reference =
    registry === null ? { model, modelVersion, packageDigest: '' } : versionReference(registry, modelVersion);
  return readSignature(store, reference);
}
