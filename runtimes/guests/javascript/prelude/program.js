// Running a program as node runs a file, and calling its functions afterwards.

import {
  callerVariables,
  compile,
  compileModule,
  moduleVariables,
  promiseDetails,
  runModule,
  write,
} from 'internal:binding';
import { inspect } from './inspect.js';
import { hasWork, onUncaught, runLoop, settle, settleModule, startLoop } from './loop.js';
import { require } from './modules.js';
import { serve } from './objects.js';
import { leave, process } from './process.js';
import { lineOf, placeOf, setProgramText } from './program_text.js';
import { decode, encode, encodeError } from './wire.js';

const FILE = 'solution.js';
const VARIABLES = '__sandbox_variables__';
const KEEP = '__sandbox_keep__';
const PARAMETERS = `exports, require, module, __filename, __dirname, ${VARIABLES}, ${KEEP}`;
const OUT_OF_MEMORY = 256;
const UNSETTLED = 13;
const NODE = `\nNode.js ${process.version}\n`;
const MISPLACED_AWAIT = 'await is only valid in async functions and the top level bodies of modules';
const UNHANDLED =
  'This error originated either by throwing inside of an async function without a catch block, ' +
  'or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason';

// Thrown to leave the loop once the program has ended.
class End {
  constructor(code) {
    this.code = code;
  }
}

let variables;

function keep(found) {
  if (found !== null && typeof found === 'object' && Object.getPrototypeOf(found) === null) variables = found;
}
const module = {
  id: '.',
  path: '/',
  exports: {},
  filename: '/solution.js',
  loaded: false,
  children: [],
  paths: ['/node_modules'],
};

// What the engine throws when a single large request fails; small ones end the program at once.
const isOutOfMemory = (error) => error instanceof RangeError && error.message === 'Array buffer allocation failed';

// The line that threw, with a caret, as node prints it above the error.
function place(stack) {
  const found = placeOf(stack);
  const line = found && lineOf(found.line);
  if (line === undefined) return '';
  // The engine notes where the error was made, node where it was thrown.
  const before = line.slice(0, found.column - 1).replace(/\bthrow\s+(new\s+)?$/, '');
  return line.length > 500
    ? `${FILE}:${found.line}\n\n`
    : `${FILE}:${found.line}\n${line}\n${' '.repeat(before.length)}^\n\n`;
}

function describe(error) {
  if (error instanceof Error) return `${place(String(error.stack))}${inspect(error)}`;
  if (typeof error === 'object' && error !== null) return inspect(error);
  return `${String(error)}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)`;
}

function describeRejection(reason) {
  if (reason instanceof Error) return describe(reason);
  const shown = typeof reason === 'object' && reason !== null ? '#<Object>' : String(reason);
  const frame = '    at throwUnhandledRejectionsMode (node:internal/process/promises)';
  return `UnhandledPromiseRejection: ${UNHANDLED} "${shown}".\n${frame} {\n  code: 'ERR_UNHANDLED_REJECTION'\n}`;
}

function uncaught(error, kind, promise) {
  if (error instanceof End) throw error;
  if (isOutOfMemory(error)) throw new End(OUT_OF_MEMORY);
  if (kind === 'unhandledRejection' && process.listenerCount(kind) > 0) {
    process.emit(kind, error, promise);
    return;
  }
  if (kind === 'rejectionHandled') {
    process.emit(kind, promise);
    return;
  }
  process.emit('uncaughtExceptionMonitor', error, kind);
  if (process.listenerCount('uncaughtException') > 0) {
    process.emit('uncaughtException', error, kind);
    return;
  }
  write(1, `${kind === 'unhandledRejection' ? describeRejection(error) : describe(error)}\n${NODE}`);
  process.exitCode = 1;
  throw new End(leave(1));
}

onUncaught(uncaught);

// Outside of async functions `await` is a name, and what follows it comes as a surprise.
function isAfterAwait(stack) {
  const found = placeOf(stack);
  const line = found && lineOf(found.line);
  return line !== undefined && /\bawait\s+$/.test(line.slice(0, found.column - 1));
}

// A text that is no script may be a module: import, export, or await at the top.
function compileProgram(text, asModule) {
  const script = text.startsWith('#!') ? `//${text.slice(2)}` : text;
  // What is hoisted can be called though the program should fail; a directive must stay the first statement.
  const first = asModule && !/^\s*['"]use strict/.test(script) ? `${KEEP}(${VARIABLES}());` : '';
  try {
    return compile(`(function (${PARAMETERS}) {${first}\n${script}\n;return ${VARIABLES}(); })`, FILE, 0);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The end of the wrapper stands where the program's end is.
    const [, line] = /solution\.js:(\d+)/.exec(error.stack) ?? [];
    if (Number(line) > text.split('\n').length) error.message = 'Unexpected end of input';
    if (isAfterAwait(error.stack)) error.message = MISPLACED_AWAIT;
    if (!/\b(import|export|await)\b/.test(text)) throw error;
    try {
      compileModule(text, FILE, 'file:///solution.js');
    } catch (moduleError) {
      if (!/^\s*(import|export)\b/m.test(text)) throw error;
      if (isAfterAwait(moduleError.stack)) moduleError.message = MISPLACED_AWAIT;
      throw moduleError;
    }
    return undefined;
  }
}

function evaluate(text, asModule) {
  const main = compileProgram(text, asModule);
  if (main === undefined) return runModule();
  require.main = asModule ? { ...module, filename: '/tests.js' } : module;
  keep(main.call(module.exports, module.exports, require, module, module.filename, '/', callerVariables, keep));
  module.loaded = true;
  return undefined;
}

function finish(promise) {
  startLoop();
  do {
    runLoop();
    if (promise !== undefined && promiseDetails(promise)[0] === 0) {
      write(1, `Warning: Detected unsettled top-level await at\n${FILE}\n`);
      return leave(UNSETTLED);
    }
    process.emit('beforeExit', Number(process.exitCode ?? 0));
    settle();
  } while (hasWork());
  return leave();
}

// As a module, a program runs as if another one had required it.
export function run(text, asModule) {
  setProgramText(text);
  try {
    let promise;
    try {
      promise = evaluate(text, asModule);
    } catch (error) {
      uncaught(error, 'uncaughtException');
    }
    if (promise !== undefined) {
      promise.then(undefined, (error) => uncaughtLater(error));
      settleModule();
    }
    return finish(promise);
  } catch (end) {
    if (end instanceof End) return end.code;
    throw end;
  }
}

// From within a promise job nothing can be thrown out: the loop throws it at its next tick.
function uncaughtLater(error) {
  process.nextTick(() => uncaught(error, 'uncaughtException'));
}

function lookUp(name) {
  const scope = moduleVariables() ?? variables ?? {};
  for (const place of [scope, module.exports, globalThis]) {
    if (place !== null && (typeof place === 'object' || typeof place === 'function') && name in place)
      return place[name];
  }
  throw new ReferenceError(`${name} is not defined`);
}

// "f", "Class.method" or "Class().method": the function and its `this`.
function target(path) {
  const match = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)(?:(\(\))?\.([\p{ID_Start}$_][\p{ID_Continue}$]*))?$/u.exec(
    path,
  );
  if (match === null) throw new ReferenceError(`${path} is not the name of a function`);
  const [, name, instantiates, method] = match;
  const found = lookUp(name);
  if (method === undefined) return [found, undefined];
  const owner = instantiates ? new found() : found;
  return [owner[method], owner];
}

function finishPromise(result) {
  settle();
  if (!(result instanceof Promise)) return result;
  result.catch(() => {});
  runLoop(() => promiseDetails(result)[0] !== 0);
  const [state, value] = promiseDetails(result);
  if (state === 0) throw new Error('the promise never settled');
  if (state === 2) throw value;
  return value;
}

// What a test calls, with its `this`.
function find(path) {
  const [found, self] = target(path);
  return self === undefined || typeof found !== 'function' ? found : found.bind(self);
}

function answer({ function: path, args, kwargs }) {
  if (kwargs && Object.keys(kwargs).length > 0) throw new TypeError('JavaScript functions take no keyword arguments');
  const [action, self] = target(path);
  if (typeof action !== 'function') throw new TypeError(`${path} is not a function`);
  return finishPromise(Reflect.apply(action, self, args.map(decode)));
}

export function call(request) {
  try {
    const fields = JSON.parse(request);
    return fields.live ? serve(fields, lookUp, find, finishPromise) : `{"value":${encode(answer(fields))}}`;
  } catch (error) {
    if (error instanceof End) return encodeError(new Error('the program ended during the call'));
    return encodeError(error);
  }
}
