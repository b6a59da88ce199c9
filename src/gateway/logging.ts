import pino, { type DestinationStream, type Logger, stdTimeFunctions } from 'pino';
import { standardOutput } from './log-output';

const secrets = ['authorization', 'cookie', 'set-cookie', 'token', 'password', 'query', 'variables', 'headers', 'body'];

/**
 * The log: JSON lines, on standard output by default. Headers, bodies, tokens and documents are removed from every
 * line. Errors are logged by type, code and stack, without their message, which may repeat a person's data.
 */
export function createLogger(options: { level: string; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), remove: true },
      serializers: {
        req: (request: { method?: string }) => ({ method: request?.method }),
        res: (response: { statusCode?: number }) => ({ statusCode: response?.statusCode }),
        err: describeError,
        error: describeError,
      },
    },
    options.destination ?? standardOutput(),
  );
}

/** An error without its message: type, code and stack, and those of its causes. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { code?: unknown };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: frames.map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
