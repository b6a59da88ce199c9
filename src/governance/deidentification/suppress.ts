import type { Method } from './method';

export const suppress: Method = {
  description: 'Nothing: null.',
  keyed: false,
  empty: true,
  unsuitable: () => undefined,
  mask: () => null,
};
