import cluster, { type Worker } from 'node:cluster';
import type { ChildProcess } from 'node:child_process';

/** What node:cluster sends with each connection that it hands to a process, and what comes back. */
type ClusterMessage = { readonly cmd?: string; readonly act?: string; readonly seq?: number; readonly ack?: number };
type Send = (message: ClusterMessage, handle?: unknown, ...rest: unknown[]) => boolean;

/**
 * Hands connections that a process was given, and did not claim before it ended, to another one. node:cluster itself forgets them when
 * a process is killed at that moment: the client would be connected to nobody and wait for ever. It goes by cluster's own messages
 * (`newconn`, `ack`) and by Node's call of `disconnect` where a channel ends, which a test holds to what the Node in use does.
 *
 * `gone` resolves when all that the process said was read: one that claimed a connection has read from it, and another would wait for the rest
 * for ever.
 */
export function passOnUnclaimed(worker: Worker, gone: Promise<unknown>): void {
  const unclaimed = new Map<number, { readonly message: ClusterMessage; readonly handle: unknown }>();
  const child = worker.process as ChildProcess & { send: Send };
  const send = child.send.bind(child) as Send;
  child.send = ((message: ClusterMessage, handle?: unknown, ...rest: unknown[]) => {
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && message.seq !== undefined) {
      unclaimed.set(message.seq, { message, handle });
    }
    return send(message, handle, ...rest);
  }) as typeof child.send;
  child.on('internalMessage', (message: ClusterMessage) => {
    if (message.ack !== undefined) unclaimed.delete(message.ack);
  });
  // At the first sign of the end, which is either of these: what cluster hands to a process whose channel is closing it drops.
  const disconnect = child.disconnect.bind(child);
  child.disconnect = () => {
    worker.disconnect();
    disconnect();
  };
  worker.once('exit', () => {
    if (worker.isConnected()) worker.disconnect();
  });
  void gone.then(() => {
    for (const { message, handle } of unclaimed.values()) passOn(message, handle);
    unclaimed.clear();
  });
}

/** The number stays: cluster knows the connection by it, and lets go of it when the other process claims it. */
function passOn(message: ClusterMessage, handle: unknown): void {
  const other = Object.values(cluster.workers ?? {}).find((each) => each !== undefined && takes(each));
  if (other === undefined) return (handle as { close(): void }).close();
  (other.process as ChildProcess & { send: Send }).send(message, handle);
}

const listening = new WeakSet<Worker>();
cluster.on('listening', (worker) => listening.add(worker));

/** A process that does not listen yet would neither take the connection nor say so. */
function takes(worker: Worker): boolean {
  return listening.has(worker) && worker.isConnected() && !worker.isDead() && !worker.exitedAfterDisconnect;
}
