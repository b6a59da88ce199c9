const { default: Sequencer } = require('@jest/test-sequencer');
const { longest } = require('./longest.js');

/** Begins with the files that take longest. Jest knows how long files took from a cache, which a clean clone lacks. */
class LongestFirst extends Sequencer {
  /**
   * @override
   * @param {Parameters<InstanceType<typeof Sequencer>['sort']>[0]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    const known = sorted.filter(({ path }) => rankOf(path) >= 0);
    const others = sorted.filter(({ path }) => rankOf(path) < 0);
    return [...known.sort((a, b) => rankOf(a.path) - rankOf(b.path)), ...others];
  }
}

/** @param {string} path */
const rankOf = (path) => longest.findIndex((each) => path.endsWith(`/${each}`));

module.exports = LongestFirst;
