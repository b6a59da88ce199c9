const { project } = require('./project.js');

module.exports = {
  ...project('db'),
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};
