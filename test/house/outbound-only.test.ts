import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

const root = join(__dirname, '../../src');
/** Ways to call another server: the global fetch, and modules of which one is a client. */
const calling =
  /(?<![.#\w])fetch\(|\bhttps?\.(?:request|get)\(|import (?!type )[^;]*from '(?:node:)?(?:https?|http2|undici|axios|got)'/;

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => /\.tsx?$/.test(path))
  // The playground runs in a browser, and calls the server that it came from.
  .filter((path) => !path.startsWith('gateway/playground/'));

test('nothing calls another server but by src/outbound', () => {
  const callers = sources.filter((path) => calling.test(readFileSync(join(root, path), 'utf8')));
  expect(callers).toEqual(['outbound/http.ts']);
});

test.each([
  "await fetch('https://example.org')",
  'return fetch(url, {',
  'http.request(url)',
  "import { request } from 'node:https';",
  "import {\n  type IncomingMessage,\n  request as plainRequest,\n} from 'node:http';",
  "import { Agent } from 'undici';",
])('%j would be found', (line) => {
  expect(calling.test(line)).toBe(true);
});
