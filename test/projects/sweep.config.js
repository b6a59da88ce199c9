const { project } = require('./project.js');

/** A fault at every statement of every mutation, on each database: `npm run test:sweep`. */
module.exports = {
  ...project('faults'),
  testMatch: ['<rootDir>/test/storage/faults.test.ts', '<rootDir>/test/faults/every-statement.test.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['default', '<rootDir>/test/projects/slowest.js'],
  testSequencer: '<rootDir>/test/projects/sequencer.js',
  testTimeout: 240_000,
  maxWorkers: 2,
};
