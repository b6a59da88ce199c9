import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { governContracts } from '../../../src/app';
import type { GovernedResult } from '../../../src/governance/govern';
import { ENTRY_DECLARATION, type EntryDeclaration } from '../../../src/identity/entry-declarations';
import { inTransaction } from '../../../src/storage/transaction';
import type { Asker, TestApp } from '../../support/app';
import { nameOf } from './acts';

const beside = { slug: 'globex', name: 'Globex', country: 'DE' };

/** An installation with a client `acme`, and what acts need to be made ready. */
export class World {
  readonly app: TestApp;
  readonly #mutations: GraphQLObjectType;
  readonly #acme: string;
  #number = 0;
  #latest = '';

  private constructor(app: TestApp, mutations: GraphQLObjectType, acme: string) {
    this.app = app;
    this.#mutations = mutations;
    this.#acme = acme;
  }

  static async open(app: TestApp): Promise<World> {
    const { id } = await app.services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test');
    const actor = { client: id, principal: 'test' };
    for (const purpose of ['LEGAL', 'SUPPORT'] as const)
      await app.services.records.instruct(actor, { purpose, reason: 'for the sweep' });
    await World.#readFromAfar(app, [id, (await app.services.clients.register(beside, 'test')).id]);
    const { schemas } = governContracts(app.services, app.stores.keys, Buffer.alloc(32, 7), () => undefined);
    return new World(app, schemas.api.getMutationType() as GraphQLObjectType, id);
  }

  /** Clients whose people are read in the United States, under a legal basis that can be suspended. */
  static async #readFromAfar({ services }: TestApp, clients: readonly string[]): Promise<void> {
    const { customers, parties } = services;
    for (const client of clients) await customers.create(client, { firstName: 'Ada', residency: 'DE' }, 'test');
    const certifications = [{ framework: 'EU_US_DPF' as const, from: new Date(Date.UTC(2024, 0)) }];
    await parties.registerSubProcessor({
      ...{ slug: 'cloud', name: 'Cloud Inc.', service: 'hosting', country: 'US' },
      ...{ purposes: ['SUPPORT'], categories: ['NAME', 'CONTACT'], certifications },
    });
  }

  get mutations(): string[] {
    return Object.keys(this.#mutations.getFields());
  }

  /** The kinds of entries of which a mutation leaves one. */
  entriesOf(mutation: string): readonly string[] {
    return (this.#field(mutation).extensions[ENTRY_DECLARATION] as EntryDeclaration).entries;
  }

  readonly next = (): string => String(++this.#number);

  /** The slug of the client that was registered last. */
  readonly latest = (): string => this.#latest;

  /** A new person of acme. */
  async person(): Promise<string> {
    const fields = { firstName: 'Ada', residency: 'DE', externalId: `person-${this.next()}` };
    return this.app.services.customers.create(this.#acme, fields, 'test');
  }

  /** A new client. */
  async client(): Promise<string> {
    this.#latest = `made-${this.next()}`;
    return (await this.app.services.clients.register({ slug: this.#latest, name: 'Made', country: 'DE' }, 'test')).id;
  }

  /** Ends the suspensions of a legal basis. */
  async freeBasis(basis: string): Promise<string> {
    const sql = 'SELECT id FROM legal_basis_suspension WHERE basis = ? AND reinstated_from IS NULL';
    const open = await this.app.stores.regions.home.query<Array<{ id: string }>>(sql, [basis]);
    const dpo: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform' };
    for (const { id } of open) await this.send(dpo, 'reinstateLegalBasis', { id, reason: 'made ready' });
    return basis;
  }

  /** What the exporter comes to. */
  async setReady(client: string): Promise<void> {
    const source = await this.app.stores.regions.of(client);
    const sql = "UPDATE client_export SET status = 'READY' WHERE client_id = ? AND status = 'WAITING'";
    await inTransaction(source, (manager) => manager.query(sql, [client]));
  }

  async send(by: Asker, mutation: string, input: object, key?: string): Promise<GovernedResult> {
    const { args, type } = this.#field(mutation);
    const payload = getNamedType(type);
    const fields = isObjectType(payload) ? Object.values(payload.getFields()) : [];
    const withId = fields.filter((field) => {
      const named = getNamedType(field.type);
      return isObjectType(named) && named.getFields().id && field.type.toString().indexOf('[') < 0;
    });
    const selection = ['__typename', ...withId.map(({ name }) => `${name} { id }`)].join(' ');
    const document = `mutation ($input: ${args[0]?.type}) { ${nameOf(mutation)}(input: $input) { ${selection} } }`;
    return this.app.ask(by, 'LEGAL', document, { input }, key);
  }

  /** Lets the time pass in which a request that left nothing behind may still be under way. */
  async letLeasesLapse(): Promise<void> {
    const { home } = this.app.stores.regions;
    // In a transaction of the product's: a fault may have left the connection in one that is to be dropped.
    await inTransaction(home, (manager) => manager.query('UPDATE idempotency_key SET lease_until = 0'));
  }

  /** Does what must succeed. @returns the id of what was made */
  async make(by: Asker, mutation: string, input: object): Promise<string> {
    const result = await this.send(by, mutation, input);
    const payload = result.data?.[mutation] as Record<string, { id?: string } | null> | null | undefined;
    const id = Object.values(payload ?? {}).find((field) => field?.id !== undefined)?.id;
    if (result.errors || id === undefined) throw new Error(`${mutation}: ${JSON.stringify(result)}`);
    return id;
  }

  #field(mutation: string) {
    const field = this.#mutations.getFields()[nameOf(mutation)];
    if (!field) throw new Error(`there is no mutation ${mutation}`);
    return field;
  }
}
