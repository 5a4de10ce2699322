// Errors as node makes and shows them: codes, and a `stack` that begins with the name and the message.

const nativeStack = Object.getOwnPropertyDescriptor(Error.prototype, 'stack');
const nativeCapture = Error.captureStackTrace;
const FRAME = /^ {4}at (.*?)(?: \((.*)\))?$/;

function header(error) {
  const name = error.name === undefined ? 'Error' : String(error.name);
  const message = error.message === undefined ? '' : String(error.message);
  if (name === '') return message;
  return message === '' ? name : `${name}: ${message}`;
}

// The engine's frame in node's words, or '' for one of ours.
function frame(line) {
  const match = FRAME.exec(line);
  if (match === null) return '';
  const [, name, place] = match;
  if (place === undefined) return name.startsWith('node:internal') ? '' : line;
  if (place.startsWith('node:internal')) return '';
  if (place === 'native' || place === 'missing') return `    at ${name} (<anonymous>)`;
  if (name === '<anonymous>' || name === '<eval>') return `    at ${place}`;
  return line;
}

// The frames from the program's first on; the natives below its outermost one are the prelude's.
function frames(stack) {
  const lines = stack.split('\n').map(frame).filter(Boolean);
  const last = lines.findLastIndex((line) => line.includes('solution.js:'));
  return (last < 0 ? lines : lines.slice(0, last + 1)).join('\n');
}

function withHeader(error, stack) {
  const lines = frames(stack);
  return lines ? `${header(error)}\n${lines}` : header(error);
}

// A stack that the engine made has only frames; one that a program set is left as it is.
function isNative(stack) {
  return typeof stack === 'string' && (stack === '' || stack.startsWith('    at '));
}

export function installStacks() {
  // What Promise.any rejects with has no message of its own here.
  AggregateError.prototype.message = 'All promises were rejected';
  Object.defineProperty(Error.prototype, 'stack', {
    configurable: true,
    get() {
      const stack = nativeStack.get.call(this);
      return isNative(stack) ? withHeader(this, stack) : stack;
    },
    set(value) {
      Object.defineProperty(this, 'stack', { value, writable: true, enumerable: false, configurable: true });
    },
  });
  Error.captureStackTrace = function captureStackTrace(target, above) {
    nativeCapture(target, typeof above === 'function' ? above : captureStackTrace);
    const own = Object.getOwnPropertyDescriptor(target, 'stack');
    if (own && isNative(own.value)) target.stack = withHeader(target, own.value);
  };
}

// `TypeError [ERR_SOMETHING]: message`, with a property `code`.
export function codedError(Base, code, message) {
  const error = new Base(message);
  const stack = String(error.stack);
  const end = stack.indexOf('\n');
  const first = `${error.name} [${code}]: ${message}`;
  Object.defineProperty(error, 'stack', {
    value: end < 0 ? first : first + stack.slice(stack.indexOf('\n    at')),
    writable: true,
    configurable: true,
  });
  error.code = code;
  return error;
}

// What an argument was instead: `undefined`, `type number (5)`, `an instance of Foo`.
function received(value) {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object')
    return value.constructor?.name ? `an instance of ${value.constructor.name}` : '[Object: null prototype] {}';
  const text =
    typeof value === 'string'
      ? `'${value.length > 28 ? `${value.slice(0, 25)}...` : value}'`
      : typeof value === 'bigint'
        ? `${value}n`
        : String(value);
  return `type ${typeof value} (${text})`;
}

export function invalidArgument(name, expected, actual) {
  const message = `The "${name}" argument must be ${expected}. Received ${received(actual)}`;
  return codedError(TypeError, 'ERR_INVALID_ARG_TYPE', message);
}

// What failed system calls give: `ENOENT: no such file or directory, open 'x'`.
export function systemError(code, errno, text, syscall, path) {
  const place = path === undefined ? '' : ` '${path}'`;
  const error = new Error(`${code}: ${text}, ${syscall}${place}`);
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}

export function notInSandbox(what) {
  return codedError(Error, 'ERR_ACCESS_DENIED', `${what} is not available in the sandbox`);
}
