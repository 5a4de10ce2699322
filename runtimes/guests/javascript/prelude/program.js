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
import { decode, encode, encodeError } from './wire.js';

const FILE = 'solution.js';
const VARIABLES = '__sandbox_variables__';
const KEEP = '__sandbox_keep__';
const PARAMETERS = `exports, require, module, __filename, __dirname, ${VARIABLES}, ${KEEP}`;
const OUT_OF_MEMORY = 256;
const UNSETTLED = 13;
const NODE = `\nNode.js ${process.version}\n`;
const UNHANDLED =
  'This error originated either by throwing inside of an async function without a catch block, ' +
  'or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason';

// Thrown to leave the loop once the program has ended.
class End {
  constructor(code) {
    this.code = code;
  }
}

let source = '';
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
  const match = /solution\.js:(\d+):(\d+)/.exec(stack);
  if (match === null) return '';
  const line = source.split('\n')[Number(match[1]) - 1];
  if (line === undefined) return '';
  const caret = ' '.repeat(Math.max(0, Number(match[2]) - 1));
  return line.length > 500 ? `${FILE}:${match[1]}\n\n` : `${FILE}:${match[1]}\n${line}\n${caret}^\n\n`;
}

function describe(error) {
  if (error instanceof Error) return `${place(String(error.stack))}${inspect(error)}`;
  return `Uncaught:\n${inspect(error)}`;
}

function describeRejection(reason) {
  if (reason instanceof Error) return describe(reason);
  const shown = typeof reason === 'object' && reason !== null ? '#<Object>' : String(reason);
  return `[UnhandledPromiseRejection: ${UNHANDLED} "${shown}".] {\n  code: 'ERR_UNHANDLED_REJECTION'\n}`;
}

function uncaught(error, kind, promise) {
  if (error instanceof End) throw error;
  if (isOutOfMemory(error)) throw new End(OUT_OF_MEMORY);
  if (kind === 'unhandledRejection' && process.listenerCount(kind) > 0) {
    process.emit(kind, error, promise);
    return;
  }
  if (process.listenerCount('uncaughtException') > 0) {
    process.emit('uncaughtException', error, kind);
    return;
  }
  write(1, `${kind === 'unhandledRejection' ? describeRejection(error) : describe(error)}\n${NODE}`);
  process.exitCode = 1;
  throw new End(leave(1));
}

onUncaught(uncaught);

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
    if (!/\b(import|export|await)\b/.test(text)) throw error;
    try {
      compileModule(text, FILE, 'file:///solution.js');
    } catch (moduleError) {
      throw /^\s*(import|export)\b/m.test(text) ? moduleError : error;
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
  source = text;
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
