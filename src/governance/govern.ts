import type { GraphQLSchema } from 'graphql';
import type { Governed, GovernOptions } from './governed';
import { GovernedSchema } from './governed-schema';

export type { Access, AccessOf, Prohibition, RowRefusal } from './access';
export type { GovernedGateway } from './apollo-gateway';
export type { Decision, Outcome, Verdict } from './decision';
export type { Deidentification } from './deidentification/methods';
export { syntaxError } from './documents';
export type { GovernanceReport } from './enforcement';
export type { GovernedPlugin } from './envelop-plugin';
export { SchemaPolicyError } from './errors';
export type { Explanation } from './explain';
export { type FieldEntry, FieldTable } from './field-table';
export {
  type DecideArguments,
  type DecidedOperation,
  type ExecuteArguments,
  type Governed,
  type GovernedResult,
  type GovernedStream,
  type GovernOptions,
  JsonText,
  type PlannedOperation,
  type RunArguments,
  type SubscribeArguments,
  type WrittenResult,
} from './governed';
export type { GovernedCoordinate } from './governed-coordinate';
export { defaultLimits, type Limits } from './limits';
export { isRefusal, mappedEvents } from './mapped-events';
export type { PseudonymKey } from './pseudonym-key';
export {
  type CellField,
  type MarkedRow,
  type RowCells,
  type RowGroup,
  type RowRequest,
  type RowSource,
  RowTexts,
  rowSourceOf,
  setRowSource,
  UnlikeParents,
} from './row-source';
export { withGovernanceDirectives } from './schema-directives';
export { defaultVocabulary, type Terms, type VocabularyTerms } from './schema-vocabulary';
export { governanceTypeDefs, governanceTypeDefsFor } from './type-defs';
export type {
  AgreementKind,
  DataCategory,
  DataSubject,
  FilterOperator,
  ProcessingPurpose,
} from './vocabulary';

/**
 * Governs a schema: reads its directives into a policy, puts guards on its governed fields, and returns what executes
 * it. The guards are put on the schema itself: any other executor gets an error instead of governed fields.
 * @throws {SchemaPolicyError} if the directives are not sound, with every fault and its remedy
 * @example
 * ```ts
 * import { buildSchema } from 'graphql';
 * import { govern, governanceTypeDefs } from '@remit/governance';
 *
 * const schema = buildSchema(`${governanceTypeDefs}
 *   type Query { patient: Patient @personalRows }
 *   type Patient {
 *     name: String @personalData(category: NAME) @purposes(allow: [SUPPORT])
 *     born: String @personalData(category: DEMOGRAPHIC) @purposes(allow: [SUPPORT])
 *       @deidentify(for: [IMPROVEMENT], by: GENERALIZE)
 *   }
 * `);
 * const governed = govern(schema);
 * const { data } = await governed.execute({
 *   document: '{ patient { name born } }',
 *   rootValue: { patient: { name: 'Ada', born: '1815-12-10' } },
 *   access: { principal: 'an.analyst', purpose: 'IMPROVEMENT', grantedPurposes: ['IMPROVEMENT'] },
 * });
 * console.log(JSON.stringify(data));
 * // {"patient":{"name":null,"born":"1815-01-01"}}
 * ```
 */
export function govern(schema: GraphQLSchema, options: GovernOptions = {}): Governed {
  return new GovernedSchema(schema, options);
}
