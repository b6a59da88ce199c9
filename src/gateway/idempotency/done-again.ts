import { GraphQLError, type GraphQLObjectType, type GraphQLSchema, getNamedType } from 'graphql';
import type { Connection } from '../../api/paging';
import type { MutationField } from '../../identity/request-context';
import { WriteFailedError } from '../../identity/told-outcome';
import { restoredReport } from './kept-report';
import type { DoneField } from './key-place';

/**
 * How something is read again: by its id, as one of a list or of pages, as the only one that a query gives, or with the
 * whole list that it is in.
 */
interface Reading {
  readonly query: string;
  readonly by: 'id' | 'list' | 'page' | 'itself' | 'whole';
  /** A field of what the query gives. */
  readonly field?: string;
  /** For callers to whom the query gives nothing. */
  readonly orElse?: Reading;
}

/** Types of the API, and the query that gives them to whoever may read them today. */
const readings: Readonly<Record<string, Reading>> = {
  Agreement: { query: 'client', by: 'list', field: 'agreements' },
  Client: { query: 'clients', by: 'page', orElse: { query: 'client', by: 'itself' } },
  ClientExport: { query: 'clientExport', by: 'id' },
  ClientInstruction: { query: 'clientInstructions', by: 'list' },
  Customer: { query: 'customer', by: 'id' },
  Disclosure: { query: 'disclosures', by: 'page' },
  ErasureRequest: { query: 'erasureRequest', by: 'id' },
  Installation: { query: 'installations', by: 'list' },
  LegalBasisSuspension: { query: 'legalBasisSuspensions', by: 'list' },
  LegalHold: { query: 'legalHolds', by: 'list' },
  Proposal: { query: 'proposals', by: 'list' },
  PurposeGrant: { query: 'purposeGrants', by: 'list' },
  RetentionRule: { query: 'retention', by: 'whole' },
  SubProcessor: { query: 'subProcessors', by: 'list' },
  ThirdPartyApplication: { query: 'thirdPartyApplications', by: 'list' },
  TransferApproval: { query: 'transferApproval', by: 'id' },
};

/** Reports, of which the numbers are kept: they cannot be read anywhere. */
const reports: ReadonlySet<string> = new Set(['ErasuresPayload']);

/** Pages are read to this number: what is on a later one is not looked for. */
const [PAGE, MOST_PAGES] = [100, 10];

type Args = Readonly<Record<string, unknown>>;
type Resolve = (args: Args, field: MutationField, parent?: unknown) => Promise<unknown>;
type Identified = { readonly id?: unknown };

/**
 * Answers a mutation's field again that was done before. No answer is kept: what the field made or changed is read by
 * the API's own queries, so today's rights decide, and what was erased or withdrawn since is not there.
 */
export class DoneAgain {
  readonly #resolvers: ReadonlyMap<string, Resolve>;

  /** @param api the whole API, before it is governed */
  constructor(api: GraphQLSchema) {
    const fieldOf = (type: string, name: string) => (api.getType(type) as GraphQLObjectType).getFields()[name];
    const names = Object.values(readings).flatMap(({ query, field }) => {
      const of = fieldOf('Query', query);
      return field === undefined || !of
        ? [['Query', query] as const]
        : [['Query', query] as const, [getNamedType(of.type).name, field] as const];
    });
    this.#resolvers = new Map(
      names.map(([type, name]) => {
        const resolve = fieldOf(type, name)?.resolve;
        if (!resolve) throw new Error(`the API has no resolver of ${type}.${name}`);
        return [name, async (args, { context, info }, parent) => resolve(parent, { ...args }, context, info)];
      }),
    );
  }

  /** Whether what a field returns is kept, because it is a report. */
  isReport({ info }: MutationField): boolean {
    return reports.has(getNamedType(info.returnType).name);
  }

  /** @throws {GraphQLError} ALREADY_DONE where the caller cannot read it any more, or never could twice */
  async answer(field: MutationField, done: DoneField): Promise<Record<string, unknown>> {
    // What is done in part is told as the first time: as a failure.
    if (done.state === 'PARTLY') throw alreadyDone(done);
    const found = await this.#read(field, done).catch((error: unknown) => {
      if (error instanceof GraphQLError) return undefined;
      throw new WriteFailedError(done.state, error);
    });
    if (found) return found;
    throw alreadyDone(done);
  }

  async #read(field: MutationField, done: DoneField): Promise<Record<string, unknown> | undefined> {
    if (this.isReport(field)) return done.report && restoredReport(done.report);
    const payload = getNamedType(field.info.returnType) as GraphQLObjectType;
    const found: Array<readonly [name: string, value: unknown]> = [];
    for (const { name, type } of Object.values(payload.getFields())) {
      const named = getNamedType(type).name;
      const reading = readings[named];
      // What cannot be read again would be missing from an answer that looks whole.
      if (!reading) return undefined;
      found.push([name, await this.#one(reading, field, named === 'Customer' ? done.people : done.things)]);
    }
    return found.some(([, value]) => value !== null) ? Object.fromEntries(found) : undefined;
  }

  async #one(reading: Reading, field: MutationField, ids: readonly string[]): Promise<unknown> {
    const found = await this.#by(reading, field, ids).catch((error: unknown) => {
      if (error instanceof GraphQLError) return null;
      throw error;
    });
    return found ?? (reading.orElse ? this.#one(reading.orElse, field, ids) : null);
  }

  async #by({ query, by, field: within }: Reading, field: MutationField, ids: readonly string[]): Promise<unknown> {
    const ask = async (args: Args) => {
      const given = await this.#resolve(query)(args, field);
      return within === undefined || !given ? given : this.#resolve(within)({}, field, given);
    };
    const named = (rows: unknown) =>
      ((rows ?? []) as ReadonlyArray<Identified | null>).find((row) => ids.includes(String(row?.id))) ?? null;
    if (by === 'whole') return ask({});
    if (by === 'itself') return named([await ask({})]);
    if (by === 'list') return named(await ask({}));
    if (by === 'page') return this.#paged(ask, named);
    for (const id of ids) {
      const found = await ask({ id });
      if (found) return found;
    }
    return null;
  }

  async #paged(ask: (args: Args) => Promise<unknown>, named: (rows: unknown) => unknown): Promise<unknown> {
    let after: string | null = null;
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const { nodes, pageInfo } = (await ask({ first: PAGE, after })) as Connection<Identified>;
      const found = named(nodes);
      if (found || !pageInfo.hasNextPage) return found;
      after = pageInfo.endCursor;
    }
    return null;
  }

  #resolve(name: string): Resolve {
    const known = this.#resolvers.get(name);
    if (!known) throw new Error(`nothing reads ${name}`);
    return known;
  }
}

/** The ids of people are told by fields that are governed, and nowhere else. */
const alreadyDone = ({ state, things }: DoneField) =>
  new GraphQLError(
    state === 'DONE'
      ? 'It was done under this idempotency key, and its answer cannot be given again: read what it made.'
      : 'It was done in part under this idempotency key: look before you send it under another.',
    { extensions: { code: 'ALREADY_DONE', write: state, ids: things } },
  );
