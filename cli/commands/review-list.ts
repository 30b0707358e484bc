import type { OpenReview } from '../../domain/review.ts';
import { openReviews } from '../../stores/reviews.ts';
import type { Context } from '../context.ts';
import { withJson } from '../logged-json.ts';
import { moment, table } from '../output.ts';
import { requireEndpoint } from '../require-endpoint.ts';
import { countText, cut, printable, readingBucket } from '../snapshots.ts';

const shownCharacters = 80;

/** `perdura review list`: the answers that wait for a person. */
export function reviewList(context: Context, endpoint: string, { limit }: { readonly limit: number }): Promise<number> {
  return readingBucket(context, async ({ store }) => {
    await requireEndpoint(store, endpoint);
    const all = await openReviews(store, endpoint);
    const shown = all.slice(0, limit);
    context.output.answer({ endpoint, waiting: all.length, reviews: shown.map(withJson) }, () => describe(all, shown));
    return 0;
  });
}

function describe(all: readonly OpenReview[], shown: readonly OpenReview[]): string {
  if (all.length === 0) return 'Nothing waits for a review.';
  const rows = shown.map((review) => [
    printable(review.requestId),
    moment(review.at),
    `${review.model} ${review.modelVersion}`,
    cut(printable(review.answer ?? ''), shownCharacters),
    review.confidence?.toFixed(3) ?? '',
    cut(printable(review.record === 'null' ? review.features : review.record), shownCharacters),
  ]);
  const more = all.length - shown.length;
  const drawn = table(['REQUEST', 'AT', 'MODEL', 'ANSWER', 'CONFIDENCE', 'RECORD'], rows);
  return more === 0 ? drawn : `${drawn}\n${countText(more)} more; show them with --limit ${all.length}.`;
}
