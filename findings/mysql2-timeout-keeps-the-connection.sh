#!/usr/bin/env bash
# A query's `timeout` in mysql2 tells the caller, and nothing else. While the server stays silent the pool gets the
# connection neither back nor destroyed. Queries that wait for a connection are not limited by their own `timeout`, so a
# pool whose connections all met silent servers answers no more, though new connections would work. Limits have to
# destroy the connection, and the wait for the pool needs one of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mysql2@3.24.6
cat >look.cjs <<'JS'
const mysql = require('mysql2');
// A server of mysql2's own that is silent about SLEEP and answers everything else.
const server = mysql.createServer();
let connections = 0;
const column = { catalog: 'def', schema: '', table: '', orgTable: '', name: 'one', orgName: 'one', characterSet: 33 };
server.on('connection', (connection) => {
  connections++;
  connection.serverHandshake({
    protocolVersion: 10,
    serverVersion: '8.0.0',
    connectionId: connections,
    statusFlags: 2,
    characterSet: 8,
    capabilityFlags: 0xffffff,
  });
  connection.on('error', () => undefined);
  connection.on('query', (sql) => {
    if (sql.includes('SLEEP')) return;
    connection.writeTextResult([{ one: '1' }], [{ ...column, columnLength: 1, columnType: 253, flags: 0, decimals: 0 }]);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server._server.address();
  const pool = mysql.createPool({ host: '127.0.0.1', port, user: 'u', connectionLimit: 1 });
  pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }, (error) => {
    let second = 'neither answered nor timed out';
    pool.query({ sql: 'SELECT 1', timeout: 500 }, (failed) => {
      second = failed?.code ?? 'answered';
    });
    setTimeout(() => {
      const seen = [
        `the silent query: ${error.code}`,
        `a query with a limit of 0.5 s, 3 s later: ${second}`,
        `connections opened: ${connections}`,
      ];
      console.log(`mysql2 ${require('mysql2/package.json').version}\n${seen.join('\n')}`);
      const expected = [
        'the silent query: PROTOCOL_SEQUENCE_TIMEOUT',
        'a query with a limit of 0.5 s, 3 s later: neither answered nor timed out',
        'connections opened: 1',
      ];
      const isSame = seen.join() === expected.join();
      if (!isSame) console.error('changed');
      process.exit(isSame ? 0 : 1);
    }, 3_000);
  });
});
JS
node look.cjs 2>&1 | grep -v 'packets out of order'
