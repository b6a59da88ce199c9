import { type DocumentNode, GraphQLError, type GraphQLSchema, parse } from 'graphql';
import type { Access } from './access';
import { apolloGateway, type GovernedGateway } from './apollo-gateway';
import { defaultLengths } from './cost';
import { Decided } from './decided-operation';
import { Documents } from './documents';
import { envelopPlugin, type GovernedPlugin } from './envelop-plugin';
import { ExecutableDocument } from './executable-document';
import type { Explanation } from './explain';
import { Failures } from './failures';
import type {
  ExecuteArguments,
  Governed,
  GovernedResult,
  GovernedStream,
  GovernOptions,
  SubscribeArguments,
} from './governed';
import { type GovernedCoordinate, publicCoordinates } from './governed-coordinate';
import { guardSchema } from './guards';
import { defaultLimits } from './limits';
import { isRefusal, mappedEvents } from './mapped-events';
import { operationTitle } from './operation-title';
import { Planned, type Planning } from './planned-operation';
import { readSchemaPolicy } from './schema-policy';

/** A schema under its policy. An operation is planned once, then decided and executed for each request. */
export class GovernedSchema implements Governed {
  readonly gateway: GovernedGateway;
  readonly envelop: GovernedPlugin;
  readonly coordinates: readonly GovernedCoordinate[];
  readonly policyVersion: string;
  readonly #planning: Planning;
  readonly #documents: Documents;
  readonly #planned = new WeakMap<ExecutableDocument, Map<string, Planned>>();

  /** @throws {SchemaPolicyError} if the directives are not sound, with every fault and its remedy */
  constructor(schema: GraphQLSchema, options: GovernOptions) {
    const policy = readSchemaPolicy(schema, options);
    guardSchema(policy, options.plainSources ?? false);
    const limits = { ...defaultLimits, ...options.limits };
    const failures = new Failures(options);
    this.#planning = { policy, options, failures, limits, lengths: defaultLengths(schema) };
    this.#documents = new Documents(schema, limits);
    this.gateway = apolloGateway(schema, this.execute, options.accessOf);
    this.envelop = envelopPlugin(this, limits.tokens, options.accessOf);
    this.coordinates = publicCoordinates(policy);
    this.policyVersion = policy.version;
  }

  // An arrow function, so that it may be passed on alone. No step throws, so none is awaited.
  readonly execute = (args: ExecuteArguments): Promise<GovernedResult> => {
    const planned = this.plan(args.document, args.operationName, args.access);
    const decided = planned instanceof Planned ? planned.decide(args) : planned;
    return decided instanceof Decided ? decided.execute(args) : Promise.resolve(decided);
  };

  readonly subscribe = async (args: SubscribeArguments): Promise<GovernedStream | GovernedResult> => {
    try {
      return await this.#open(args);
    } catch (error) {
      return this.#planning.failures.answer(error);
    }
  };

  plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): Planned | GovernedResult {
    return this.#planning.failures.attempt(() => {
      const checked = this.#documents.check(source, access.principal !== undefined);
      if ('errors' in checked) return { errors: checked.errors };
      const byName = this.#planned.get(checked.document) ?? new Map<string, Planned>();
      this.#planned.set(checked.document, byName);
      const known = byName.get(operationName ?? '');
      if (known) return known;
      const planned = new Planned(this.#planning, checked.document, operationName);
      byName.set(operationName ?? '', planned);
      return planned;
    });
  }

  validate(document: DocumentNode): readonly GraphQLError[] {
    const checked = this.#documents.check(document, false);
    return 'errors' in checked ? checked.errors : [];
  }

  knows(source: string): boolean {
    return this.#documents.knows(source);
  }

  titleOf(source: string | DocumentNode, operationName: string | null | undefined): string | undefined {
    const { limits, policy } = this.#planning;
    try {
      const node = typeof source === 'string' ? parse(source, { maxTokens: limits.tokens, noLocation: true }) : source;
      return operationTitle(policy.schema, new ExecutableDocument(node), operationName);
    } catch {
      return undefined;
    }
  }

  explain(args: Pick<ExecuteArguments, 'document' | 'operationName' | 'access'>): Explanation[] {
    const planned = this.plan(args.document, args.operationName, args.access);
    if (planned instanceof Planned) return planned.explain(args.access);
    throw planned.errors?.[0] ?? new GraphQLError('The document cannot be planned.');
  }

  async #open(args: SubscribeArguments): Promise<GovernedStream | GovernedResult> {
    const { failures } = this.#planning;
    const { variableValues, rootValue } = args;
    const access = await args.access();
    const contextOf = args.contextOf ?? (() => args.contextValue);
    const contextValue = contextOf();
    const planned = this.plan(args.document, args.operationName, access);
    if (!(planned instanceof Planned)) return planned;
    const decided = planned.decide({ variableValues, access });
    if (!(decided instanceof Decided)) return decided;
    if (planned.kind !== 'subscription') return decided.execute({ contextValue, rootValue });
    const events = await decided.events(contextValue, rootValue);
    if (!(Symbol.asyncIterator in events)) return events;
    const answer = async (event: unknown): Promise<GovernedResult> => {
      try {
        const anew = planned.decide({ variableValues, access: await args.access() });
        if (!(anew instanceof Decided)) return anew;
        return await anew.execute({ rootValue: event, contextValue: contextOf() });
      } catch (error) {
        return failures.answer(error);
      }
    };
    const answered = async (event: unknown) => {
      const result = await answer(event);
      return { result, last: isRefusal(result) };
    };
    return mappedEvents(events, answered, (error) => failures.answer(error));
  }
}
