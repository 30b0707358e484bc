import { usageError } from './errors.ts';
import { ownOptions } from './own-options.ts';

/** What a pipeline is called with: the JSON of --input, then each --param over it. */
export function readInput(options: {
  readonly input?: string;
  readonly param?: readonly string[];
}): Readonly<Record<string, unknown>> {
  const whole = options.input === undefined ? {} : parseObject(options.input);
  return { ...whole, ...Object.fromEntries((options.param ?? []).map(parseParameter)) };
}

/** The pipeline's own parameters, as they stand on the command line. The value is JSON, or else text. */
export function readOwnOptions(words: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ownOptions(words).map(({ name, value: raw }) => {
      const value = parsed(raw);
      return [name, value.ok ? value.value : raw];
    }),
  );
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parsed(text);
  if (value.ok && typeof value.value === 'object' && value.value !== null && !Array.isArray(value.value))
    return value.value as Readonly<Record<string, unknown>>;
  const why = value.ok ? 'it is JSON, but not an object' : value.why;
  throw usageError(
    'INPUT_INVALID',
    `--input is not a JSON object: ${why}. Write for example --input '{"data":"newest"}', or --param data=newest.`,
  );
}

function parseParameter(text: string): readonly [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1)
    throw usageError('INPUT_INVALID', `--param '${text}' is not key=value. Write for example --param data=newest.`);
  const raw = text.slice(at + 1);
  const value = parsed(raw);
  return [text.slice(0, at), value.ok ? value.value : raw];
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

function parsed(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}
