import { rmSync } from 'node:fs';
import './global-setup';
import { judgeStatements } from './statements/list';

/** Stops the tests' MariaDB and waits until its folder is gone. Then judges the statements that it was sent. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.remitTestMariaDb?.stop();
  globalThis.remitTestMariaDb = undefined;
  try {
    judgeStatements();
  } finally {
    const { REMIT_TEST_TEMPLATES: templates } = process.env;
    if (templates !== undefined) rmSync(templates, { recursive: true, force: true });
    globalThis.removeRemitScratch?.();
    globalThis.removeRemitScratch = undefined;
  }
}
