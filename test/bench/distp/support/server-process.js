"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.startServer = startServer;
const node_child_process_1 = require("node:child_process");
const node_fs_1 = require("node:fs");
const node_readline_1 = require("node:readline");
const TICKS_PER_SECOND = 100;
/**
 * Starts a server and waits for the first line of its output that says a port.
 * @param port what finds the port in a line
 */
async function startServer(name, args, env, cwd, port) {
    const child = (0, node_child_process_1.spawn)(process.execPath, args, {
        env: { ...process.env, ...env },
        cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const found = await new Promise((resolve, reject) => {
        (0, node_readline_1.createInterface)(child.stdout).on('line', (line) => {
            const said = port(line);
            if (said !== undefined)
                resolve(said);
        });
        child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${errors.join('').slice(-2_000)}`)));
    });
    return {
        name,
        url: `http://127.0.0.1:${found}`,
        cpuSeconds: () => cpuOf(child),
        peakMemory: () => memoryOf(child, 'VmHWM'),
        memory: () => memoryOf(child, 'VmRSS'),
        signal: (name) => void child.kill(name),
        stop: () => end(child),
    };
}
function cpuOf(child) {
    const fields = (0, node_fs_1.readFileSync)(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
function memoryOf(child, which) {
    const line = new RegExp(`${which}:\\s+(\\d+) kB`).exec((0, node_fs_1.readFileSync)(`/proc/${child.pid}/status`, 'utf8'));
    return Math.round(Number(line?.[1] ?? 0) / 1024);
}
async function end(child) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
}
