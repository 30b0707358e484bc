/** One histogram with some labels, bound once: observing costs some nanoseconds, where prom-client's own costs half a microsecond. */
export type BoundHistogram = { observe(value: number): void };

export type BoundHistograms<Label extends string> = {
  bind(labels: Readonly<Record<Label, string>>): BoundHistogram;
  /** In the form of prom-client's `getMetricsAsJSON()`, as its aggregation takes it. */
  json(): object;
};

export type BoundHistogramOptions = {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, rising; the last bucket, without a bound, comes by itself. */
  readonly buckets: readonly number[];
};

type Series<Label extends string> = {
  readonly labels: Readonly<Record<Label, string>>;
  /** By bucket, not added up. */
  readonly counts: Float64Array;
  sum: number;
};

/** Makes a histogram for the way of a request. Source of the form: Prometheus, "Exposition formats", histograms. */
export function createBoundHistograms<Label extends string>({
  name,
  help,
  buckets,
}: BoundHistogramOptions): BoundHistograms<Label> {
  const all: Series<Label>[] = [];
  const bounds = Float64Array.from(buckets);
  return {
    bind(labels) {
      const series: Series<Label> = { labels, counts: new Float64Array(bounds.length + 1), sum: 0 };
      all.push(series);
      const { counts } = series;
      return {
        observe(value) {
          let bucket = 0;
          while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
          counts[bucket] = (counts[bucket] ?? 0) + 1;
          series.sum += value;
        },
      };
    },
    json: () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: all.flatMap((series) => valuesOf(name, bounds, series)),
    }),
  };
}

function valuesOf<Label extends string>(
  name: string,
  bounds: Float64Array,
  { labels, counts, sum }: Series<Label>,
): readonly object[] {
  let total = 0;
  const inBuckets = Array.from(counts, (count, bucket) => {
    total += count;
    return { labels: { le: bounds[bucket] ?? '+Inf', ...labels }, value: total, metricName: `${name}_bucket` };
  });
  const sums = [
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: total, metricName: `${name}_count` },
  ];
  return [...inBuckets, ...sums];
}
