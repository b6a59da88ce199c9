/**
 * Stands in for the database drivers and for `child_process` in the unit project. They may be imported, as `src` does,
 * but whatever a test calls of them throws.
 *
 * @returns {never}
 */
function refuse() {
  throw new Error(
    'A unit test has called a database driver or started a process. Import test/support/databases for a database or ' +
      'test/support/cli for a process: the test then belongs to the project db or e2e (test/projects/membership.js).',
  );
}

module.exports = new Proxy(refuse, {
  get: (_, name) => (name === '__esModule' || typeof name === 'symbol' ? undefined : module.exports),
  construct: refuse,
});
