// Makes one file of the program that `remit serve` loads: src/bundle.ts.
const { createHash } = require('node:crypto');
const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join, relative, sep } = require('node:path');

const dist = join(__dirname, '../dist');
const bundles = join(dist, 'bundle');

/** What is not in the file: native code, and what is loaded only where it is installed. */
const external = [
  '@faker-js/faker',
  '@aws-sdk/*',
  '@azure/*',
  '@google-cloud/*',
  'better-sqlite3',
  'pkcs11js',
  // Optional of ws, mysql2, Fastify and type-graphql.
  'bufferutil',
  'utf-8-validate',
  'cardinal',
  'class-validator',
  // Drivers of TypeORM that Remit has no use for.
  '@sap/*',
  'expo-sqlite',
  'hdb-pool',
  'ioredis',
  'mongodb',
  'mssql',
  'mysql',
  'oracledb',
  'pg',
  'pg-native',
  'pg-query-stream',
  'react-native-sqlite-storage',
  'redis',
  'sql.js',
  'sqlite3',
  'ts-node',
  'typeorm-aurora-data-api-driver',
];

/** Folders whose every file is loaded at start (classes-in.ts). */
const folders = ['migrations/data', 'migrations/keys', 'src/subjects/related'];

const compiled = (folder) =>
  readdirSync(join(dist, folder))
    .filter((name) => name.endsWith('.js'))
    .sort();

/** The folder's files, by the end of its path. */
const listed = (folder) =>
  `${JSON.stringify(`/${folder}`)}: () => [${compiled(folder).map((name) => `require('./${folder}/${name}')`)}]`;

const classesIn = `
const folders = { ${folders.map(listed)} };
exports.classesIn = (folder) => {
  const name = Object.keys(folders).find((end) => folder.replaceAll('\\\\', '/').endsWith(end));
  return folders[name]().flatMap((module) => Object.values(module)).filter((one) => typeof one === 'function');
};`;

const ours = {
  name: 'ours',
  setup(builder) {
    builder.onLoad({ filter: /storage[/\\]classes-in\.js$/ }, () => ({ contents: classesIn, resolveDir: dist }));
    // Threads, other processes and pages are still files: places are told from the folder of the compiled sources.
    builder.onLoad({ filter: /[/\\]dist[/\\].*\.js$/ }, ({ path }) => {
      if (!path.startsWith(dist + sep)) return undefined;
      const place = JSON.stringify(`/${relative(dist, dirname(path)).split(sep).join('/')}`);
      const contents = readFileSync(path, 'utf8')
        .replace(/\brequire\.resolve\('\.\//g, "require.resolve(__dirname + '/")
        .replace(/\b__dirname\b/g, `(__dirname + ${place})`);
      return { contents };
    });
    // It asks whether there is a second copy of graphql, a third of what building a schema takes. Here there is none.
    builder.onLoad({ filter: /graphql[/\\]jsutils[/\\]instanceOf\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      return { contents: text.replace("process.env.NODE_ENV === 'production'", 'true') };
    });
  },
};

async function bundle() {
  const { build } = require('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(dist, 'src/commands/program.js')],
    outfile: join(bundles, 'remit.js'),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20',
    external,
    plugins: [ours],
    // TypeORM and type-graphql go by the names of classes.
    keepNames: true,
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'error',
  });
  const [{ contents }] = outputFiles;
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  // With what was kept of earlier ones.
  rmSync(bundles, { recursive: true, force: true });
  mkdirSync(bundles);
  writeFileSync(join(bundles, `remit-${hash}.js`), contents);
}

bundle().catch((error) => {
  // The sources run as they are, only slower to start: nobody who lacks the tool is kept from building.
  const isLacking = error.code === 'MODULE_NOT_FOUND' && !process.env.CI;
  const said = isLacking ? 'remit serve will start from single files: npm ci installs esbuild' : error.stack;
  process.stderr.write(`${said}\n`);
  if (!isLacking) process.exitCode = 1;
});
