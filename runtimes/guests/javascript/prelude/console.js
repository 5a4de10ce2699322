// The global console.

import { now, write } from 'internal:binding';
import { format, formatWithOptions } from './format.js';
import { inspect } from './inspect.js';
import { table } from './table.js';

const STDOUT = 0;
const STDERR = 1;

function duration(microseconds) {
  const milliseconds = microseconds / 1000;
  if (milliseconds >= 3600000) return `${(milliseconds / 3600000).toFixed(3)}h`;
  if (milliseconds >= 60000) return `${(milliseconds / 60000).toFixed(3)}m`;
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(3)}s`;
  return `${Number(milliseconds.toFixed(3))}ms`;
}

// `put(stream, text)` is where the lines go: the program's output, or the streams of `new console.Console`.
function makeConsole(put) {
  const counts = new Map();
  const timers = new Map();
  let indent = '';

  function print(stream, text) {
    const line = indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`);
    put(stream, `${line}\n`);
  }

  const log = (...values) => print(STDOUT, format(...values));
  const error = (...values) => print(STDERR, format(...values));

  function elapsed(label, what) {
    const start = timers.get(label);
    if (start === undefined) {
      process.emitWarning(`No such label '${label}' for console.${what}()`);
      return undefined;
    }
    return duration(now() - start);
  }

  const methods = {
    log,
    warn: error,
    dir(value, options) {
      print(STDOUT, inspect(value, { customInspect: false, ...options }));
    },
    time(label = 'default') {
      if (timers.has(`${label}`)) process.emitWarning(`Label '${label}' already exists for console.time()`);
      else timers.set(`${label}`, now());
    },
    timeEnd(label = 'default') {
      const took = elapsed(`${label}`, 'timeEnd');
      if (took !== undefined) log('%s: %s', label, took);
      timers.delete(`${label}`);
    },
    timeLog(label = 'default', ...values) {
      const took = elapsed(`${label}`, 'timeLog');
      if (took !== undefined) log('%s: %s', label, took, ...values);
    },
    trace(...values) {
      const holder = { name: 'Trace', message: format(...values) };
      Error.captureStackTrace(holder, methods.trace);
      error(holder.stack);
    },
    assert(condition, ...values) {
      if (condition) return;
      if (values.length === 0) error('Assertion failed');
      else error(`Assertion failed: ${String(values[0])}`, ...values.slice(1));
    },
    clear() {},
    count(label = 'default') {
      const count = (counts.get(`${label}`) ?? 0) + 1;
      counts.set(`${label}`, count);
      log(`${label}: ${count}`);
    },
    countReset(label = 'default') {
      if (!counts.has(`${label}`)) process.emitWarning(`Count for '${label}' does not exist`);
      counts.delete(`${label}`);
    },
    group(...values) {
      if (values.length > 0) log(...values);
      indent += '  ';
    },
    groupEnd() {
      indent = indent.slice(2);
    },
    table(data, properties) {
      if (data === null || typeof data !== 'object') log(data);
      else print(STDOUT, table(data, properties));
    },
    debug: log,
    info: log,
    dirxml: log,
    error,
  };
  methods.groupCollapsed = methods.group;
  return methods;
}

export const console = makeConsole((stream, text) => write(stream, text));

// new console.Console(stdout, stderr) writes to streams.
console.Console = function Console(stdout, stderr = stdout) {
  const streams = stdout && stdout.stdout ? [stdout.stdout, stdout.stderr ?? stdout.stdout] : [stdout, stderr];
  return Object.assign(
    this ?? {},
    makeConsole((stream, text) => streams[stream].write(text)),
  );
};

export { format, formatWithOptions };
