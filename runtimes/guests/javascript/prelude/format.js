// util.format: what console.log does with its arguments.

import { className } from 'internal:binding';
import { inspect } from './inspect.js';
import { showBigInt, showNumber } from './quote.js';

const PLACEHOLDER = /%[sdifjoOc%]/g;

export function format(...values) {
  return formatWithOptions({}, ...values);
}

export function formatWithOptions(options, ...values) {
  const [first, ...rest] = values;
  const shown = (value) => show(value, options);
  if (typeof first !== 'string') return values.length === 1 ? show(first, options) : values.map(shown).join(' ');
  if (rest.length === 0) return first;
  let used = 0;
  const text = first.replace(PLACEHOLDER, (placeholder) => {
    if (placeholder === '%%') return '%';
    if (used >= rest.length) return placeholder;
    return substitute(placeholder, rest[used++], options);
  });
  return [text, ...rest.slice(used).map(shown)].join(' ');
}

function show(value, options) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !options.numericSeparator) return showNumber(value);
  return inspect(value, { ...options, compact: 3, colors: false });
}

function substitute(placeholder, value, options) {
  switch (placeholder) {
    case '%s':
      return asText(value, options);
    case '%d':
      return asNumber(value);
    case '%i':
      return asInteger(value);
    case '%f':
      return typeof value === 'symbol' ? 'NaN' : showNumber(Number.parseFloat(value));
    case '%j':
      return asJson(value);
    case '%o':
      return inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 });
    case '%O':
      return inspect(value, options);
    default:
      return '';
  }
}

function asText(value, options) {
  if (typeof value === 'number') return showNumber(value);
  if (typeof value === 'bigint') return showBigInt(value);
  if (typeof value !== 'object' || value === null || hasOwnToString(value)) return String(value);
  return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
}

// Does a class of the program (not of the language) say how the object becomes text?
function hasOwnToString(value) {
  if (className(value) === 'Proxy' || typeof value.toString !== 'function') return false;
  if (Object.prototype.hasOwnProperty.call(value, 'toString')) return true;
  let object = value;
  do {
    object = Object.getPrototypeOf(object);
  } while (object !== null && !Object.prototype.hasOwnProperty.call(object, 'toString'));
  const constructor = object === null ? undefined : object.constructor;
  return typeof constructor === 'function' && !BUILTINS.has(constructor);
}

const BUILTINS = new Set(
  Object.getOwnPropertyNames(globalThis)
    .filter((name) => /^[A-Z]/.test(name))
    .map((name) => globalThis[name])
    .filter((value) => typeof value === 'function'),
);

function asNumber(value) {
  if (typeof value === 'bigint') return showBigInt(value);
  return typeof value === 'symbol' ? 'NaN' : showNumber(Number(value));
}

function asInteger(value) {
  if (typeof value === 'bigint') return showBigInt(value);
  return typeof value === 'symbol' ? 'NaN' : showNumber(Number.parseInt(value, 10));
}

function asJson(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (String(error.message).includes('circular')) return '[Circular]';
    throw error;
  }
}
