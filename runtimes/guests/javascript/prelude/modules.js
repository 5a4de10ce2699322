// require() and import: node's modules, or a clear refusal.

import { exchange as askHost } from 'internal:binding';
import { assert, strictAssert } from './assert.js';
import { buffer } from './buffer.js';
import { console } from './console.js';
import { crypto } from './crypto.js';
import { StringDecoder } from './encodings.js';
import { codedError, notInSandbox } from './errors.js';
import { EventEmitter } from './events.js';
import { constants as fsConstants, fs } from './fs.js';
import { path } from './path.js';
import { process } from './process.js';
import { readline, readlinePromises } from './readline.js';
import { stream } from './streams.js';
import { test } from './test_runner.js';
import { promises as timerPromises, timers } from './timers.js';
import { querystring, url } from './url.js';
import { types, util } from './util.js';
import { performance, PerformanceObserver } from './web.js';
import { makeProxy } from './wire.js';

const os = {
  EOL: '\n',
  arch: () => 'x64',
  platform: () => 'linux',
  type: () => 'Linux',
  release: () => '0.0.0',
  hostname: () => 'sandbox',
  homedir: () => '/',
  tmpdir: () => '/tmp',
  cpus: () => [{ model: 'sandbox', speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
  availableParallelism: () => 1,
  totalmem: () => 134217728,
  freemem: () => 67108864,
  loadavg: () => [0, 0, 0],
  uptime: () => 0,
  networkInterfaces: () => ({}),
  userInfo: () => ({ uid: 1000, gid: 1000, username: 'sandbox', homedir: '/', shell: null }),
  endianness: () => 'LE',
  constants: { signals: { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }, errno: {} },
};

class AsyncLocalStorage {
  #store;

  run(store, action, ...values) {
    const before = this.#store;
    this.#store = store;
    try {
      return action(...values);
    } finally {
      this.#store = before;
    }
  }

  getStore() {
    return this.#store;
  }

  enterWith(store) {
    this.#store = store;
  }
}

const MODULES = {
  assert,
  'assert/strict': strictAssert,
  async_hooks: { AsyncLocalStorage },
  buffer,
  console,
  constants: fsConstants,
  crypto,
  events: EventEmitter,
  fs,
  'fs/promises': fs.promises,
  os,
  path,
  'path/posix': path,
  perf_hooks: { performance, PerformanceObserver },
  process,
  punycode: { toASCII: String, toUnicode: String },
  querystring,
  readline,
  'readline/promises': readlinePromises,
  stream,
  'stream/promises': stream.promises,
  string_decoder: { StringDecoder },
  timers,
  'timers/promises': timerPromises,
  url,
  util,
  'util/types': types,
};

const DENIED = new Set([
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'domain',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'repl',
  'tls',
  'trace_events',
  'tty',
  'v8',
  'vm',
  'wasi',
  'worker_threads',
  'zlib',
  'diagnostics_channel',
  'sqlite',
]);
const plainName = (name) => (name.startsWith('node:') ? name.slice(5) : name);
const isBuiltin = (name) => Object.hasOwn(MODULES, plainName(name)) || name === 'module';

MODULES.module = {
  builtinModules: Object.keys(MODULES),
  isBuiltin,
  createRequire: () => require,
};

const exchangeModule = {
  proxy: (name) => makeProxy(name, askHost),
};

function find(name) {
  if (name === 'infinite_rl:exchange') return exchangeModule;
  // Only with its prefix.
  if (name === 'node:test') return test;
  const plain = plainName(name);
  if (Object.hasOwn(MODULES, plain)) return MODULES[plain];
  if (DENIED.has(plain)) throw notInSandbox(`The module '${plain}'`);
  return undefined;
}

export function require(name) {
  if (typeof name !== 'string') {
    throw codedError(
      TypeError,
      'ERR_INVALID_ARG_TYPE',
      `The "id" argument must be of type string. Received ${name === null ? 'null' : typeof name}`,
    );
  }
  const found = find(name);
  if (found !== undefined) return found;
  const why = /^[./]/.test(name) ? '' : " (not available in the sandbox: only node's own modules)";
  const error = new Error(`Cannot find module '${name}'${why}\nRequire stack:\n- /solution.js`);
  error.code = 'MODULE_NOT_FOUND';
  error.requireStack = ['/solution.js'];
  throw error;
}

require.resolve = (name) => {
  require(name);
  return name;
};
require.cache = Object.create(null);
require.extensions = Object.create(null);

// For the engine: the canonical name of an imported module, or what it exports.
export function resolve(name, wantsExports = false) {
  if (wantsExports) return find(name);
  if (find(name) !== undefined) return name.startsWith('infinite_rl:') ? name : `node:${plainName(name)}`;
  const kind = /^[./]/.test(name) ? 'module' : 'package';
  throw codedError(Error, 'ERR_MODULE_NOT_FOUND', `Cannot find ${kind} '${name}' imported from /solution.js`);
}
