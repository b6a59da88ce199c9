import { type DocumentNode, type GraphQLError, parse, type Source } from 'graphql';
import { type AccessOf, accessFinder } from './access';
import type { Governed, GovernedResult, GovernedStream } from './governed';

/** What Envelop passes to an execution; only what is used here. */
interface ExecutionArguments {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
}

/** Structurally a plugin of GraphQL Yoga 5 and of Envelop 5. */
export interface GovernedPlugin {
  onParse(event: { setParseFn(parse: (source: string | Source, options?: object) => DocumentNode): void }): void;
  onValidate(event: {
    readonly params: { readonly documentAST: DocumentNode };
    setResult(errors: readonly GraphQLError[]): void;
  }): void;
  onExecute(event: { setExecuteFn(execute: (args: ExecutionArguments) => Promise<GovernedResult>): void }): void;
  onSubscribe(event: {
    setSubscribeFn(subscribe: (args: ExecutionArguments) => Promise<GovernedStream | GovernedResult>): void;
  }): void;
}

/** Makes an Envelop pipeline parse within the limits, and validate and execute by the governed schema. */
export function envelopPlugin(
  governed: Pick<Governed, 'execute' | 'subscribe' | 'validate'>,
  maxTokens: number,
  accessOf: AccessOf | undefined,
): GovernedPlugin {
  const find = accessFinder(accessOf);
  return {
    onParse: ({ setParseFn }) => setParseFn((source, options) => parse(source, { ...options, maxTokens })),
    onValidate: ({ params, setResult }) => setResult(governed.validate(params.documentAST)),
    onExecute: ({ setExecuteFn }) =>
      setExecuteFn((args) => governed.execute({ ...operationOf(args), access: find(args.contextValue) })),
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn((args) => governed.subscribe({ ...operationOf(args), access: () => find(args.contextValue) })),
  };
}

const operationOf = ({ document, operationName, variableValues, contextValue, rootValue }: ExecutionArguments) => ({
  document,
  operationName,
  variableValues,
  contextValue,
  rootValue,
});
