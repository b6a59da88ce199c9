import {
  type ASTNode,
  type ASTVisitFn,
  type ASTVisitor,
  assertValidSchema,
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getEnterLeaveForKind,
  TypeInfo,
  ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql';
import { isNode, partOf, partsOf } from './nodes';

/**
 * graphql's `validate`, in a third of the time. For each document that one lists what every rule does at every kind of
 * node. Here the lists of a kind are made when the document first has it. Rules, context and errors are the same.
 */
export function validateDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  rules: readonly ValidationRule[],
  maxErrors: number,
): readonly GraphQLError[] {
  const isExecutable = document.definitions.every((definition) => 'selectionSet' in definition);
  // It is refused, and graphql knows the nodes of type systems too.
  if (!isExecutable) return validate(schema, document, rules, { maxErrors, hideSuggestions: true });
  assertValidSchema(schema);
  const errors: GraphQLError[] = [];
  const types = new TypeInfo(schema);
  const report = (error: GraphQLError) => {
    if (errors.length === maxErrors) throw tooManyErrors();
    errors.push(error);
  };
  const context = new ValidationContext(schema, document, types, report, true);
  try {
    new Walk(
      types,
      rules.map((rule) => rule(context)),
    ).at(document, undefined, undefined);
  } catch (error) {
    // Rules and `report` end a validation by throwing its last error.
    if (!(error instanceof GraphQLError)) throw error;
    errors.push(error);
  }
  return errors;
}

/** In graphql's words. */
const tooManyErrors = () => new GraphQLError('Too many validation errors, error limit reached. Validation aborted.');

type Part = ASTNode | readonly ASTNode[];

/** What one rule does when it enters or leaves a node of some kind. */
interface Step {
  readonly rule: number;
  readonly visitor: ASTVisitor;
  readonly run: ASTVisitFn<ASTNode>;
}

interface Steps {
  readonly entering: readonly Step[];
  readonly leaving: readonly Step[];
}

class Walk {
  readonly #types: TypeInfo;
  readonly #visitors: readonly ASTVisitor[];
  readonly #byKind = new Map<string, Steps>();
  /** By rule: the node below which it sees nothing, or BREAK for the rest of the document. */
  readonly #skipping: unknown[];
  readonly #ancestors: Part[] = [];
  #skips = 0;

  constructor(types: TypeInfo, visitors: readonly ASTVisitor[]) {
    this.#types = types;
    this.#visitors = visitors;
    this.#skipping = visitors.map(() => undefined);
  }

  at(node: ASTNode, key: string | number | undefined, parent: Part | undefined): void {
    const { entering, leaving } = this.#stepsOf(node.kind);
    this.#types.enter(node);
    this.#take(entering, node, key, parent);
    if (parent) this.#ancestors.push(parent);
    for (const name of partsOf(node)) {
      // By the specification a description never matters.
      if (name !== 'description') this.#below(node, name);
    }
    if (parent) this.#ancestors.pop();
    this.#take(leaving, node, key, parent);
    if (this.#skips > 0) this.#seeAgain(node);
    this.#types.leave(node);
  }

  #below(node: ASTNode, name: string): void {
    const part = partOf(node, name);
    if (part === undefined) return;
    if (isNode(part)) {
      this.at(part, name, node);
      return;
    }
    this.#ancestors.push(node);
    for (const [index, each] of part.entries()) this.at(each, index, part);
    this.#ancestors.pop();
  }

  #take(steps: readonly Step[], node: ASTNode, key: string | number | undefined, parent: Part | undefined): void {
    for (const { rule, visitor, run } of steps) {
      if (this.#skipping[rule] !== undefined) continue;
      const told = run.call(visitor, node, key, parent, noPath, this.#ancestors);
      if (told === BREAK) this.#skipping[rule] = BREAK;
      else if (told === false) {
        this.#skipping[rule] = node;
        this.#skips++;
      }
    }
  }

  #seeAgain(node: ASTNode): void {
    for (const [rule, skipped] of this.#skipping.entries()) {
      if (skipped !== node) continue;
      this.#skipping[rule] = undefined;
      this.#skips--;
    }
  }

  #stepsOf(kind: ASTNode['kind']): Steps {
    const known = this.#byKind.get(kind);
    if (known) return known;
    const entering: Step[] = [];
    const leaving: Step[] = [];
    for (const [rule, visitor] of this.#visitors.entries()) {
      const { enter, leave } = getEnterLeaveForKind(visitor, kind);
      if (enter) entering.push({ rule, visitor, run: enter });
      if (leave) leaving.push({ rule, visitor, run: leave });
    }
    const steps = { entering, leaving };
    this.#byKind.set(kind, steps);
    return steps;
  }
}

/** No rule reads the path of a node. */
const noPath: readonly (string | number)[] = [];
