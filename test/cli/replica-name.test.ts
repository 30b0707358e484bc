import { replicaName } from '../../cli/commands/serve.ts';

/** What a model server takes for the name of its part of the log. */
const taken = /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/;

test('a replica is named after its machine and process', () => {
  expect(replicaName(4711, 'web-1.example.com')).toBe('web-1.example.com-4711');
});

test('the longest host name with the largest process id is a name that a server takes, and still says which pod it is', () => {
  const pod = `${'recommendations-of-the-shop-in-production'}-7d9c6b8f5d-x2v4k`.padStart(63, 'a');
  const name = replicaName(4_194_304, pod);
  expect(name).toMatch(taken);
  expect(name).toContain('7d9c6b8f5d-x2v4k-4194304');
});

test.each(['_host', '---', 'hôte'])('the host name %s makes a name that a server takes', (host) => {
  expect(replicaName(7, host)).toMatch(taken);
});
