import { GraphQLError, isValueNode } from 'graphql';
import { isWithheldError } from './guards';

/**
 * Pitfall 14: what graphql says of a wrong document or variable repeats the value that was sent, and its suggestions
 * name fields that were not asked for. What is left names the place and the type.
 */
function withoutValues(message: string): string {
  return message
    .replace(/ Did you mean [\s\S]*$/, '')
    .replace(
      // A place begins with the variable's name; what else looks like one is part of the value.
      /"\$(\w+)" got invalid value [\s\S]*?( at "\1[.[][\w.[\]]+")?; (Expected|Field|[\s\S]*?cannot)[\s\S]*$/,
      (_, name: string, at: string | undefined) => `"$${name}" got an invalid value${at ?? ''}.`,
    )
    .replace(/ got invalid value [\s\S]*$/, ' got an invalid value.')
    .replace(/, found [\s\S]*$/, '.')
    .replace(/^(Int|Float|String|Boolean|ID) cannot represent [\s\S]*$/, '$1 cannot represent this value.')
    .replace(/^Value "[\s\S]*?" does not exist in "(\w+)" enum\.?[\s\S]*$/, 'This value does not exist in "$1" enum.')
    .replace(/^Enum "(\w+)" cannot represent [\s\S]*$/, 'Enum "$1" cannot represent this value.');
}

/** What graphql itself says of a literal, once its value is cut out. */
const ofLiterals =
  /^(Expected value of type "[^"]+"|Field "[\w.]+" (of required type "[^"]+" was not provided|is not defined by type "\w+")|(Int|Float|String|Boolean|ID|Enum "\w+") cannot represent this value|This value does not exist in "\w+" enum|Variable "\$\w+" is not defined( by operation "\w+")?|OneOf Input Object "\w+" must specify exactly one key|(Too many validation errors, [\w ]+\. )?Validation aborted)\.$/;

/** A scalar may refuse a literal in words of its own, and these repeat the literal: they are not graphql's, so they go. */
function messageFor({ message, nodes }: GraphQLError): string {
  const cut = withoutValues(message);
  const [node] = nodes ?? [];
  return (node && !isValueNode(node)) || ofLiterals.test(cut) ? cut : 'This value is not valid for its type.';
}

/** A document or variable error as it may be answered: place, type and code, no value. */
export function inputError(error: GraphQLError, code: string): GraphQLError {
  const { nodes, source, positions } = error;
  const extensions = { code };
  return new GraphQLError(messageFor(error), { nodes: nodes ?? null, source, positions, extensions });
}

/**
 * A field's error as it may be answered. Only errors that a resolver made for its caller (a GraphQLError with a code)
 * keep their words; whatever else was thrown, and whatever the executor says of a value, stays inside.
 * @returns undefined for an error that another one already reports
 */
export function fieldError(error: GraphQLError, onInternal: (error: unknown) => void): GraphQLError | undefined {
  const original = error.originalError ?? error;
  if (isWithheldError(original) || isWithheldError(error)) return undefined;
  if (original instanceof GraphQLError && typeof original.extensions?.code === 'string') {
    return new GraphQLError(original.message, { path: error.path, extensions: original.extensions });
  }
  if (error.originalError === undefined && /^Cannot return null for non-nullable field [\w.]+\.$/.test(error.message)) {
    return new GraphQLError(error.message, { path: error.path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
  onInternal(error.originalError ?? error);
  return new GraphQLError('Internal server error', { path: error.path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}
