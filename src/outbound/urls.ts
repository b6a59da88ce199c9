const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether nobody on the way can read what is sent to a URL: it uses https, or stays on this machine. */
export function isConfidential(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}

/** The fault of a URL that somebody outside gave; undefined where it may be called. */
export function faultOfUrl(text: string, production: boolean): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not carry a password';
  if (url.protocol === 'https:') return undefined;
  return url.protocol === 'http:' && !production ? undefined : 'must begin with https://';
}
