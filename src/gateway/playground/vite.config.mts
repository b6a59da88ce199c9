import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: '/playground/',
  plugins: [react()],
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
