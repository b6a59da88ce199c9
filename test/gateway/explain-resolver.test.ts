import { ExplainResolver } from '../../src/gateway/explain-resolver';
import type { RequestContext } from '../../src/identity/request-context';

const caller = (subject: string): RequestContext => ({
  claims: { subject, tenant: undefined, roles: [], scopes: [], purposes: [], country: undefined },
  client: undefined,
  country: undefined,
  access: { grantedPurposes: [] },
  accessFor: () => ({ grantedPurposes: [] }),
  notes: { subjects: new Set(), transferBases: new Set() },
  memory: new Map(),
});

function explaining() {
  const explained: string[] = [];
  const explain = (_: unknown, { document }: { document: string }) => {
    explained.push(document);
    return [];
  };
  const resolver = new ExplainResolver(explain, async () => () => null);
  return { explained, ask: (context: RequestContext) => resolver.explainAccess('{ a }', context) };
}

test('attack S8: nothing is explained to nobody', async () => {
  const { ask, explained } = explaining();
  await expect(ask(caller(''))).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  expect(explained).toEqual([]);
});

test('attack S8: an operation has one explanation, under however many aliases it asks', async () => {
  const { ask, explained } = explaining();
  const context = caller('an.agent');
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => ask(context)));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(answers[1]).toMatchObject({ reason: { extensions: { code: 'BAD_USER_INPUT' } } });
  expect(explained).toHaveLength(1);
});
