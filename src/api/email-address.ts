import { GraphQLError, GraphQLScalarType } from 'graphql';
import { GraphQLEmailAddress } from 'graphql-scalars';
import { isAddress } from '../identifiers/email';

const { parseLiteral: _literal, ...config } = GraphQLEmailAddress.toConfig();

/** graphql-scalars' EmailAddress takes ASCII only, but people have addresses in any script. */
export const EmailAddress = new GraphQLScalarType<string, string>({
  ...config,
  description: 'One e-mail address, in letters of any script (RFC 6531).',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc6531',
  serialize: addressIn,
  parseValue: addressIn,
});

function addressIn(value: unknown): string {
  if (typeof value === 'string' && isAddress(value)) return value;
  throw new GraphQLError('An e-mail address was expected.');
}
