import { openRedisOnlineStore } from '../../../stores/online/redis-online-store.ts';
import { onlineStoreContract } from '../../contracts/online-store.ts';
import { redisProgram, startRedis } from '../../support/redis-server.ts';

const program = await redisProgram();
const [path, title] = 'missing' in program ? ['', program.missing] : [program.path, 'real server'];

(path === '' ? describe.skip : describe)(`online store (${title})`, () => {
  onlineStoreContract('Redis', async () => {
    const server = await startRedis(path);
    const [store, other] = [await openRedisOnlineStore(server.url), await openRedisOnlineStore(server.url)];
    return {
      store,
      other,
      async close() {
        await Promise.all([store.close(), other.close()]);
        await server.stop();
      },
    };
  });
});
