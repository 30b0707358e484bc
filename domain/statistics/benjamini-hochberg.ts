/**
 * P values adjusted for the false discovery rate, in the order given: rejecting those at most q keeps the expected share of
 * false ones among the rejected at most q. The i-th smallest of m becomes min over j >= i of p_j m / j, at most 1.
 * Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57, 1995.
 */
export function benjaminiHochberg(pValues: readonly number[]): readonly number[] {
  const order = pValues.map((_, index) => index).toSorted((a, b) => (pValues[b] ?? 0) - (pValues[a] ?? 0));
  const adjusted = Array.from(pValues);
  let smallest = 1;
  for (const [position, index] of order.entries()) {
    const rank = pValues.length - position;
    smallest = Math.min(smallest, ((pValues[index] ?? 1) * pValues.length) / rank);
    adjusted[index] = smallest;
  }
  return adjusted;
}
