const { createRequire } = require('node:module');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

/** What was transformed, by its path: from which text, and to what. */
const transformed = new Map();
/** What was compiled, by its path: from which text, and to what. A call of it is a new module. */
const compiled = new Map();

/**
 * Loads the product's own modules anew for each test file, and packages once in a worker, as Node does. To load those
 * for each file took a quarter of the time of all tests.
 */
class KeptPackages extends Runtime {
  /** @param {ConstructorParameters<typeof Runtime>} options */
  constructor(...options) {
    super(...options);
    const [{ testEnvironmentOptions }] = options;
    /** Those that are loaded anew, or that a project replaces a part of, are Jest's to load. */
    this.replaced = new Set(/** @type {string[]} */ (testEnvironmentOptions.replaced ?? []));
    const { executor, transformCache } = /** @type {any} */ (this);
    const parameters = executor.injectedModuleParameters;
    // In the worker's own scope, where Jest would use a context.
    executor.compile = (/** @type {string} */ text, /** @type {string} */ filename) =>
      keptBy(compiled, filename, text, () => compileFunction(text, parameters, { filename }));
    const { scriptTransformer } = transformCache;
    transformCache.scriptTransformer = Object.create(scriptTransformer, {
      transform: {
        value: (/** @type {string} */ filename, /** @type {object} */ options, /** @type {string} */ text) =>
          keptBy(transformed, filename, text, () => scriptTransformer.transform(filename, options, text)),
      },
    });
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

/**
 * @template T
 * @param {Map<string, { text: string, made: T }>} known
 * @param {string} path
 * @param {string} text
 * @param {() => T} make
 * @returns {T} what was made of this text before, or is now
 */
function keptBy(known, path, text, make) {
  const before = known.get(path);
  if (before?.text === text) return before.made;
  const made = make();
  known.set(path, { text, made });
  return made;
}

/** @param {string} name */
const isPackage = (name) => /^(@[\w-]+\/)?\w/.test(name) && !/^(node:|@jest\/globals$)/.test(name);

module.exports = KeptPackages;
