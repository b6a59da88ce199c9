const { createRequire } = require('node:module');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

/**
 * Loads the product's own modules anew for each test file, and packages once in a worker, as Node does. To load those
 * for each file took a quarter of the time of all tests.
 */
class KeptPackages extends Runtime {
  /** @param {ConstructorParameters<typeof Runtime>} options */
  constructor(...options) {
    super(...options);
    const [{ testEnvironmentOptions }] = options;
    /** Those that a project replaces a part of are Jest's to load. */
    this.replaced = new Set(/** @type {string[]} */ (testEnvironmentOptions.replaced ?? []));
    const { executor } = /** @type {any} */ (this);
    const parameters = executor.injectedModuleParameters;
    // In the worker's own scope, where Jest would use a context.
    executor.compile = (/** @type {string} */ text, /** @type {string} */ filename) =>
      compileFunction(text, parameters, { filename });
  }

  /**
   * @override
   * @param {string} from
   * @param {string} name
   */
  requireModuleOrMock(from, name) {
    if (!isPackage(name) || this.replaced.has(name)) return super.requireModuleOrMock(from, name);
    try {
      return createRequire(from)(name);
    } catch (error) {
      // Jest looks in more places: test/projects/project.js names them.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND') throw error;
      return super.requireModuleOrMock(from, name);
    }
  }
}

/** @param {string} name */
const isPackage = (name) => /^(@[\w-]+\/)?\w/.test(name) && !/^(node:|@jest\/globals$)/.test(name);

module.exports = KeptPackages;
