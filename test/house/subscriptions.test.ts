import { readSource, sourceFiles } from './modules';

const sources = sourceFiles().map((file) => ({ file, text: readSource(file) }));
/** Async generators: from their beginning to the next line that begins as far to the left. */
const generators = /^( *)(?:export )?(?:async function\*|async \*)[\s\S]*?^\1}/gm;

// `return()` of an async generator waits for what it awaits: its subscriber would have left, and it would go on.
test('the source of a subscription is an EventStream', () => {
  const subscriptions = sources.filter(({ text }) => /@Subscription\(/.test(text));
  expect(subscriptions.map(({ file }) => file)).toEqual([
    'erasure/requests/erasure-request-subscription.ts',
    'transfers/transfer-stream.ts',
  ]);
  for (const { file, text } of subscriptions) {
    const sourcesOf = [...text.matchAll(/\bsubscribe: \(.*\) => (\w+)\.of\(/g)];
    expect([file, sourcesOf.length]).toEqual([file, text.match(/@Subscription\(/g)?.length]);
    expect(text).toMatch(/^ {2}async of\(.*\): Promise<EventStream<\w+>> \{$/m);
    expect(text).not.toMatch(generators);
  }
});

test('no async generator sleeps', () => {
  const sleeping = sources.flatMap(({ file, text }) =>
    [...text.matchAll(generators)]
      .filter(([body]) => /\b(?:sleep|setTimeout|setInterval)\(/.test(body))
      .map(() => file),
  );
  expect(sleeping).toEqual([]);
});

test('an async generator that sleeps would be found', () => {
  const text = 'export async function* events() {\n  for (;;) {\n    await sleep(1);\n  }\n}\n';
  expect([...text.matchAll(generators)]).toHaveLength(1);
});
