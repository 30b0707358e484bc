import { ServerCredentials } from '@grpc/grpc-js';
import { readTls, type TlsFiles, type TlsPair, watchTls } from '../../access/tls.ts';

/** A server's credentials, and what ends the watch over their files. */
export type OpenCredentials = { readonly credentials: ServerCredentials; close(): void };

/**
 * The credentials of a gRPC server, which follow their files: connections after a renewal get the new certificate. `files` null: plain text.
 *
 * @throws CodedError CONFIG_INVALID when the files do not hold up.
 */
export function openCredentials(files: TlsFiles | null): OpenCredentials {
  if (files === null) return { credentials: ServerCredentials.createInsecure(), close: () => undefined };
  const credentials = new RenewableCredentials(readTls(files));
  const close = watchTls(files, {
    onRenewed: (pair) => credentials.renew(pair),
    report: (line) => console.error(line),
  });
  return { credentials, close };
}

/** What `ServerCredentials.createSsl` makes never changes; this one tells its server of another pair. */
class RenewableCredentials extends ServerCredentials {
  constructor(pair: TlsPair) {
    super({}, pair);
  }

  renew(pair: TlsPair): void {
    this.updateSecureContextOptions(pair);
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
