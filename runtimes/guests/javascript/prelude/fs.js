// The module 'fs': standard input and output have paths and numbers; nothing else exists.

import { readBytes, readText } from 'internal:binding';
import { Buffer } from './buffer.js';
import { decode, encodingName } from './encodings.js';
import { invalidArgument, systemError } from './errors.js';
import { inspect } from './inspect.js';
import { addInput } from './loop.js';
import { stderr, stdin, stdout } from './streams.js';

const NUMBERS = {
  '/dev/stdin': 0,
  '/dev/fd/0': 0,
  '/proc/self/fd/0': 0,
  '/dev/stdout': 1,
  '/dev/fd/1': 1,
  '/proc/self/fd/1': 1,
  '/dev/stderr': 2,
  '/dev/fd/2': 2,
  '/proc/self/fd/2': 2,
};

const ALL = 2 ** 31 - 1;

const missing = (syscall, path) => systemError('ENOENT', -2, 'no such file or directory', syscall, path);
const readOnly = (syscall, path) => systemError('EROFS', -30, 'read-only file system', syscall, path);

function pathOf(path) {
  if (typeof path === 'string') return path;
  if (path instanceof Uint8Array) return decode(path, 'utf8');
  if (path instanceof URL) return path.pathname;
  const expected = 'of type string or an instance of Buffer or URL';
  throw invalidArgument('path', expected, path);
}

// The number of a standard stream; throws for everything else.
function descriptor(path, syscall, failure = missing) {
  if (typeof path === 'number') {
    if (path >= 0 && path <= 2) return path;
    throw systemError('EBADF', -9, 'bad file descriptor', syscall);
  }
  const name = pathOf(path);
  const number = NUMBERS[name];
  if (number === undefined) throw failure(syscall, name);
  return number;
}

function readFileSync(path, options) {
  const number = descriptor(path, typeof path === 'number' ? 'read' : 'open');
  const encoding = typeof options === 'string' ? options : options?.encoding;
  if (number !== 0) return encoding ? '' : Buffer.alloc(0);
  if (encodingName(encoding) === 'utf8' && encoding) return readText();
  const bytes = Buffer.from(readBytes(ALL).buffer);
  return encoding ? bytes.toString(encoding) : bytes;
}

function output(path, syscall) {
  const number = descriptor(path, syscall, readOnly);
  return number === 2 ? stderr : stdout;
}

function writeFileSync(path, data) {
  output(path, 'open').write(data instanceof Uint8Array ? data : String(data));
}

function writeSync(number, data, ...rest) {
  const target = output(number, 'write');
  if (typeof data === 'string') {
    target.write(data);
    return Buffer.byteLength(data);
  }
  const [offset = 0, length = data.length - offset] = rest;
  target.write(Buffer.from(data.buffer, data.byteOffset + offset, length));
  return length;
}

function readSync(number, target, offset, length) {
  const options = typeof offset === 'object' && offset !== null ? offset : { offset, length };
  descriptor(number, 'read');
  const start = options.offset ?? 0;
  const bytes = readBytes(options.length ?? target.byteLength - start);
  new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes, start);
  return bytes.length;
}

const isStandard = (path) => typeof path === 'string' && Object.hasOwn(NUMBERS, path);

function stat(path, syscall) {
  const number = descriptor(path, syscall);
  return {
    dev: 0,
    ino: number,
    mode: 0o10600,
    size: 0,
    isFile: () => false,
    isDirectory: () => false,
    isFIFO: () => true,
    isSymbolicLink: () => false,
    isCharacterDevice: () => false,
    isSocket: () => false,
  };
}

// [name of the call, does it write?, has it two paths?] for calls that can only fail here.
const REFUSED = {
  readdirSync: ['scandir', false],
  unlinkSync: ['unlink', false],
  rmdirSync: ['rmdir', false],
  rmSync: ['rm', false],
  readlinkSync: ['readlink', false],
  realpathSync: ['lstat', false],
  renameSync: ['rename', false],
  copyFileSync: ['copyfile', false],
  truncateSync: ['open', false],
  chmodSync: ['chmod', false],
  utimesSync: ['utime', false],
  mkdirSync: ['mkdir', true],
  mkdtempSync: ['mkdtemp', true],
  symlinkSync: ['symlink', true],
};

const refused = Object.fromEntries(
  Object.entries(REFUSED).map(([name, [syscall, writes]]) => [
    name,
    (path, options) => {
      if (name === 'rmSync' && options?.force) return undefined;
      throw (writes ? readOnly : missing)(syscall, pathOf(path));
    },
  ]),
);

const sync = {
  ...refused,
  readFileSync,
  writeFileSync,
  appendFileSync: writeFileSync,
  writeSync,
  readSync,
  openSync: (path, flags = 'r') => descriptor(path, 'open', /[wa+]/.test(String(flags)) ? readOnly : missing),
  closeSync() {},
  fsyncSync() {},
  existsSync: isStandard,
  accessSync(path) {
    descriptor(path, 'access');
  },
  statSync(path, options) {
    return options?.throwIfNoEntry === false && !isStandard(path) ? undefined : stat(path, 'stat');
  },
  lstatSync: (path) => stat(path, 'lstat'),
  fstatSync: (number) => stat(number, 'fstat'),
};

// readFile(path, ..., callback): the same, with the answer in a later turn of the loop.
function later(action) {
  return (...values) => {
    const callback = values.pop();
    if (typeof callback !== 'function') {
      throw invalidArgument('cb', 'of type function', callback);
    }
    addInput(() => {
      let result;
      try {
        result = action(...values);
      } catch (error) {
        callback(error);
        return;
      }
      callback(null, result);
    });
  };
}

const promised =
  (action) =>
  (...values) =>
    new Promise((resolve, reject) => {
      later(action)(...values, (error, result) => (error ? reject(error) : resolve(result)));
    });

const asynchronous = {};
const promises = {};
for (const [name, action] of Object.entries(sync)) {
  const plain = name.slice(0, -4);
  if (plain === 'exists') continue;
  asynchronous[plain] = later(action);
  promises[plain] = promised(action);
}
asynchronous.exists = (path, callback) => addInput(() => callback(isStandard(path)));

function createReadStream(path, options) {
  descriptor(path ?? options?.fd ?? 0, 'open');
  const encoding = typeof options === 'string' ? options : options?.encoding;
  return encoding ? stdin.setEncoding(encoding) : stdin;
}

export const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64 };

export const fs = {
  ...sync,
  ...asynchronous,
  createReadStream,
  createWriteStream: (path, options) => output(path ?? options?.fd, 'open'),
  constants,
  promises: { ...promises, constants },
};
