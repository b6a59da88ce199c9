const { project } = require('./project.js');

/**
 * Several servers, killed and restarted, each within minutes. Three files at a time: each waits more than it computes.
 */
module.exports = {
  ...project('faults'),
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testTimeout: 240_000,
  testSequencer: '<rootDir>/test/projects/sequencer.js',
  reporters: ['default', '<rootDir>/test/projects/slowest.js'],
  maxWorkers: 3,
};
