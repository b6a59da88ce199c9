import { randomUUID } from 'node:crypto';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A name for a key in a service that lets its caller choose. */
export const newName = (prefix: string): string => `${prefix}-${randomUUID()}`;

/** Whether {@link newName} made a name with this prefix. One store's prefix may begin as another's does. */
export const isNamedBy = (prefix: string, name: string): boolean =>
  name.startsWith(`${prefix}-`) && UUID.test(name.slice(prefix.length + 1));
