import type { SnapshotProof } from '../../domain/snapshot-proof.ts';
import { bucketRisks } from '../../stores/objects/bucket-risks.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { verifySnapshot } from '../../stores/snapshots/verify.ts';
import { connectS3 } from '../connect.ts';
import type { Context } from '../context.ts';
import { table } from '../output.ts';
import { bytesText, counted, countText, printable, readingBucket, shortName, splitName } from '../snapshots.ts';

export type SnapshotVerifyOptions = { readonly bytes?: true };

/** A word of progress comes with every so many files. */
const sayEvery = 1_000;

/** `perdura snapshot verify`: proves a snapshot whole, now and for the time to come. Exits 1 when anything is found. */
export async function snapshotVerify(context: Context, name: string, options: SnapshotVerifyOptions): Promise<number> {
  splitName(name);
  const { output } = context;
  return readingBucket(context, async ({ store, config, connect }) => {
    const reference = await resolveSnapshot(store, name);
    const proof = await verifySnapshot(store, reference, {
      bytes: options.bytes === true ? 'read' : 'trust',
      risks: async () => bucketRisks(await connectS3(config, connect)),
      onFile: (files) => {
        if (files % sayEvery === 0) output.progress(counted(files, 'file'));
      },
    });
    output.answer(proof, () => describe(proof, options));
    return proof.findings.length === 0 ? 0 : 1;
  });
}

function describe(proof: SnapshotProof, options: SnapshotVerifyOptions): string {
  const read =
    options.bytes === true
      ? `each with its SHA-256 (${bytesText(proof.bytesRead)} read)`
      : 'each version there with its size; --bytes reads them too';
  const notChecked = proof.notChecked.map((what) => `not checked: ${printable(what)}`);
  if (proof.findings.length === 0)
    return [`${shortName(proof)} is whole: ${counted(proof.files, 'file')}, ${read}.`, ...notChecked].join('\n');
  const findings = table(
    ['FAULT', 'OBJECT', 'FOUND'],
    proof.findings.map(({ fault, key, detail }) => [fault, printable(key), printable(detail)]),
  );
  return [`${shortName(proof)}: ${countText(proof.findings.length)} found`, findings, ...notChecked].join('\n');
}
