import { hash } from 'node:crypto';
import { type Database, open } from 'lmdb';
import { lmdbFailure, prepareLmdbFolder } from './lmdb-folder.ts';
import { checkEvents } from './online-events.ts';
import type { OnlineEvent, OnlineStore, OnlineWindow } from './online-store.ts';

type Values = Database<Buffer, Buffer>;

const viewBytes = 16;
const ownerBytes = 2 * viewBytes;
const timeBytes = 8;
/** One commit is synced to the disk once; so many take some 100 ms, in which the event loop stands still. */
const eventsACommit = 20_000;

/**
 * Opens the online store in a local folder: LMDB, which many processes of one machine read and write at once. A read takes no lock and no
 * turn of the event loop; what `write` returned for survives the process and the machine. One entry an event: its key is 16 bytes of
 * SHA-256 of the view, 16 of the key, the time so that bytes sort as times do, and the id; its value the number, so a window is one short
 * walk in order. The file does not shrink: what is forgotten makes room for what comes.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the folder or the file does not serve; DISK_FULL.
 */
export async function openLmdbOnlineStore(folder: string): Promise<OnlineStore> {
  await prepareLmdbFolder(folder);
  const guarded = async <Result>(work: () => Result): Promise<Result> => {
    try {
      return work();
    } catch (error) {
      throw await lmdbFailure(folder, error);
    }
  };
  const values = await guarded<Values>(() =>
    open(folder, { keyEncoding: 'binary', encoding: 'binary', noSubdir: false }),
  );
  return {
    async write(events) {
      checkEvents(events);
      for (let from = 0; from < events.length; from += eventsACommit) {
        await guarded(() => putAll(values, events.slice(from, from + eventsACommit)));
      }
    },
    read: (windows) =>
      guarded(() => {
        // Without it a read sees what stood at the first read of this turn of the event loop, also where another process wrote since.
        values.resetReadTxn();
        return windows.map((window) => readWindow(values, window));
      }),
    async forget(view, { before }) {
      const lots = oldKeys(values, view, before);
      for (let forgotten = 0; ;) {
        const lot = await guarded(() => lots.next());
        if (lot.done === true) return forgotten;
        await guarded(() => removeAll(values, lot.value));
        forgotten += lot.value.length;
      }
    },
    close: () => values.close(),
  };
}

/**
 * Synchronous, because what fails in lmdb's own batches also rejects promises that nobody holds, which ends a process. Events mostly come in
 * order of their keys, so the owner's digests are kept from one to the next.
 */
function putAll(values: Values, events: readonly OnlineEvent[]): void {
  values.transactionSync(() => {
    let last: { readonly view: string; readonly key: string; readonly owner: Buffer } | null = null;
    for (const { view, key, time, id, value } of events) {
      if (last === null || last.view !== view || last.key !== key) last = { view, key, owner: ownerOf(view, key) };
      const number = Buffer.allocUnsafe(8);
      number.writeDoubleLE(value);
      values.putSync(Buffer.concat([momentBytes(last.owner, time), Buffer.from(id)]), number);
    }
  });
}

function removeAll(values: Values, keys: readonly Buffer[]): void {
  values.transactionSync(() => {
    for (const key of keys) values.removeSync(key);
  });
}

function readWindow(values: Values, { view, key, from, before }: OnlineWindow): readonly number[] {
  const owner = ownerOf(view, key);
  const found: number[] = [];
  for (const { value } of values.getRange({ start: momentBytes(owner, from), end: momentBytes(owner, before) })) {
    found.push(value.readDoubleLE(0));
  }
  return found;
}

/** The keys of all events before a moment, some thousands at a time; each lot may be removed before the next is asked for. */
function* oldKeys(values: Values, view: string, before: number): Generator<readonly Buffer[]> {
  let lot: Buffer[] = [];
  let owner = nextOwner(values, view, digestOf(view));
  while (owner !== null) {
    const old = [...values.getKeys({ start: owner, end: momentBytes(owner, before), limit: eventsACommit })];
    lot = [...lot, ...old];
    if (lot.length >= eventsACommit) {
      yield lot;
      lot = [];
    }
    if (old.length < eventsACommit) owner = nextOwner(values, view, following(owner));
  }
  if (lot.length > 0) yield lot;
}

/** The first owner of the view's events at `start` or behind it. */
function nextOwner(values: Values, view: string, start: Buffer | null): Buffer | null {
  if (start === null) return null;
  const [first] = [...values.getKeys({ start, limit: 1 })];
  if (first === undefined || !first.subarray(0, viewBytes).equals(digestOf(view))) return null;
  return Buffer.from(first.subarray(0, ownerBytes));
}

function ownerOf(view: string, key: string): Buffer {
  return Buffer.concat([digestOf(view), digestOf(key)]);
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, viewBytes);
}

/** The first key of a moment: a double's bytes, turned so that negative ones sort before the others. */
function momentBytes(owner: Buffer, time: number): Buffer {
  const bytes = Buffer.allocUnsafe(ownerBytes + timeBytes);
  owner.copy(bytes);
  // Adding 0 makes 0 of -0, which is the same moment.
  bytes.writeDoubleBE(time + 0, ownerBytes);
  const first = bytes.readUInt8(ownerBytes);
  if (first < 0x80) bytes.writeUInt8(first | 0x80, ownerBytes);
  else for (let at = ownerBytes; at < bytes.length; at += 1) bytes.writeUInt8(0xff - bytes.readUInt8(at), at);
  return bytes;
}

/** The smallest prefix of the same length behind all keys with this one; null when there is none. */
function following(prefix: Buffer): Buffer | null {
  const next = Buffer.from(prefix);
  for (let at = next.length - 1; at >= 0; at -= 1) {
    const byte = next.readUInt8(at);
    if (byte < 0xff) {
      next.writeUInt8(byte + 1, at);
      return next;
    }
    next.writeUInt8(0, at);
  }
  return null;
}
