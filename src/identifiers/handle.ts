import type { Forms } from './forms';

/** Networks by their host names. Each has its own handles. */
const networks: ReadonlyMap<string, string> = new Map([
  ['twitter.com', 'x'],
  ['x.com', 'x'],
  ['instagram.com', 'instagram'],
  ['facebook.com', 'facebook'],
  ['fb.com', 'facebook'],
  ['linkedin.com', 'linkedin'],
  ['tiktok.com', 'tiktok'],
  ['youtube.com', 'youtube'],
  ['threads.net', 'threads'],
  ['threads.com', 'threads'],
  ['snapchat.com', 'snapchat'],
  ['pinterest.com', 'pinterest'],
  ['reddit.com', 'reddit'],
  ['github.com', 'github'],
  ['bsky.app', 'bluesky'],
  ['t.me', 'telegram'],
  ['telegram.me', 'telegram'],
  ['twitch.tv', 'twitch'],
  ['vk.com', 'vk'],
]);
const names: ReadonlySet<string> = new Set([...networks.values(), 'twitter', 'fb']);
const synonyms: ReadonlyMap<string, string> = new Map([
  ['twitter', 'x'],
  ['fb', 'facebook'],
]);

/** Parts of a path before the handle. */
const before = new Set(['in', 'user', 'users', 'u', 'c', 'add', 'profile', 'channel', 'people', 'pub']);

/**
 * The forms of a handle. With a network (a link, "twitter: @ada") it belongs to that network. Alone it may belong to
 * any, and is compared with all of them.
 */
export function handleForms(text: string): Forms | undefined {
  const { network, name } = partsOf(text.normalize('NFKC').trim().toLowerCase());
  if (name === '') return undefined;
  // Older tombstones have the whole text, from before links were parsed.
  const formerly = text.normalize('NFKC').trim().replace(/^@/, '').toLowerCase();
  if (network === undefined) {
    return {
      stored: name,
      sought: [name, ...new Set([...networks.values()].map((each) => `${each}:${name}`))],
      kept: [name],
      recognised: [name, anyNetwork(name), formerly],
    };
  }
  const full = `${network}:${name}`;
  return { stored: full, sought: [full, name], kept: [full, anyNetwork(name)], recognised: [full, name, formerly] };
}

const anyNetwork = (name: string): string => `*:${name}`;

function partsOf(text: string): { network?: string; name: string } {
  const link = /^(?:https?:\/\/)?((?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}\p{N}-]{2,63})\/(.*)$/u.exec(text);
  if (link) return ofLink(link[1] ?? '', link[2] ?? '');
  const [label = '', rest] = text.split(':', 2);
  if (rest !== undefined && names.has(label.trim())) {
    return { network: synonyms.get(label.trim()) ?? label.trim(), name: plain(rest) };
  }
  const [user = '', server, more] = plain(text).split('@');
  // Mastodon's form: @ada@social.example
  const isFederated = server?.includes('.') && more === undefined && !/\s/.test(text);
  return server !== undefined && isFederated ? { network: server, name: user } : { name: plain(text) };
}

function ofLink(host: string, rest: string): { network: string; name: string } {
  const domain = host.replace(/^(?:www|m|mobile|web|[a-z]{2})\./, '');
  const network = networks.get(domain) ?? domain;
  const [path = '', query = ''] = rest.split('#', 1)[0]?.split('?', 2) ?? [];
  if (path === 'profile.php') return { network, name: /(?:^|&)id=(\d+)/.exec(query)?.[1] ?? '' };
  const [first = '', second] = path.split('/').filter((part) => part !== '');
  return { network, name: plain(before.has(first) && second !== undefined ? second : first) };
}

const plain = (text: string): string => text.trim().replace(/^@{1,3}/, '');
