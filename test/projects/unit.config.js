const { loadedAnew, project } = require('./project.js');

const refused = '<rootDir>/test/projects/refused.js';

module.exports = {
  ...project('unit'),
  // TypeORM loads the drivers.
  testEnvironmentOptions: {
    replaced: [...loadedAnew, 'better-sqlite3', 'mysql2', 'mysql2/promise', 'child_process', 'typeorm'],
  },
  moduleNameMapper: {
    '^better-sqlite3$': refused,
    '^mysql2(/promise)?$': refused,
    '^(node:)?child_process$': refused,
  },
};
