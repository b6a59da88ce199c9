// Removes compiled files without a source from the folders whose every file is loaded at start (classes-in.ts). tsc
// leaves them there when a source is renamed or deleted.
const { existsSync, readdirSync, rmSync } = require('node:fs');
const { join } = require('node:path');

for (const folder of ['migrations/data', 'migrations/keys', 'src/subjects/related']) {
  const compiled = join('dist', folder);
  for (const file of existsSync(compiled) ? readdirSync(compiled) : []) {
    const source = join(folder, `${file.split('.')[0]}.ts`);
    if (!existsSync(source)) rmSync(join(compiled, file));
  }
}
