import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { compareFacts, type FactComparison } from '../../domain/compare-facts.ts';
import { CodedError } from '../../domain/errors.ts';
import type { ModelCard } from '../../domain/model-card.ts';
import { readConfig } from '../../project/config.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { findVersion } from '../find-version.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { collectCard } from '../model-card/collect.ts';
import { cardFacts } from '../model-card/facts.ts';
import { machineBom } from '../model-card/machine-bom.ts';
import { cardMarkdown } from '../model-card/markdown.ts';
import { cardPage } from '../model-card/page.ts';
import { table } from '../output.ts';
import { withCleanup } from '../processes.ts';
import { printable } from '../snapshots.ts';

export type CardOptions = {
  readonly format: 'markdown' | 'html' | 'json' | 'cyclonedx';
  readonly output?: string;
  readonly diff?: string;
};

/** `perdura models card`: what a version is and what is known of it, from the bucket alone; or what differs between two. */
export async function modelsCard(
  { output, environment, folder }: Context,
  name: string,
  options: CardOptions,
): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const card = await cardOf(store, name);
    if (options.diff !== undefined) {
      const other = await cardOf(store, options.diff);
      const comparison = compareFacts([cardFacts(card), cardFacts(other)]);
      output.answer({ first: nameOf(card), second: nameOf(other), ...comparison }, () =>
        describeDifferences([nameOf(card), nameOf(other)], comparison),
      );
      return 0;
    }
    const text = textOf(card, options.format);
    if (options.output === undefined) {
      output.answer(options.format === 'cyclonedx' ? machineBom(card) : card, () => text.trimEnd());
      return 0;
    }
    const file = resolve(folder, options.output);
    await writeNew(file, text);
    output.answer({ file, model: card.model, modelVersion: card.modelVersion }, () => `Wrote ${file}`);
    return 0;
  });
}

async function cardOf(store: ObjectStore, name: string): Promise<ModelCard> {
  const { registry, version } = await findVersion(store, name);
  return collectCard(store, registry, version);
}

function textOf(card: ModelCard, format: CardOptions['format']): string {
  switch (format) {
    case 'markdown':
      return cardMarkdown(card);
    case 'html':
      return cardPage(card);
    case 'json':
      return `${JSON.stringify(card, null, 2)}\n`;
    case 'cyclonedx':
      return `${JSON.stringify(machineBom(card), null, 2)}\n`;
    default:
      return format satisfies never;
  }
}

function describeDifferences(names: readonly string[], { differing, equal }: FactComparison): string {
  const rows = differing.map(({ section, name, values }) => [
    section,
    cut(name, 60),
    ...values.map((value) => cut(value ?? '-', 50)),
  ]);
  const same = equal
    .filter(({ of }) => of > 0)
    .map(({ section, equal: count, of }) => `${section} ${count === of ? `all ${of}` : `${count} of ${of}`}`);
  return `${rows.length === 0 ? 'Nothing differs.' : table(['', '', ...names], rows)}\n\nEqual: ${same.join(', ')}.`;
}

function cut(text: string, longest: number): string {
  const line = printable(text);
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function nameOf({ model, modelVersion }: ModelCard): string {
  return `${model}@${modelVersion}`;
}

/** A card that stands there already may have been signed or sent: it is not written over. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new CodedError('INPUT_INVALID', `${file} exists already. Name a new file.`, { cause: error });
  }
}
