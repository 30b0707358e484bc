import { createServer, type Server, type Socket } from 'node:net';

import { openOnlineStore } from '../../../stores/online/open-online-store.ts';
import { openRedisOnlineStore } from '../../../stores/online/redis-online-store.ts';
import { rejection, until } from '../../support/embedded.ts';
import { redisProgram, type RedisServer, startRedis } from '../../support/redis-server.ts';

const program = await redisProgram();
const window = { view: 'delay', key: 'SFO', from: 0, before: 10 };
const event = { view: 'delay', key: 'SFO', time: 1, id: '1', value: 5 };

test('an address of another kind is refused, its password not repeated', async () => {
  const opened = openOnlineStore({ folder: '/nowhere', url: 'http://:hush@localhost:6379' });
  await expect(opened).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.not.stringContaining('hush') });
});

test('a server that takes connections and never answers is away, not waited for', async () => {
  const sockets: Socket[] = [];
  const silent: Server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
  const opened = openRedisOnlineStore(`redis://:hush@127.0.0.1:${address.port}`);
  await expect(opened).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: expect.not.stringContaining('hush'),
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
});

('missing' in program ? describe.skip : describe)(
  `a Redis that goes away (${'missing' in program ? program.missing : 'real server'})`,
  () => {
    let server: RedisServer;
    beforeAll(async () => {
      if (!('missing' in program)) server = await startRedis(program.path);
    });
    afterAll(() => server.stop());

    test('calls fail at once while it is away, and work when it is back with what was written', async () => {
      const store = await openRedisOnlineStore(server.url);
      await store.write([event]);
      await server.down();
      await expect(store.read([window])).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      const refused = /127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/;
      await until('the reason is told', async () => refused.test((await rejection(store.read([window]))).message));
      await expect(store.write([event])).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await expect(store.forget('delay', { before: 1 })).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await expect(openRedisOnlineStore(server.url)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await server.up();
      await until('a read works', () =>
        store.read([window]).then(
          () => true,
          () => false,
        ),
      );
      expect(await store.read([window])).toEqual([[5]]);
      await store.close();
    });

    test('a wrong password is told as what it is', async () => {
      const wrong = server.url.replace(/:[^:@]+@/, ':hush@');
      await expect(openRedisOnlineStore(wrong)).rejects.toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        message: expect.stringMatching(/WRONGPASS/),
      });
    });

    test('a server without room is DISK_FULL', async () => {
      const store = await openRedisOnlineStore(server.url);
      await server.command('CONFIG', 'SET', 'maxmemory', '1');
      try {
        await expect(store.write([{ ...event, id: '2' }])).rejects.toMatchObject({ code: 'DISK_FULL' });
      } finally {
        await server.command('CONFIG', 'SET', 'maxmemory', '0');
        await store.close();
      }
    });
  },
);
