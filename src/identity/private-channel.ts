const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether an address is reached over TLS, or within this machine. */
export function isPrivateChannel(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}
