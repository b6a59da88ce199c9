import './global-setup';

/** Stops the tests' MariaDB and waits until its folder is gone. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.remitTestMariaDb?.stop();
  globalThis.remitTestMariaDb = undefined;
}
