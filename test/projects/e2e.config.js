const { project } = require('./project.js');

module.exports = {
  ...project('e2e'),
  globalSetup: '<rootDir>/test/support/e2e-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};
