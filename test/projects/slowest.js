const { relative } = require('node:path');

const SHOWN = 10;

/** Ends a run with the files that took longest: what a change added to the whole is seen at once. */
class Slowest {
  /** @param {{ rootDir: string }} config */
  constructor({ rootDir }) {
    this.root = rootDir;
  }

  /**
   * @param {unknown} _contexts
   * @param {{ testResults: Array<{ testFilePath: string, perfStats: { runtime: number } }> }} results
   */
  onRunComplete(_contexts, { testResults }) {
    // Whoever runs a few files sees how long each takes.
    if (testResults.length < SHOWN) return;
    const seconds = (/** @type {{ perfStats: { runtime: number } }} */ { perfStats }) => perfStats.runtime / 1_000;
    const slowest = [...testResults].sort((a, b) => seconds(b) - seconds(a)).slice(0, SHOWN);
    const whole = testResults.reduce((sum, each) => sum + seconds(each), 0);
    process.stderr.write(
      `\nThe slowest of ${testResults.length} files, which took ${whole.toFixed(0)} s one by one:\n`,
    );
    for (const each of slowest)
      process.stderr.write(`${seconds(each).toFixed(1).padStart(7)} s  ${relative(this.root, each.testFilePath)}\n`);
  }
}

module.exports = Slowest;
