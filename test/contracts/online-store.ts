import fc from 'fast-check';

import type { OnlineEvent, OnlineStore, OnlineWindow } from '../../stores/online/online-store.ts';

/** One adapter under test: two openings of the same, empty place. */
export type OnlineStoreUnderTest = {
  readonly store: OnlineStore;
  readonly other: OnlineStore;
  close(): Promise<void>;
};

const always = { from: -8.64e15, before: 8.64e15 };

function event(facts: Partial<OnlineEvent>): OnlineEvent {
  return { view: 'delay', key: 'SFO', time: 0, id: 'a', value: 0, ...facts };
}

/** What every online store must do; one suite for all adapters. */
export function onlineStoreContract(name: string, open: () => Promise<OnlineStoreUnderTest>): void {
  describe(`${name} as an online store`, () => {
    let opened: OnlineStoreUnderTest;
    let store: OnlineStore;
    let views = 0;
    const freshView = (): string => `view ${(views += 1)}`;
    const readOne = async (window: Partial<OnlineWindow> & Pick<OnlineWindow, 'view'>): Promise<readonly number[]> => {
      const [values = []] = await store.read([{ key: 'SFO', ...always, ...window }]);
      return values;
    };
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    }, 30_000);
    afterAll(() => opened.close());

    test('a window takes its first moment in and leaves its last out', async () => {
      const view = freshView();
      await store.write([9, 10, 11, 19, 20].map((time) => event({ view, time, value: time })));
      expect(await readOne({ view, from: 10, before: 20 })).toEqual([10, 11, 19]);
    });

    test('values come in order of time, then id, in whichever order they were written', async () => {
      const view = freshView();
      await store.write([
        event({ view, time: 2, id: 'b', value: 4 }),
        event({ view, time: 1, id: 'z', value: 2 }),
        event({ view, time: 2, id: 'a', value: 3 }),
      ]);
      await store.write([event({ view, time: 1, id: 'y', value: 1 }), event({ view, time: 2, id: 'a1', value: 3.5 })]);
      expect(await readOne({ view })).toEqual([1, 2, 3, 3.5, 4]);
    });

    test('an event written twice is there once, with the value written last', async () => {
      const view = freshView();
      await store.write([event({ view, value: 5 }), event({ view, value: 5 })]);
      await store.write([event({ view, value: 5 })]);
      expect(await readOne({ view })).toEqual([5]);
      await store.write([event({ view, value: 6 })]);
      expect(await readOne({ view })).toEqual([6]);
    });

    test('events of one moment with ids of their own are all there', async () => {
      const view = freshView();
      await store.write([event({ view, id: '1', value: 7 }), event({ view, id: '2', value: 7 })]);
      expect(await readOne({ view })).toEqual([7, 7]);
    });

    test('views and keys are kept apart, whatever characters they have', async () => {
      const names = [
        '',
        'a',
        'ab',
        'A',
        '*',
        '?[a]',
        "o'clock",
        '"',
        'a\0b',
        'a\nb',
        'ü',
        'u\u0308',
        '🛫',
        'x'.repeat(10_000),
      ];
      const run = freshView();
      const events = names.flatMap((view, v) =>
        names.map((key, k) => event({ view: `${run}${view}`, key, value: v * 100 + k })),
      );
      await store.write(events);
      const found = await store.read(events.map(({ view, key }) => ({ view, key, ...always })));
      expect(found).toEqual(events.map(({ value }) => [value]));
    });

    test('windows are answered in the order asked, those without events by nothing', async () => {
      const view = freshView();
      await store.write([event({ view, key: 'SFO', value: 1 }), event({ view, key: 'LAX', value: 2 })]);
      const windows = ['LAX', 'never', 'SFO', 'LAX'].map((key) => ({ view, key, ...always }));
      expect(await store.read(windows)).toEqual([[2], [], [1], [2]]);
      expect(await store.read([])).toEqual([]);
    });

    test('values come back to the last bit', async () => {
      const view = freshView();
      const values = [0.1 + 0.2, -0, 5e-324, Number.MAX_VALUE, 1 / 3, Infinity, -Infinity, NaN];
      await store.write(values.map((value, time) => event({ view, time, value })));
      const found = await readOne({ view });
      expect(found.map((value) => [value, Object.is(value, -0)])).toEqual(
        values.map((value) => [value, Object.is(value, -0)]),
      );
    });

    test('moments before 1970 and between milliseconds have their place', async () => {
      const view = freshView();
      const times = [-8.64e15, -1e12, -1.5, -1, -0.5, 0, 0.5, 1, 1e12, 8.64e15 - 1];
      await store.write(times.toReversed().map((time) => event({ view, time, value: time })));
      expect(await readOne({ view })).toEqual(times);
      expect(await readOne({ view, from: -1, before: 0.5 })).toEqual([-1, -0.5, 0]);
    });

    test('what one opening wrote the other reads at once', async () => {
      const view = freshView();
      for (const value of [1, 2, 3]) {
        await store.write([event({ view, time: value, value })]);
        const [seen = []] = await opened.other.read([{ view, key: 'SFO', ...always }]);
        expect(seen.at(-1)).toBe(value);
      }
    });

    test('forgetting takes the events of one view before a moment, says how many, and no others', async () => {
      const [view, kept] = [freshView(), freshView()];
      const times = [1, 2, 3, 4];
      const both = [view, kept].flatMap((each) =>
        ['SFO', 'LAX'].flatMap((key) => times.map((time) => event({ view: each, key, time, value: time }))),
      );
      await store.write(both);
      expect(await store.forget(view, { before: 3 })).toBe(4);
      expect(await store.forget(view, { before: 3 })).toBe(0);
      expect(await readOne({ view })).toEqual([3, 4]);
      expect(await readOne({ view, key: 'LAX' })).toEqual([3, 4]);
      expect(await readOne({ view: kept })).toEqual(times);
    });

    test('many thousands are written and forgotten in one call', async () => {
      const view = freshView();
      const events = Array.from({ length: 24_000 }, (_, index) =>
        event({ view, key: index < 12_000 ? 'SFO' : `k${index % 300}`, time: index, id: String(index), value: index }),
      );
      await store.write(events);
      expect(await readOne({ view })).toHaveLength(12_000);
      expect(await store.forget(view, { before: 23_000 })).toBe(23_000);
      expect(await readOne({ view })).toEqual([]);
      expect(await store.forget(view, { before: 24_000 })).toBe(1_000);
    });

    test.each([
      { what: 'a time that is none', facts: { time: NaN } },
      { what: 'an endless time', facts: { time: Infinity } },
      { what: 'no id', facts: { id: '' } },
      { what: 'an id of 257 bytes', facts: { id: `${'x'.repeat(255)}ü` } },
      { what: 'an id with NUL', facts: { id: 'a\0b' } },
    ])('$what is refused and nothing of the call is written', async ({ facts }) => {
      const view = freshView();
      const written = store.write([event({ view }), event({ view, ...facts })]);
      await expect(written).rejects.toMatchObject({ code: 'INPUT_INVALID' });
      expect(await readOne({ view })).toEqual([]);
    });

    test('after any writes and forgettings it holds what a plain list would', async () => {
      const small = { key: fc.constantFrom('a', 'b'), time: fc.integer({ min: -3, max: 6 }) };
      const written = fc.array(fc.record({ ...small, id: fc.constantFrom('1', '2', '10'), value: fc.double() }));
      const step = fc.oneof(written, fc.record({ forgetBefore: small.time }));
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 6 }), small.time, small.time, async (steps, from, before) => {
          const view = freshView();
          let expected: readonly OnlineEvent[] = [];
          for (const each of steps) {
            if ('forgetBefore' in each) {
              await store.forget(view, { before: each.forgetBefore });
              expected = expected.filter(({ time }) => time >= each.forgetBefore);
            } else {
              const events = each.map((facts) => ({ view, ...facts }));
              await store.write(events);
              expected = withEvents(expected, events);
            }
          }
          const windows = ['a', 'b'].map((key) => ({ view, key, from, before }));
          expect(await store.read(windows)).toEqual(windows.map((window) => valuesIn(expected, window)));
        }),
        { numRuns: 50, seed: 4 },
      );
    });
  });
}

function withEvents(standing: readonly OnlineEvent[], added: readonly OnlineEvent[]): readonly OnlineEvent[] {
  const place = ({ key, time, id }: OnlineEvent): string => JSON.stringify([key, time, id]);
  return [...new Map([...standing, ...added].map((each) => [place(each), each])).values()];
}

function valuesIn(events: readonly OnlineEvent[], { key, from, before }: OnlineWindow): readonly number[] {
  return events
    .filter((each) => each.key === key && each.time >= from && each.time < before)
    .toSorted((a, b) => a.time - b.time || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)))
    .map(({ value }) => value);
}
