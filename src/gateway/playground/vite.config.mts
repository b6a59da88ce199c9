import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { Kind, parse } from 'graphql';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The purposes as the emitted schema has them: nothing of the server is imported here. */
function purposes(): Array<{ name: string; meaning: string }> {
  const { definitions } = parse(readFileSync(here('../../../schema/directives.graphql'), 'utf8'));
  const known = definitions.find(
    (one) => one.kind === Kind.ENUM_TYPE_DEFINITION && one.name.value === 'ProcessingPurpose',
  );
  if (known?.kind !== Kind.ENUM_TYPE_DEFINITION || !known.values)
    throw new Error('schema/directives.graphql has no enum ProcessingPurpose');
  return known.values.map(({ name, description }) => ({ name: name.value, meaning: description?.value ?? '' }));
}

export default defineConfig({
  root: here('.'),
  base: '/playground/',
  plugins: [react()],
  define: { __PURPOSES__: JSON.stringify(purposes()) },
  worker: { format: 'es' },
  build: {
    outDir: here('../../../dist/playground'),
    emptyOutDir: true,
    target: 'es2023',
    // The first browsers with light-dark(), which the style sheet is written with.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    // Runs at the first start of each checkout, so no source maps and no gzip sizes. The editor is known to be large.
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8192,
    modulePreload: { polyfill: false },
    // GraphiQL marks files for React's compiler, which has already run over them.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
