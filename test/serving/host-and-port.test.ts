import { hostAndPort } from '../../serving/host-and-port.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['models.example.com', 'models.example.com'],
  ['::1', '[::1]'],
])('%s and a port make an address that a URL can be made of', (host, hostname) => {
  const url = new URL(`http://${hostAndPort(host, 8080)}`);
  expect({ hostname: url.hostname, port: url.port }).toEqual({ hostname, port: '8080' });
});
