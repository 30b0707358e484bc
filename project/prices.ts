import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../domain/errors.ts';
import type { PriceTable } from '../domain/training-record.ts';

const price = z.number().nonnegative();

/** Unknown fields are refused: a mistyped price would be a price of nothing. */
const schema = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, "must be three letters of ISO 4217, for example 'EUR'"),
  cpuHour: price,
  gpuHour: z.record(z.string(), price).default({}),
});

/**
 * Reads the project's `prices.json`; null where there is none. Read for each training, so that a new price counts without a restart.
 *
 * @throws CodedError PROJECT_INVALID that names every field that does not hold up.
 */
export async function readPrices(projectFolder: string): Promise<PriceTable | null> {
  const file = join(projectFolder, 'prices.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const parsed = schema.safeParse(parse(file, text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  throw new CodedError('PROJECT_INVALID', `${file} does not hold up. Correct ${problems.join('; ')}.`, {
    details: { file, problems },
  });
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError('PROJECT_INVALID', `${file} is not JSON: ${(cause as Error).message}.`, {
      details: { file },
      cause,
    });
  }
}
