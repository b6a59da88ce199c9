import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Copy, DockerfileParser, type Env, From, type Healthcheck, JSONInstruction } from 'dockerfile-ast';
import { root } from '../support/root';

/** Nobody in particular: a user without a home, and without rights where the tests run as root. */
export const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** What the last stage of a Dockerfile leaves. */
export interface Image {
  /** Where its `/app` is. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

const dockerfile = DockerfileParser.parse(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'));

export const instructions = dockerfile.getInstructions();

/**
 * Carries out a Dockerfile's steps as a script, each stage in a folder of its own. Steps that install packages are
 * given, since the checkout has them installed already.
 */
export function carryOut(into: string, given: Readonly<Record<string, (folder: string) => void>>): Image {
  const stages = new Map<string, string>();
  let [folder, user] = ['', 'root'];
  let [env, entry, words, healthcheck]: [Record<string, string>, string[], string[], string[]] = [{}, [], [], []];
  for (const instruction of instructions) {
    const text = instruction.getArgumentsContent() ?? '';
    const keyword = instruction.getKeyword();
    if (instruction instanceof From) {
      const name = instruction.getBuildStage() ?? 'last';
      folder = join(into, name);
      mkdirSync(folder);
      stages.set(name, folder);
      env = {};
    } else if (keyword === 'ENV') {
      for (const property of (instruction as Env).getProperties()) env[property.getName()] = property.getValue() ?? '';
    } else if (instruction instanceof Copy) {
      const from = instruction.getFromFlag()?.getValue();
      copy(instruction.getArguments().map(String), from ? stages.get(from) : undefined, folder);
    } else if (keyword === 'RUN') {
      const step = given[text];
      if (step) step(folder);
      else run(text, folder, env);
    } else if (keyword === 'USER') user = text;
    else if (keyword === 'ENTRYPOINT') entry = stringsOf(instruction);
    else if (keyword === 'CMD') words = stringsOf(instruction);
    else if (keyword === 'HEALTHCHECK') {
      healthcheck = JSON.parse((instruction as Healthcheck).getArgumentsContent()?.replace(/^CMD /, '') ?? '[]');
    } else if (!['ARG', 'WORKDIR', 'LABEL', 'EXPOSE'].includes(keyword)) {
      throw new Error(`${keyword} is a step that is not carried out here`);
    }
  }
  return { folder, env, user, command: [...entry, ...words], healthcheck };
}

const stringsOf = (instruction: unknown) =>
  instruction instanceof JSONInstruction ? instruction.getJSONStrings().map((each) => each.getJSONValue()) : [];

/** As the other user, with nothing of this process's environment but PATH. */
function run(script: string, cwd: string, env: Record<string, string>): void {
  chown(cwd);
  execFileSync('sh', ['-ec', script], {
    cwd,
    ...nobody,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Gives a stage to the other user, without the files that it shares with the checkout. */
function chown(folder: string): void {
  if (nobody.uid === undefined) return;
  const owner = `${nobody.uid}:${nobody.gid}`;
  execFileSync('find', [folder, '(', '-type', 'd', '-o', '-links', '1', ')', '-exec', 'chown', '-h', owner, '{}', '+']);
}

/** COPY from another stage, whose `/app` is a folder here, or from what .dockerignore leaves of the checkout. */
function copy(words: readonly string[], from: string | undefined, into: string): void {
  const to = words.at(-1) ?? '';
  for (const word of words.slice(0, -1)) {
    const source = from === undefined ? join(root, word) : join(from, word.replace(/^\/app\//, ''));
    const isFolder = to.endsWith('/') && word !== '.';
    const target = isFolder ? join(into, to, word.replace(/^.*\//, '')) : join(into, to);
    mkdirSync(dirname(target), { recursive: true });
    const filter = from === undefined ? (path: string) => isInContext(path.slice(root.length + 1)) : () => true;
    cpSync(source, target, { recursive: true, verbatimSymlinks: true, filter });
  }
}

const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const kept = new Set(ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1)));
const never = new Set(ignored.filter((line) => line.startsWith('**/')).map((line) => line.slice(3)));

/** Whether .dockerignore, which names what is kept and then what never is, leaves a file of the checkout. */
export function isInContext(path: string): boolean {
  const parts = path.split('/');
  return path === '' || (kept.has(parts[0] ?? '') && !parts.some((part) => never.has(part)));
}

/** The packages of a checkout that its production needs, as `npm prune --omit=dev` leaves them. */
export function pruned(folder: string): void {
  const words = ['ls', '--omit=dev', '--all', '--parseable'];
  const found = execFileSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 24 })
    .trim()
    .split('\n');
  const modules = join(root, 'node_modules/');
  // Node itself takes a minute for so many files.
  execFileSync('rm', ['-rf', join(folder, 'node_modules')]);
  for (const path of found.filter((each) => each.startsWith(modules))) {
    const target = join(folder, path.slice(root.length + 1));
    // The packages inside are in the list themselves.
    const filter = (each: string) => !each.slice(path.length).includes('/node_modules');
    if (existsSync(path)) cpSync(path, target, { recursive: true, verbatimSymlinks: true, filter });
  }
  if (readdirSync(join(folder, 'node_modules')).includes('typescript'))
    throw new Error('typescript is for builds alone');
}

/** The packages of the checkout, where a stage would install them: the same files by another name. */
export const installed = (below: string) => (folder: string) => {
  const target = join(folder, below, 'node_modules');
  mkdirSync(dirname(target), { recursive: true });
  const from = join(root, below, 'node_modules');
  // On another file system there is no such thing as another name.
  const isElsewhere = statSync(from).dev !== statSync(folder).dev;
  execFileSync('cp', [isElsewhere ? '-a' : '-al', from, target]);
};
