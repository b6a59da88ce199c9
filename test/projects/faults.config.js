const { project } = require('./project.js');

/** Several servers, killed and restarted: one file at a time, each within minutes. */
module.exports = {
  ...project('faults'),
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testTimeout: 240_000,
  maxWorkers: 1,
};
