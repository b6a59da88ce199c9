import type { FastifyBaseLogger } from 'fastify';
import { type Logger, symbols } from 'pino';

/** A field of a line: undefined ones are left out. */
type Field = string | number | readonly string[] | undefined;

/**
 * Writes lines of known fields, as text. They are as the log's own, at a tenth of the cost: redaction and serializers
 * have nothing to do in them.
 */
export class LogLines {
  readonly #logger: Logger;
  /** What all lines have: process and host. */
  readonly #bindings: string;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#bindings = Reflect.get(logger, symbols.chindingsSym);
  }

  /** @param fields what {@link fieldsOf} gave */
  write(level: 'debug' | 'info', fields: string, message: string): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const { values } = this.#logger.levels;
    const begins = `{"level":${values[level]},"time":"${new Date().toISOString()}"${this.#bindings}`;
    Reflect.get(this.#logger, symbols.streamSym).write(`${begins}${fields},"msg":"${message}"}\n`);
  }
}

/** Fields as a line has them: `,"name":value,…`. Names are plain words. */
export function fieldsOf(fields: Readonly<Record<string, Field>>): string {
  let text = '';
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) text += `,"${name}":${written(value)}`;
  }
  return text;
}

function written(value: NonNullable<Field>): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return `[${value.map(written).join(',')}]`;
  return TO_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/** Most texts are plain, and looking costs less than escaping. */
const TO_ESCAPE = /["\\\p{Cc}\p{Cs}]/u;

/**
 * Fastify gives each request a log of its own, which few use. This one makes it when it is used: that costs as much as
 * all else that a request's log does.
 */
export class LateLog implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Record<string, unknown>;
  #made: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: Record<string, unknown>) {
    this.#parent = parent;
    this.#bindings = bindings;
  }

  get level(): FastifyBaseLogger['level'] {
    return this.#own().level;
  }

  set level(level: FastifyBaseLogger['level']) {
    this.#own().level = level;
  }

  child(...told: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#own().child(...told);
  }

  fatal(...told: unknown[]): void {
    this.#own().fatal(...(told as [string]));
  }

  error(...told: unknown[]): void {
    this.#own().error(...(told as [string]));
  }

  warn(...told: unknown[]): void {
    this.#own().warn(...(told as [string]));
  }

  info(...told: unknown[]): void {
    this.#own().info(...(told as [string]));
  }

  debug(...told: unknown[]): void {
    this.#own().debug(...(told as [string]));
  }

  trace(...told: unknown[]): void {
    this.#own().trace(...(told as [string]));
  }

  silent(...told: unknown[]): void {
    this.#own().silent(...(told as [string]));
  }

  #own(): FastifyBaseLogger {
    this.#made ??= this.#parent.child(this.#bindings);
    return this.#made;
  }
}
