import { readSource, sourceFiles } from './modules';

/** Kept promises of work under way. They are no cached results, and whoever starts the work handles its errors. */
const workUnderWay = new Set([
  'jobs/scheduler.ts #loops',
  'audit/log/checkpoint-store.ts #writing',
  'audit/log/appender.ts #running',
  'audit/log/ledger.ts opening',
  'audit/verification/log-verification.ts #signatures',
  'governance/row-reads.ts groups',
  'identity/issuer-keys.ts #pending',
  'gateway/erasure-metrics.ts looking',
  'gateway/idempotency/keyed-mutation.ts #renewing',
  'gateway/rate-budgets.ts leasing',
  'keys/roots/pkcs11-service.ts loggedIn',
  'keys/sodium.ts ready',
  'register/webhooks/webhook-sender.ts #sending',
  'storage/remembered.ts #made',
  'storage/transaction.ts turns',
]);

test('no source file remembers a promise by itself', () => {
  const kept: string[] = [];
  for (const file of sourceFiles()) {
    const text = readSource(file);
    // A field, or a variable outside of any function or one that functions share, whose type holds a promise.
    const declared =
      /^ {0,2}(?:(?:private |static |readonly )*(#?\w+)|(?:let|const) (\w+))(?:\?|!)?(?:: | = new )(.*[^,])$/gm;
    for (const [, field, variable, type = ''] of text.matchAll(declared)) {
      const name = field ?? variable ?? '';
      const holds = /(?:Map|Set|LRUCache|Array)<.*Promise</.test(type) || /^Promise</.test(type);
      const isFunction = /=>/.test(type.replace(/Promise<.*$/, ''));
      if (holds && !isFunction) kept.push(`${file} ${name}`);
    }
  }
  expect(kept.filter((each) => !workUnderWay.has(each)).sort()).toEqual([]);
  // The list has no stale entries.
  expect([...workUnderWay].filter((each) => !kept.includes(each))).toEqual([]);
});
