const { project } = require('./project.js');

const refused = '<rootDir>/test/projects/refused.js';

module.exports = {
  ...project('unit'),
  moduleNameMapper: {
    '^better-sqlite3$': refused,
    '^mysql2(/promise)?$': refused,
    '^(node:)?child_process$': refused,
  },
};
