// How inspect() shows errors: the stack, under the right name, and what else the error holds.

import { hasOwn, keysOf, prefixOf } from './inspect.js';

export function errorForm(context, value, prefix, level, constructor, tag) {
  const stack = errorStack(value);
  const keys = keysOf(context, value, false).filter((key) => !repeatsStack(value, key, stack, context));
  for (const extra of ['cause', 'errors']) {
    if (!hasOwn(value, extra) || keys.includes(extra)) continue;
    if (extra === 'cause' || Array.isArray(value.errors)) keys.push(extra);
  }
  const base = indented(context, bracketed(value, improved(stack, value, constructor, tag)));
  return keys.length === 0 ? { whole: base } : { base, braces: ['{', '}'], keys };
}

function errorStack(error) {
  const { stack } = error;
  if (!stack) return Error.prototype.toString.call(error);
  // The engine's own kind of error has frames only.
  return String(stack).startsWith('    at ') ? `${Error.prototype.toString.call(error)}\n${stack}` : String(stack);
}

function repeatsStack(error, key, stack, context) {
  if (context.showHidden || (key !== 'name' && key !== 'message' && key !== 'stack')) return false;
  return typeof error[key] !== 'string' || stack.includes(error[key]);
}

// A stack names the error; a class of another name is shown too: `Special [Error]: message`.
function improved(stack, error, constructor, tag) {
  const name = error.name === undefined || error.name === null ? 'Error' : String(error.name);
  const says =
    name.endsWith('Error') && stack.startsWith(name) && /^($|[:\n])/.test(stack.slice(name.length, name.length + 1));
  if (constructor !== null && !says) return stack;
  let fallback = 'Error';
  let length = name.length;
  if (constructor === null) {
    const start = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n\s+at)/.exec(stack) || /^([a-z_A-Z0-9-]*Error)$/.exec(stack);
    length = start ? start[1].length : 0;
    fallback = start ? start[1] : 'Error';
  }
  const prefix = prefixOf(constructor, tag, fallback).slice(0, -1);
  if (name === prefix) return stack;
  if (!prefix.includes(name)) return `${prefix} [${name}]${stack.slice(length)}`;
  return length === 0 ? `${prefix}: ${stack}` : `${prefix}${stack.slice(length)}`;
}

// Without a trace an error stands in brackets: [Error: message].
function bracketed(error, stack) {
  const at = error.message ? stack.indexOf(error.message) : -1;
  const end = at < 0 ? 0 : at + String(error.message).length;
  return stack.includes('\n    at', end) ? stack : `[${stack}]`;
}

function indented(context, text) {
  return context.indentation === 0 ? text : text.replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
}
