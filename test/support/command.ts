import { Readable } from 'node:stream';
import { reportFailure } from '../../src/commands/failure';
import { run } from '../../src/commands/program';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Thrown where a command ends its process. */
class Exit extends Error {
  constructor(readonly code: number) {
    super(`the process ends with ${code}`);
  }
}

/**
 * Runs a command as the command line does, in this process: a process of its own takes most of a second to load the
 * product. Signals, pipes and workers take `remit` of ./cli, and so does what the build is asked for.
 */
export async function remitHere(words: readonly string[], { cwd, env = {}, input = '' }: RunOptions): Promise<Run> {
  const before = { env: process.env, cwd: process.cwd(), exitCode: process.exitCode };
  const written = { stdout: '', stderr: '' };
  const spies = [
    ...(['stdout', 'stderr'] as const).map((name) =>
      jest.spyOn(process[name], 'write').mockImplementation((chunk, ...rest: unknown[]) => {
        written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
        for (const done of rest) if (typeof done === 'function') done();
        return true;
      }),
    ),
    jest.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Exit(Number(code ?? process.exitCode ?? 0));
    }),
    jest.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([input]) as typeof process.stdin),
  ];
  process.env = { PATH: before.env.PATH, ...env };
  process.exitCode = undefined;
  process.chdir(cwd);
  try {
    const code = await run(words).then(
      () => Number(process.exitCode ?? 0),
      (error: unknown) => (error instanceof Exit ? error.code : reportFailure(error)),
    );
    return { code, ...written };
  } finally {
    process.chdir(before.cwd);
    process.env = before.env;
    process.exitCode = before.exitCode;
    for (const spy of spies) spy.mockRestore();
  }
}
