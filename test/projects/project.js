const { join } = require('node:path');
const { projects } = require('./membership.js');

const root = join(__dirname, '../..');
const sorted = projects(root);

/**
 * Packages that are loaded anew for each test file: ids of UUID version 7 never go back, so after a test that puts the
 * clock forward, all later ones of the worker would come from that time.
 */
const loadedAnew = ['uuid'];

/**
 * The Jest configuration that all projects share.
 *
 * @param {'unit' | 'db' | 'e2e' | 'faults'} name
 */
const project = (name) => ({
  displayName: name,
  rootDir: root,
  roots: ['<rootDir>/test'],
  testEnvironmentOptions: { replaced: loadedAnew },
  testEnvironment: '<rootDir>/test/projects/environment.js',
  runtime: '<rootDir>/test/projects/runtime.js',
  resolver: '<rootDir>/test/projects/resolver.js',
  // Clients of HSMs and KMSs are in a package of their own.
  modulePaths: ['<rootDir>/test/keys/roots/clients/node_modules'],
  testMatch: sorted[name].map((path) => `<rootDir>/${path}`),
  setupFiles: [
    'reflect-metadata',
    '<rootDir>/test/support/graphql-of-production.js',
    '<rootDir>/test/support/statements/record.js',
  ],
  transform: {
    '^.+\\.(t|j|mj)s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(jose|@faker-js/faker)/)'],
});

module.exports = { loadedAnew, project };
