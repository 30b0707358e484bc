/** Facts of one run by section and name, each as a text for a person; a section is `params`, `metrics`, `data`, … */
export type Facts = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** One fact that is not the same in all; null where a run has no such fact. */
export type DifferingFact = {
  readonly section: string;
  readonly name: string;
  readonly values: readonly (string | null)[];
};

/** How many facts of a section are the same in all. */
export type EqualFacts = { readonly section: string; readonly equal: number; readonly of: number };

export type FactComparison = { readonly differing: readonly DifferingFact[]; readonly equal: readonly EqualFacts[] };

/** Finds what differs between runs, in the order of the first run's sections, then by name; and how much is the same. */
export function compareFacts(runs: readonly Facts[]): FactComparison {
  const sections = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  const compared = sections.map((section) => {
    const names = [...new Set(runs.flatMap((run) => Object.keys(run[section] ?? {})))].toSorted();
    const facts = names.map((name) => ({ section, name, values: runs.map((run) => run[section]?.[name] ?? null) }));
    const differing = facts.filter(({ values }) => values.some((value) => value !== values[0]));
    return { differing, equal: { section, equal: facts.length - differing.length, of: facts.length } };
  });
  return { differing: compared.flatMap(({ differing }) => differing), equal: compared.map(({ equal }) => equal) };
}

/** Plain JSON as facts by path: `{ trainer: { epochs: 3 } }` is `trainer.epochs` `3`. Lists stay whole. */
export function factsOf(value: unknown, path = ''): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { [path]: typeof value === 'string' ? value : JSON.stringify(value) };
  const members = Object.entries(value).map(([name, member]) =>
    factsOf(member, path === '' ? name : `${path}.${name}`),
  );
  return Object.assign({}, ...members) as Readonly<Record<string, string>>;
}
