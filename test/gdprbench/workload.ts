import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import type { Answer, AuditedServer } from '../audit/audited-server';
import type { Asker } from '../support/app';

/*
 * GDPRbench (Shastri et al., "Understanding and benchmarking the impact of GDPR on database systems", PVLDB 13(7),
 * 2020) measures what the regulation's four roles ask of a database. Here each query is an operation of the API with a
 * purpose, sent by that role. The shares of each mix are those of the paper's core workloads.
 */

/** One query of the benchmark. */
export interface Query {
  /** As the paper names it. */
  readonly name: string;
  /** Of a hundred operations of its role. */
  readonly share: number;
  /** Asks, and checks what was answered. @throws where the answer is not what the regulation asks for */
  readonly run: (bench: Bench) => Promise<void>;
}

export interface Mix {
  readonly role: 'controller' | 'customer' | 'processor' | 'regulator';
  readonly queries: readonly Query[];
}

/** A person as the benchmark knows them. */
export interface Subject {
  readonly id: string;
  readonly email: string;
}

/** The installation under test, and what the benchmark has done to it. */
export interface Bench {
  readonly server: AuditedServer;
  readonly client: string;
  /** A client that has ended every purpose but IMPROVEMENT. */
  readonly endedClient: string;
  /** A new person of that client. @returns the id */
  ofEndedClient(): Promise<string>;
  /** Somebody with whom nothing has happened for two years. @returns the id */
  outlived(): Promise<string>;
  /** Chooses a living person; popular ones often. */
  pick(): Subject;
  /** Someone who was erased, with the request; undefined where nobody was. */
  erased(): { readonly subject: Subject; readonly request: string } | undefined;
  add(subject: Subject): void;
  gone(subject: Subject, request: string): void;
  /** Carries out what was asked for. */
  settle(): Promise<void>;
  /** A number that no other operation has. */
  next(): number;
}

/** The application that the client shares data with. */
export const sharedWith = 'parcel-app';

const askers = {
  app: { role: 'CLIENT_APP' },
  admin: { role: 'CLIENT_ADMIN' },
  officer: { role: 'CLIENT_PRIVACY_OFFICER' },
  agent: { role: 'CLIENT_AGENT' },
  auditor: { role: 'AUDITOR' },
} as const satisfies Record<string, Asker>;

/** Whoever objects is withheld: that is an answer. @throws where the answer has other errors, or lacks data */
async function ask<T>(
  { server, client }: Bench,
  who: keyof typeof askers,
  purpose: ProcessingPurpose | undefined,
  query: string,
  variables: object = {},
): Promise<T> {
  const answer: Answer = await server.post({ ...askers[who], client, country: 'DE' }, purpose, query, variables);
  const { data, errors: all = [] } = answer.body;
  const errors = all.filter(({ extensions: { code } }) => code !== 'PROCESSING_RESTRICTED');
  if (errors.length > 0 || !data) throw new Error(`${query}\n${JSON.stringify(errors)}`);
  return data as unknown as T;
}

function require(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}

const createRecord = async (bench: Bench): Promise<void> => {
  const number = bench.next();
  const email = `person-${number}@example.org`;
  const input = {
    firstName: `First ${number}`,
    email,
    residency: 'DE',
    externalId: `B-${number}`,
    source: 'gdprbench',
    attributes: [{ key: 'plan', value: 'basic' }],
  };
  const { createCustomer } = await ask<{ createCustomer: { customer: { id: string } } }>(
    bench,
    'app',
    'SERVICE_DELIVERY',
    'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }',
    { input },
  );
  bench.add({ id: createCustomer.customer.id, email });
};

/** Files an erasure, has it carried out, and finds nobody. */
async function erase(bench: Bench, subject: Subject): Promise<void> {
  const { requestErasure } = await ask<{ requestErasure: { request: { id: string } } }>(
    bench,
    'admin',
    'LEGAL',
    `mutation ($id: ID!) {
      requestErasure(input: { customerId: $id, grounds: CONSENT_WITHDRAWN }) { request { id } }
    }`,
    { id: subject.id },
  );
  await bench.settle();
  bench.gone(subject, requestErasure.request.id);
  const { customer } = await ask<{ customer: unknown }>(
    bench,
    'officer',
    'LEGAL',
    'query ($id: ID!) { customer(id: $id) { id } }',
    { id: subject.id },
  );
  require(customer === null, 'an erased person is not found');
}

const personFields = 'id firstName email residency source attributes { key value }';

const readPerson = async (bench: Bench, who: 'app' | 'agent', purpose: ProcessingPurpose): Promise<void> => {
  const { id, email } = bench.pick();
  const { customer } = await ask<{ customer: { id: string; email: string } }>(
    bench,
    who,
    purpose,
    `query ($id: ID!) { customer(id: $id) { ${personFields} } }`,
    { id },
  );
  require(customer.email === email, 'a person is read by the id');
};

const metadataFields = 'id source createdAt residency objections lastAutomatedDecisionAt';

const readMetadata = async (bench: Bench, who: 'admin' | 'officer'): Promise<void> => {
  const { id } = bench.pick();
  const { customer } = await ask<{ customer: { id: string; source: string; objections: string[] } }>(
    bench,
    who,
    'LEGAL',
    `query ($id: ID!) {
      customer(id: $id) { ${metadataFields} automatedDecisions(first: 5) { nodes { subject logic madeAt } } }
      erasureRequests(first: 1) { nodes { id } }
      retention { category days }
    }`,
    { id },
  );
  require(customer.id === id && Array.isArray(customer.objections), "a person's metadata is read");
};

export const mixes: readonly Mix[] = [
  {
    role: 'controller',
    queries: [
      { name: 'create-record', share: 25, run: createRecord },
      {
        name: 'delete-record-by-usr',
        share: 9,
        run: (bench) => erase(bench, bench.pick()),
      },
      {
        name: 'delete-record-by-pur',
        share: 8,
        run: async (bench) => {
          // At a client that has ended all purposes but IMPROVEMENT: what only the ended ones read goes.
          const id = await bench.ofEndedClient();
          const asked = { ...bench, client: bench.endedClient };
          const { requestErasures } = await ask<{ requestErasures: { requested: number } }>(
            asked,
            'admin',
            'LEGAL',
            'mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) { requested } }',
            { input: { customerIds: [id], endedPurpose: 'SERVICE_DELIVERY', grounds: 'NO_LONGER_NECESSARY' } },
          );
          require(requestErasures.requested === 1, 'what an ended purpose leaves behind is erased');
          await bench.settle();
          const { customer } = await ask<{ customer: { firstName: string | null; residency: string } }>(
            asked,
            'officer',
            'LEGAL',
            'query ($id: ID!) { customer(id: $id) { firstName residency } }',
            { id },
          );
          require(customer.firstName === null && customer.residency === 'DE', 'only that is erased');
        },
      },
      {
        name: 'delete-record-by-ttl',
        share: 8,
        run: async (bench) => {
          const id = await bench.outlived();
          await ask(
            bench,
            'officer',
            'LEGAL',
            'mutation { setRetention(input: { days: 365 }) { retention { days } } }',
          );
          const filed = await bench.server.app.services.erasure.retention.sweep();
          require(filed === 1, 'whoever outlived the term, and nobody else, is erased');
          await bench.settle();
          const query = 'query ($id: ID!) { customer(id: $id) { id } }';
          const { customer } = await ask<{ customer: unknown }>(bench, 'officer', 'LEGAL', query, { id });
          require(customer === null, 'whoever outlived the term is not found');
        },
      },
      {
        name: 'update-metadata-by-pur',
        share: 17,
        run: async (bench) => {
          const { grantPurpose } = await ask<{ grantPurpose: { grant: { id: string } } }>(
            bench,
            'officer',
            'LEGAL',
            `mutation ($input: GrantPurposeInput!) { grantPurpose(input: $input) { grant { id } } }`,
            {
              input: {
                granteeKind: 'PRINCIPAL',
                grantee: `reader-${bench.next()}`,
                purpose: 'SUPPORT',
                categories: ['NAME'],
                reason: 'a group of data is read by one more',
              },
            },
          );
          await ask(
            bench,
            'officer',
            'LEGAL',
            'mutation ($id: ID!) { withdrawPurpose(input: { id: $id, reason: "done" }) { grant { withdrawnAt } } }',
            { id: grantPurpose.grant.id },
          );
        },
      },
      {
        name: 'update-metadata-by-usr',
        share: 17,
        run: async (bench) => {
          const { id } = bench.pick();
          const changed = await ask<{ objectToProcessing: { customer: { objections: string[] } } }>(
            bench,
            'officer',
            'LEGAL',
            `mutation ($id: ID!) {
              objectToProcessing(input: { customerId: $id, purposes: [IMPROVEMENT] }) { customer { objections } }
            }`,
            { id },
          );
          require(changed.objectToProcessing.customer.objections.includes('IMPROVEMENT'), 'an objection is on record');
        },
      },
      {
        name: 'update-metadata-by-shr',
        share: 16,
        run: async (bench) => {
          const purposes = bench.next() % 2 === 0 ? ['SERVICE_DELIVERY'] : ['SERVICE_DELIVERY', 'SUPPORT'];
          const input = { applicationId: sharedWith, acceptedNoticeVersion: '1', purposes, categories: ['NAME'] };
          const { installThirdPartyApplication } = await ask<{
            installThirdPartyApplication: { installation: { inForce: boolean } };
          }>(
            bench,
            'admin',
            'LEGAL',
            `mutation ($input: InstallThirdPartyApplicationInput!) {
              installThirdPartyApplication(input: $input) { installation { inForce } }
            }`,
            { input },
          );
          require(installThirdPartyApplication.installation
            .inForce, 'whom data is shared with, and for what, is changed');
        },
      },
    ],
  },
  {
    role: 'customer',
    queries: [
      { name: 'read-data-by-usr', share: 20, run: (bench) => readPerson(bench, 'app', 'SERVICE_DELIVERY') },
      { name: 'read-metadata-by-key', share: 20, run: (bench) => readMetadata(bench, 'admin') },
      {
        name: 'update-data-by-key',
        share: 20,
        run: async (bench) => {
          const { id } = bench.pick();
          const firstName = `Changed ${bench.next()}`;
          const { updateCustomer } = await ask<{ updateCustomer: { customer: { firstName: string } } }>(
            bench,
            'app',
            'SERVICE_DELIVERY',
            `mutation ($id: ID!, $firstName: String!) {
              updateCustomer(input: { customerId: $id, firstName: $firstName }) { customer { firstName } }
            }`,
            { id, firstName },
          );
          require(updateCustomer.customer.firstName === firstName, 'a correction is read back');
        },
      },
      {
        name: 'update-metadata-by-key',
        share: 20,
        run: async (bench) => {
          const { id } = bench.pick();
          const input = { customerId: id, purposes: ['IMPROVEMENT'] };
          const withdrawn = await ask<{ withdrawObjection: { customer: { objections: string[] } } }>(
            bench,
            'officer',
            'LEGAL',
            `mutation ($input: WithdrawObjectionInput!) {
              withdrawObjection(input: $input) { customer { objections } }
            }`,
            { input },
          );
          require(!withdrawn.withdrawObjection.customer.objections.includes(
            'IMPROVEMENT',
          ), 'an objection is withdrawn');
        },
      },
      {
        name: 'delete-record-by-key',
        share: 20,
        run: async (bench) => {
          const { id } = bench.pick();
          await ask(
            bench,
            'admin',
            'LEGAL',
            `mutation ($id: ID!) {
              requestErasure(
                input: { customerId: $id, categories: [BEHAVIOUR], grounds: CONSENT_WITHDRAWN }
              ) { request { id } }
            }`,
            { id },
          );
          await bench.settle();
          const { customer } = await ask<{ customer: { firstName: string; attributes: unknown[] } }>(
            bench,
            'app',
            'SERVICE_DELIVERY',
            'query ($id: ID!) { customer(id: $id) { firstName attributes { key } } }',
            { id },
          );
          require(customer.attributes.length === 0 && Boolean(customer.firstName), 'one category of a person is gone');
        },
      },
    ],
  },
  {
    role: 'processor',
    queries: [
      { name: 'read-data-by-key', share: 80, run: (bench) => readPerson(bench, 'agent', 'SUPPORT') },
      {
        name: 'read-data-by-pur',
        share: 7,
        run: async (bench) => {
          const { customers } = await ask<{ customers: { nodes: Array<{ id: string }> } }>(
            bench,
            'agent',
            'IMPROVEMENT',
            '{ customers(first: 20) { nodes { id residency } } }',
          );
          const pseudonyms = customers.nodes.every(({ id }) => id.startsWith('p_'));
          require(pseudonyms, 'for IMPROVEMENT people are read by pseudonym');
        },
      },
      {
        name: 'read-data-by-obj',
        share: 7,
        run: async (bench) => {
          const query = '{ customers(first: 20, filter: { objectsTo: IMPROVEMENT }) { nodes { id objections } } }';
          const { customers } = await ask<{ customers: { nodes: Array<{ objections: string[] }> } }>(
            bench,
            'agent',
            'SUPPORT',
            query,
          );
          const all = customers.nodes.every(({ objections }) => objections.includes('IMPROVEMENT'));
          require(all, 'records are found by objection');
        },
      },
      {
        name: 'read-data-by-dec',
        share: 6,
        run: async (bench) => {
          const { id } = bench.pick();
          const input = { customerId: id, subject: 'credit limit', logic: 'orders of the last year, in three steps' };
          await ask(
            bench,
            'agent',
            'SUPPORT',
            `mutation ($input: RecordAutomatedDecisionInput!) {
              recordAutomatedDecision(input: $input) { customer { id } }
            }`,
            { input },
          );
          const { customers } = await ask<{ customers: { nodes: Array<{ lastAutomatedDecisionAt: string }> } }>(
            bench,
            'agent',
            'SUPPORT',
            `{
              customers(first: 20, filter: { decidedAutomatically: true }) { nodes { id lastAutomatedDecisionAt } }
            }`,
          );
          const dated = customers.nodes.every(({ lastAutomatedDecisionAt }) => lastAutomatedDecisionAt !== null);
          require(customers.nodes.length > 0 && dated, 'records are found by automated decision');
        },
      },
    ],
  },
  {
    role: 'regulator',
    queries: [
      { name: 'read-metadata-by-usr', share: 46, run: (bench) => readMetadata(bench, 'officer') },
      {
        name: 'get-system-logs',
        share: 31,
        run: async (bench) => {
          const { auditEntries } = await ask<{ auditEntries: { nodes: unknown[] } }>(
            bench,
            'auditor',
            undefined,
            '{ auditEntries(first: 50) { nodes { id time kind purpose coordinates { coordinate outcome } } } }',
          );
          require(auditEntries.nodes.length > 0, 'accesses are on the ledger');
        },
      },
      {
        name: 'verify-deletion',
        share: 23,
        run: async (bench) => {
          const erased = bench.erased();
          if (!erased) return erase(bench, bench.pick());
          const { erasureRequest, customerLookup } = await ask<{
            erasureRequest: { status: string; certificate: string | null };
            customerLookup: unknown;
          }>(
            bench,
            'officer',
            'LEGAL',
            `query ($id: ID!, $email: String!) {
              erasureRequest(id: $id) { status certificate }
              customerLookup(by: { email: $email }) { id }
            }`,
            { id: erased.request, email: erased.subject.email },
          );
          require(erasureRequest.status === 'COMPLETED' && erasureRequest.certificate !== null, 'erasure is certified');
          require(customerLookup === null, 'whoever was erased is not found');
        },
      },
    ],
  },
];
