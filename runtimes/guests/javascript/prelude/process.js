// The global process.

import { endNow, now, usedBytes } from 'internal:binding';
import { codedError, invalidArgument, notInSandbox } from './errors.js';
import { EventEmitter } from './events.js';
import { inspect } from './inspect.js';
import { addTick } from './loop.js';
import { stderr, stdin, stdout } from './streams.js';

const START = 1700000000000000;
const NODE_VERSION = '20.20.2';

class Process extends EventEmitter {}
Object.defineProperty(Process.prototype, Symbol.toStringTag, { value: 'process', configurable: true });

export const process = new Process();
let exitCode;
let isExiting = false;
let hasWarned = false;

function checkExitCode(code) {
  const isInteger = code === undefined || code === null || Number.isInteger(code) || /^-?\d+$/.test(code);
  if (isInteger) return;
  const expected = 'of type number';
  throw invalidArgument('code', expected, code);
}

// Tells the listeners of 'exit', once; the code may change while they run.
export function leave(code) {
  if (code !== undefined) exitCode = code;
  if (!isExiting) {
    isExiting = true;
    process.emit('exit', Number(exitCode ?? 0));
  }
  return Number(exitCode ?? 0);
}

function hrtime(previous) {
  const nanoseconds = (now() - START) * 1000 + 1e9;
  const time = [Math.floor(nanoseconds / 1e9), nanoseconds % 1e9];
  if (previous === undefined) return time;
  const difference = [time[0] - previous[0], time[1] - previous[1]];
  return difference[1] < 0 ? [difference[0] - 1, difference[1] + 1e9] : difference;
}

hrtime.bigint = () => BigInt(Math.round((now() - START) * 1000 + 1e9));

Object.assign(process, {
  title: 'node',
  version: `v${NODE_VERSION}`,
  versions: { node: NODE_VERSION, v8: '11.3.244.8-node.38', uv: '1.46.0', modules: '115' },
  arch: 'x64',
  platform: 'linux',
  release: { name: 'node', lts: 'Iron' },
  argv: ['/usr/local/bin/node', '/solution.js'],
  execArgv: [],
  env: {},
  pid: 1,
  ppid: 0,
  execPath: '/usr/local/bin/node',
  debugPort: 9229,
  argv0: 'node',
  config: { target_defaults: {}, variables: {} },
  features: { inspector: false },
  stdin,
  stdout,
  stderr,
  hrtime,
  exit(code) {
    checkExitCode(code);
    endNow(leave(code ?? undefined));
  },
  reallyExit: (code) => endNow(Number(code ?? 0)),
  abort: () => endNow(134),
  nextTick(callback, ...values) {
    if (typeof callback !== 'function') {
      throw invalidArgument('callback', 'of type function', callback);
    }
    addTick(callback, values);
  },
  uptime: () => (now() - START) / 1e6 + 0.02,
  memoryUsage: Object.assign(memoryUsage, { rss: () => memoryUsage().rss }),
  cpuUsage: () => ({ user: Math.round(now() - START), system: 0 }),
  resourceUsage: () => ({ userCPUTime: Math.round(now() - START), systemCPUTime: 0, maxRSS: 40960 }),
  cwd: () => '/',
  chdir(path) {
    throw notInSandbox(`process.chdir('${path}')`);
  },
  umask: () => 0o22,
  getuid: () => 1000,
  geteuid: () => 1000,
  getgid: () => 1000,
  getegid: () => 1000,
  emitWarning(warning, type = 'Warning', code = undefined) {
    const error = warning instanceof Error ? warning : new Error(warning);
    const options = typeof type === 'object' && type !== null ? type : { type, code };
    if (error !== warning) error.name = String(options.type ?? 'Warning');
    if (options.code !== undefined) error.code = options.code;
    addTick(() => {
      stderr.write(`(node:1) ${error.code ? `[${error.code}] ` : ''}${error.name}: ${error.message}\n`);
      const flag = error.name === 'DeprecationWarning' ? 'deprecation' : 'warnings';
      if (!hasWarned) stderr.write(`(Use \`node --trace-${flag} ...\` to show where the warning was created)\n`);
      hasWarned = true;
      process.emit('warning', error);
    }, []);
  },
  kill() {
    throw codedError(Error, 'EPERM', 'kill EPERM (not available in the sandbox)');
  },
  binding(name) {
    throw notInSandbox(`process.binding('${name}')`);
  },
});

Object.defineProperty(process, 'exitCode', {
  enumerable: true,
  configurable: true,
  get: () => exitCode,
  set(code) {
    checkExitCode(code);
    exitCode = code ?? undefined;
  },
});

function memoryUsage() {
  const used = usedBytes();
  return { rss: used + 40000000, heapTotal: used + 2000000, heapUsed: used, external: 1300000, arrayBuffers: 10511 };
}
