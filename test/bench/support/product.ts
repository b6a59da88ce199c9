import { join } from 'node:path';
import { root } from './installation';

/** Requires a module of the product's build, of which the benchmark's own build knows nothing: by its path in `src`. */
export const product = <T>(path: string): T => require(join(root, 'dist', 'src', path)) as T;

/** Requires a package as the product has it: a second copy of `graphql` would be another realm. */
export const packageOfProduct = <T>(name: string): T => require(join(root, 'node_modules', name)) as T;
