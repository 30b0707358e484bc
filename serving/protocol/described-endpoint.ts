import type { IncomingHttpHeaders } from 'node:http';

import { isPlainName } from '../../domain/names.ts';
import { unknownEndpoint } from '../answering/control-channel.ts';
import type { ActiveEndpoint, AnsweringParts } from '../answering/parts.ts';
import { credentialOf } from './credential.ts';
import { shown } from './refused-input.ts';

/** The endpoint of a path's name, for its metadata. @throws CodedError NOT_FOUND, and those of admission. */
export async function describedEndpoint(
  parts: AnsweringParts,
  name: string,
  headers: IncomingHttpHeaders,
): Promise<ActiveEndpoint> {
  requireEndpointName(name);
  return parts.describe(name, credentialOf(headers));
}

/** A name that no endpoint can have is not looked up. @throws CodedError NOT_FOUND. */
export function requireEndpointName(name: string): void {
  if (!isPlainName(name)) throw unknownEndpoint(shown(name));
}
