/** An address as URLs and gRPC write it: one of IPv6 has colons of its own, and stands in brackets. */
export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
