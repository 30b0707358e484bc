import { type ServerInterceptingCallInterface, type ServerInterceptor, status } from '@grpc/grpc-js';

type SendStatus = ServerInterceptingCallInterface['sendStatus'];
type Ended = Parameters<SendStatus>[0];

/** What grpc-js 1.14 ends with INTERNAL although only the client can be at fault: bytes that do not unpack, a timeout that is none. */
const clientFault = /^(?:Failed to decompress message$|Invalid grpc-timeout value )/;
const mended = new WeakSet<object>();

/**
 * Calls a client's fault by its name. grpc-js sends these statuses from below every interceptor, so that wrapping the call would not see them:
 * the method of its class is replaced, by the first call. Replacing it on each call would cost 20 µs a request.
 */
export const clientFaults: ServerInterceptor = (_, call) => {
  const shape = Object.getPrototypeOf(call) as ServerInterceptingCallInterface;
  if (!mended.has(shape)) mend(shape);
  return call as ReturnType<ServerInterceptor>;
};

function mend(shape: ServerInterceptingCallInterface): void {
  const original = Object.getOwnPropertyDescriptor(shape, 'sendStatus')?.value as SendStatus;
  shape.sendStatus = function sendStatus(this: ServerInterceptingCallInterface, ended: Ended): void {
    original.call(this, isClientFault(ended) ? { ...ended, code: status.INVALID_ARGUMENT } : ended);
  };
  mended.add(shape);
}

function isClientFault({ code, details }: Ended): boolean {
  return code === status.INTERNAL && typeof details === 'string' && clientFault.test(details);
}
