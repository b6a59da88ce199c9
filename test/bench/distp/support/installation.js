"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.root = void 0;
exports.install = install;
exports.machine = machine;
const node_child_process_1 = require("node:child_process");
const node_events_1 = require("node:events");
const node_fs_1 = require("node:fs");
const node_net_1 = require("node:net");
const node_os_1 = require("node:os");
const node_path_1 = require("node:path");
const promises_1 = require("node:timers/promises");
const node_util_1 = require("node:util");
const promise_1 = require("mysql2/promise");
const run = (0, node_util_1.promisify)(node_child_process_1.execFile);
/** The product's root, from test/bench/dist/support. */
exports.root = (0, node_path_1.join)(__dirname, '..', '..', '..', '..');
const cli = (0, node_path_1.join)(exports.root, 'dist', 'src', 'main.js');
async function install() {
    const folder = (0, node_fs_1.mkdtempSync)((0, node_path_1.join)((0, node_os_1.tmpdir)(), 'remit-bench-'));
    const port = await freePort();
    const stop = await startMariaDb(folder, port);
    return installOn(`mysql://root@127.0.0.1:${port}`, folder, 'remit', async () => {
        await stop();
        (0, node_fs_1.rmSync)(folder, { recursive: true, force: true });
    });
}
async function installOn(server, folder, name, remove) {
    const names = { data: name, keys: `${name}_keys`, plain: `${name}_plain` };
    const connection = await (0, promise_1.createConnection)(server);
    for (const database of Object.values(names))
        await connection.query(`CREATE DATABASE ${database}`);
    await connection.end();
    const urls = { data: `${server}/${names.data}`, keys: `${server}/${names.keys}`, plain: `${server}/${names.plain}` };
    const env = {
        DATABASE_URL: urls.data,
        KEYS_DATABASE_URL: urls.keys,
        LOG_LEVEL: 'info',
        NODE_ENV: 'development',
        PORT: '0',
    };
    const remit = async (...args) => {
        const { stdout } = await run(process.execPath, [cli, ...args], {
            env: { ...process.env, ...env },
            cwd: folder,
            maxBuffer: 1 << 26,
        });
        return stdout;
    };
    await remit('migrate');
    const sibling = async (other) => {
        const own = (0, node_path_1.join)(folder, other);
        (0, node_fs_1.mkdirSync)(own);
        return installOn(server, own, other, async () => undefined);
    };
    return { folder, urls, env, remit, sibling, remove };
}
async function startMariaDb(folder, port) {
    const data = (0, node_path_1.join)(folder, 'mariadb');
    const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
    await run('mariadb-install-db', [
        '--no-defaults',
        `--datadir=${data}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        ...asRoot,
    ]);
    const settings = [
        '--no-defaults',
        `--datadir=${data}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${(0, node_path_1.join)(folder, 'sock')}`,
        `--tmpdir=${folder}`,
        '--innodb-buffer-pool-size=1G',
        '--max-prepared-stmt-count=100000',
        ...asRoot,
    ];
    const server = (0, node_child_process_1.spawn)(mariadbd(), settings, { stdio: 'ignore' });
    process.once('exit', () => server.kill('SIGKILL'));
    for (let attempt = 0;; attempt++) {
        try {
            await (await (0, promise_1.createConnection)(`mysql://root@127.0.0.1:${port}`)).end();
            break;
        }
        catch (error) {
            if (attempt === 150)
                throw error;
            await (0, promises_1.setTimeout)(200);
        }
    }
    return async () => {
        const gone = (0, node_events_1.once)(server, 'exit');
        server.kill('SIGTERM');
        await gone;
    };
}
function mariadbd() {
    for (const path of ['/usr/sbin/mariadbd', '/usr/bin/mariadbd', '/usr/local/sbin/mariadbd']) {
        try {
            (0, node_fs_1.accessSync)(path);
            return path;
        }
        catch {
            // not here
        }
    }
    return 'mariadbd';
}
async function freePort() {
    const server = (0, node_net_1.createServer)().listen(0, '127.0.0.1');
    await (0, node_events_1.once)(server, 'listening');
    const { port } = server.address();
    server.close();
    return port;
}
/** What the numbers were measured on. */
function machine() {
    const model = /model name\s*: (.+)/.exec((0, node_fs_1.readFileSync)('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
    const cores = (0, node_fs_1.readFileSync)('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length ?? 0;
    return `${cores} x ${model}, Node ${process.version}`;
}
