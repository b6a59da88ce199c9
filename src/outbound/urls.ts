const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether what is sent to a URL is read by nobody on the way: by https, or without leaving this machine. */
export function isConfidential(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}

/** What is wrong with a URL that somebody outside gives; undefined where it may be called. */
export function faultOfUrl(text: string, production: boolean): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not carry a password';
  if (url.protocol === 'https:') return undefined;
  return url.protocol === 'http:' && !production ? undefined : 'must begin with https://';
}
