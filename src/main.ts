#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { loadBundle } from './bundle';

/**
 * V8 lets a small heap grow fourfold before it collects it whole. A burst of requests would hold that memory for good.
 * A heap that grows by half costs about one per cent of the time.
 */
const HEAP_GROWTH = '--heap-growing-percent=50';

async function start(words: readonly string[]): Promise<void> {
  const serves = words.find((word) => !word.startsWith('-')) === 'serve';
  // Before the bundle: compiled code is kept for the flags that it was compiled under.
  if (serves) setFlagsFromString(HEAP_GROWTH);
  // Other commands load a small part of what a server does.
  const bundle = serves ? loadBundle<typeof import('./commands/program.js')>(__dirname) : undefined;
  const { runToEnd } = bundle ?? (await import('./commands/program.js'));
  await runToEnd(words);
}

void start(process.argv.slice(2));
