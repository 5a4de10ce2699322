// util.isDeepStrictEqual, and the comparison of assert.deepEqual.

import { className } from 'internal:binding';
import { isTypedArrayName } from './inspect.js';

const isObject = (value) => typeof value === 'object' && value !== null;

export function isDeepEqual(a, b, strict) {
  return equal(a, b, { strict, pairs: new Map() });
}

function primitiveEqual(a, b, strict) {
  if (strict) return Object.is(a, b);
  return a == b || (Number.isNaN(a) && Number.isNaN(b));
}

function equal(a, b, context) {
  if (a === b) return a !== 0 || !context.strict || Object.is(a, b);
  if (!isObject(a) || !isObject(b)) {
    if (context.strict || (!isObject(a) && !isObject(b))) {
      return typeof a === 'function' || typeof b === 'function'
        ? false
        : !isObject(a) && !isObject(b) && primitiveEqual(a, b, context.strict);
    }
    return false;
  }
  const kind = className(a);
  if (kind !== className(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (context.strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (!sameInside(kind, a, b, context)) return false;
  return sameCyclic(kind, a, b, context);
}

// What objects hold that is not in their properties.
function sameInside(kind, a, b, context) {
  switch (kind) {
    case 'Date':
      return Object.is(a.getTime(), b.getTime());
    case 'RegExp':
      return String(a) === String(b) && a.lastIndex === b.lastIndex;
    case 'Error':
      return a.message === b.message && a.name === b.name;
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'Symbol':
    case 'BigInt':
      return Object.is(a.valueOf(), b.valueOf());
    case 'Promise':
    case 'WeakMap':
    case 'WeakSet':
      return false;
    case 'ArrayBuffer':
      return sameBytes(new Uint8Array(a), new Uint8Array(b), context);
    default:
      return !isTypedArrayName(kind) || sameBytes(a, b, context);
  }
}

function sameBytes(a, b, context) {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const same = context.strict ? Object.is(a[index], b[index]) : a[index] === b[index];
    if (!same) return false;
  }
  return true;
}

function sameCyclic(kind, a, b, context) {
  if (context.pairs.get(a) === b) return true;
  const before = context.pairs.get(a);
  context.pairs.set(a, b);
  const same = sameProperties(kind, a, b, context) && sameItems(kind, a, b, context);
  if (before === undefined) context.pairs.delete(a);
  else context.pairs.set(a, before);
  return same;
}

function ownKeys(value, kind, context) {
  const keys = isTypedArrayName(kind) ? [] : Object.keys(value);
  if (!context.strict) return keys;
  const symbols = Object.getOwnPropertySymbols(value);
  return keys.concat(symbols.filter((key) => Object.prototype.propertyIsEnumerable.call(value, key)));
}

function sameProperties(kind, a, b, context) {
  if (Array.isArray(a) && a.length !== b.length) return false;
  const keys = ownKeys(a, kind, context);
  if (keys.length !== ownKeys(b, kind, context).length) return false;
  return (
    keys.every((key) => Object.prototype.hasOwnProperty.call(b, key)) &&
    keys.every((key) => equal(a[key], b[key], context))
  );
}

function sameItems(kind, a, b, context) {
  if (kind === 'Set')
    return (
      a.size === b.size &&
      matched(
        [...a],
        [...b],
        (x, y) => equal(x, y, context),
        (x) => b.has(x),
      )
    );
  if (kind !== 'Map') return true;
  if (a.size !== b.size) return false;
  const samePair = ([key, value], [otherKey, otherValue]) =>
    equal(key, otherKey, context) && equal(value, otherValue, context);
  return matched(
    [...a],
    [...b],
    samePair,
    ([key, value]) => !isObject(key) && b.has(key) && equal(value, b.get(key), context),
  );
}

// Every item of one list has a partner of its own in the other.
function matched(items, others, same, isEasy) {
  const rest = items.filter((item) => !isEasy(item));
  const free = rest.length === items.length ? others : [...others];
  return rest.every((item) => {
    const index = free.findIndex((other) => same(item, other));
    if (index < 0) return false;
    free.splice(index, 1);
    return true;
  });
}
