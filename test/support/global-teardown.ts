import './global-setup';
import { compareStatements } from './statements/list';

/** Stops the tests' MariaDB and waits until its folder is gone. Then looks at the statements that it was sent. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.remitTestMariaDb?.stop();
  globalThis.remitTestMariaDb = undefined;
  compareStatements();
}
