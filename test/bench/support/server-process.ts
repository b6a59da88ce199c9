import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A server under measurement, in a process of its own. */
export interface ServerProcess {
  readonly name: string;
  readonly url: string;
  /** Seconds of processor time that it has used so far, user and system. */
  cpuSeconds(): number;
  /**
   * Milliseconds for which its main thread has run so far. What others take of the machine is not in it: of two looks
   * the difference is what a request waited for in the process, whatever else the machine does.
   */
  threadMilliseconds(): number;
  /** The most memory that it has held, in MiB. */
  peakMemory(): number;
  /** The memory that it holds now, in MiB. */
  memory(): number;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const TICKS_PER_SECOND = 100;

/**
 * Starts a server and waits for the first line of its output that says a port.
 * @param port what finds the port in a line
 */
export async function startServer(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  port: (line: string) => number | undefined,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(String(chunk)));
  const found = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const said = port(line);
      if (said !== undefined) resolve(said);
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${errors.join('').slice(-2_000)}`)));
  });
  return {
    name,
    url: `http://127.0.0.1:${found}`,
    cpuSeconds: () => cpuOf(child),
    threadMilliseconds: () => threadOf(child),
    peakMemory: () => memoryOf(child, 'VmHWM'),
    memory: () => memoryOf(child, 'VmRSS'),
    signal: (name) => void child.kill(name),
    stop: () => end(child),
  };
}

function cpuOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function threadOf(child: ChildProcess): number {
  return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function memoryOf(child: ChildProcess, which: 'VmHWM' | 'VmRSS'): number {
  const line = new RegExp(`${which}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(timer);
}
