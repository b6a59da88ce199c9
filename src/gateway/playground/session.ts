import { type Purpose, purposeNamed } from './purposes';

const TOKEN = 'remit:token';
const PURPOSE = 'remit:purpose';
const EDITOR = 'remit:editor';

const defaultQuery = `query Customers {
  customers(first: 5) {
    nodes {
      id
      firstName
      lastName
      email
      residency
      orders(first: 2) {
        nodes {
          total
          placedAt
        }
      }
    }
  }
}
`;

/** What the editor's open tab holds. */
export interface EditorText {
  query: string;
  variables: string;
  operationName?: string | undefined;
}

export interface Session {
  token: string;
  purpose: Purpose | undefined;
  editor: EditorText;
}

/** Whether a URL fragment carries `token`, `purpose` or `query`. */
export function holdsHandOver(fragment: string): boolean {
  const handed = new URLSearchParams(fragment.replace(/^#/, ''));
  return ['token', 'purpose', 'query'].some((name) => handed.has(name));
}

/**
 * Opens this tab's session: from the URL's fragment, else from what the tab held before a reload, else from the
 * default. The fragment is removed from the address bar at once. Unlike a query string, it is never sent to a server.
 */
export function openSession(): Session {
  const handed = new URLSearchParams(holdsHandOver(location.hash) ? location.hash.slice(1) : '');
  if (handed.size > 0) history.replaceState(null, '', location.pathname + location.search);
  const query = handed.get('query');
  const session = {
    token: bareToken(handed.get('token') ?? sessionStorage.getItem(TOKEN) ?? ''),
    purpose: purposeNamed(handed.get('purpose') ?? sessionStorage.getItem(PURPOSE)),
    editor: query === null ? storedEditor() : { query, variables: '' },
  };
  keepToken(session.token);
  keepPurpose(session.purpose);
  keepEditor(session.editor);
  return session;
}

/** Keeps the token for this tab only: sessionStorage ends with the tab. An empty one is forgotten. */
export function keepToken(token: string): void {
  keep(TOKEN, token);
}

export function keepPurpose(purpose: Purpose | undefined): void {
  keep(PURPOSE, purpose ?? '');
}

export function keepEditor(editor: EditorText): void {
  keep(EDITOR, JSON.stringify(editor));
}

/** A pasted token without the `Bearer` and the white space that came along. */
export function bareToken(pasted: string): string {
  return pasted.replace(/^\s*Bearer\s+/i, '').replace(/\s+/g, '');
}

function keep(key: string, value: string): void {
  if (value === '') sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, value);
}

function storedEditor(): EditorText {
  const stored = sessionStorage.getItem(EDITOR);
  return stored === null ? { query: defaultQuery, variables: '' } : JSON.parse(stored);
}
