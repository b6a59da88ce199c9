const { join } = require('node:path');

const src = join(__dirname, '../../src');

/**
 * Finds the source where `src` names what will be built: `import('./commands/serve.js')`.
 *
 * @param {string} path
 * @param {{ basedir: string, defaultResolver: (path: string, options: object) => string }} options
 */
module.exports = (path, options) => {
  const isBuilt = path.startsWith('.') && path.endsWith('.js') && options.basedir.startsWith(src);
  return options.defaultResolver(isBuilt ? path.slice(0, -'.js'.length) : path, options);
};
