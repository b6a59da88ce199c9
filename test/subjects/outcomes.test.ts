import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

/*
 * What each purpose gets of each field, as the statement has it (P1 a–e, C1, C3, D4): C in the clear, P a pseudonym,
 * A partial, G generalised, B a range, - nothing. Of a list C is that it is given at all.
 */
const purposes = ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL', 'IMPROVEMENT'] as const;
const table = `
  Customer.id                C C C C P
  Customer.firstName         C A C C -
  Customer.lastName          C A C C -
  Customer.email             C A C C P
  Customer.phone             C A C C P
  Customer.socialHandle      C A C C P
  Customer.ipAddress         C C G C G
  Customer.gender            C - C C -
  Customer.postalAddress     C C C C C
  Customer.residency         C C C C C
  Customer.externalId        C C C C P
  Customer.createdAt         C C C C G
  Customer.source            C C C C -
  Customer.objections        C C C C -
  Customer.lastAutomatedDecisionAt C C C C G
  Customer.automatedDecisions C - C C -
  Customer.orders            C - C C C
  Customer.conversations     C - C C -
  Customer.attributes        C - C C -
  PostalAddress.street       C - C C -
  PostalAddress.city         C - C C -
  PostalAddress.region       C - C C -
  PostalAddress.postalCode   C - C C G
  PostalAddress.country      C C C C C
  Order.items                C - C C C
  Order.id                   C P C C P
  Order.placedAt             C - C C G
  Order.currency             C - C C C
  Order.total                C - C C B
  Order.status               C - C C C
  OrderItem.name             C - C C -
  OrderItem.quantity         C - C C C
  OrderItem.unitPrice        C - C C B
  Conversation.messages      C - C C -
  Conversation.id            C P C C P
  Conversation.channel       C - C C -
  Conversation.subject       C - C C -
  Message.id                 C P C C P
  Message.sentAt             C - C C -
  Message.direction          C - C C -
  Message.body               C - C C -
  Customer.healthRecords     C - C C -
  HealthRecord.id            C P C C P
  HealthRecord.recordedAt    C - C C -
  HealthRecord.kind          C - C C -
  HealthRecord.note          C - C C -
  AutomatedDecision.id       C P C C P
  AutomatedDecision.madeAt   C - C C -
  AutomatedDecision.subject  C - C C -
  AutomatedDecision.logic    C - C C -
  CustomAttribute.key        C - C C -
  CustomAttribute.value      C - C C -
  ClientUser.id              C C C C P
  ClientUser.name            C C C C -
  ClientUser.email           C C C C P
`;
const expected = table
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/) as [string, ...string[]]);

const document = `{
  client { users { nodes { id name email } } }
  customers { nodes {
    id firstName lastName email phone socialHandle ipAddress gender residency externalId createdAt source
    postalAddress { street city region postalCode country }
    orders { nodes { id placedAt currency total status items { name quantity unitPrice } } }
    conversations { nodes { id channel subject messages { nodes { id sentAt direction body } } } }
    healthRecords { nodes { id recordedAt kind note } }
    attributes { key value }
    objections lastAutomatedDecisionAt automatedDecisions { nodes { id madeAt subject logic } }
  } }
}`;
const methods: Readonly<Record<string, string>> = {
  PSEUDONYM: 'P',
  PARTIAL: 'A',
  GENERALIZE: 'G',
  BUCKET: 'B',
  SUPPRESS: 'S',
};

describe.each(databases)('what a purpose gets on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const outcomes = (purpose: ProcessingPurpose, agreements: readonly string[] = ['HEALTH']) => {
    const access = { principal: 'x', purpose, grantedPurposes: purposes, agreements };
    const explained = app.contracts.api.explain({ document, access });
    return new Map(explained.map((line) => [line.coordinate, line]));
  };
  const symbolOf = ({ outcome, method }: { outcome: string; method: string | null }) =>
    outcome === 'CLEAR' ? 'C' : outcome === 'WITHHELD' ? '-' : (methods[method ?? ''] ?? '?');

  test('every governed field of a person is in the table', () => {
    const governed = app.contracts.api.coordinates
      .filter(({ coordinate }) =>
        /^(Customer|PostalAddress|Order|OrderItem|Conversation|Message|HealthRecord|CustomAttribute|AutomatedDecision|ClientUser)\./.test(
          coordinate,
        ),
      )
      .map(({ coordinate }) => coordinate);
    expect(governed.sort()).toEqual(expected.map(([coordinate]) => coordinate).sort());
  });

  test.each(purposes.map((purpose, column) => ({ purpose, column })))('$purpose', ({ purpose, column }) => {
    const explained = outcomes(purpose);
    const given = expected.map(([coordinate]) => {
      const line = explained.get(coordinate);
      return [coordinate, line ? symbolOf(line) : 'absent'];
    });
    expect(given).toEqual(expected.map(([coordinate, ...row]) => [coordinate, row[column]]));
  });

  test('health data is given to no purpose without an agreement', () => {
    for (const purpose of purposes) {
      for (const agreements of [[], ['DPA', 'MASTER']]) {
        const explained = outcomes(purpose, agreements);
        for (const field of [
          'Customer.healthRecords',
          'HealthRecord.note',
          'HealthRecord.kind',
          'HealthRecord.recordedAt',
        ]) {
          expect(explained.get(field)?.outcome).toBe('WITHHELD');
        }
      }
    }
    expect(outcomes('SUPPORT', []).get('HealthRecord.note')?.code).toBe('AGREEMENT_REQUIRED');
  });
});
