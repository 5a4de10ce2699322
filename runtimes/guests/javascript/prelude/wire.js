// Values that cross the sandbox: JSON with marks for what JSON lacks.

import { className } from 'internal:binding';
import { encode as encodeText } from './encodings.js';
import { inspect, isTypedArrayName } from './inspect.js';

const MAX_DEPTH = 100;
const MAX_MESSAGE = 10000;
const MAX_REPR = 1000;
const MAX_TEXT = 1 << 20;

class CannotCross extends Error {}

const refuse = (what) => {
  throw new CannotCross(`${what} cannot cross the sandbox`);
};

function encodeNumber(value) {
  if (Number.isInteger(value) && !Object.is(value, -0)) {
    return Number.isSafeInteger(value) ? String(value) : `{"int":"${BigInt(value)}"}`;
  }
  if (Number.isNaN(value)) return '{"float":"nan"}';
  if (!Number.isFinite(value)) return `{"float":"${value > 0 ? 'inf' : '-inf'}"}`;
  const text = Object.is(value, -0) ? '-0.0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const quote = (text) =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function encodeValue(value, context) {
  switch (typeof value) {
    case 'undefined':
      return '{"undefined":true}';
    case 'boolean':
      return String(value);
    case 'string':
      return counted(quote(value), context);
    case 'number':
      return encodeNumber(value);
    case 'bigint':
      return counted(`{"int":"${value}"}`, context);
    default:
      return value === null ? 'null' : encodeObject(value, context);
  }
}

function counted(text, context) {
  context.size += text.length;
  if (context.size > MAX_TEXT) refuse('a value too large');
  return text;
}

function encodeObject(value, context) {
  if (context.open.length >= MAX_DEPTH) refuse('a value nested too deeply');
  if (context.open.includes(value)) refuse('a value that contains itself');
  context.open.push(value);
  context.size += 2;
  const text = encodeContents(value, context);
  context.open.pop();
  return text;
}

function encodeContents(value, context) {
  const kind = className(value);
  const list = (items) => `[${Array.from(items, (item) => encodeValue(item, context)).join(',')}]`;
  const dict = (pairs) => `{"dict":${list(pairs)}}`;
  if (Array.isArray(value) || isTypedArrayName(kind)) return list(value);
  if (kind === 'Set') return `{"set":${list(value)}}`;
  if (kind === 'Map') return dict(value);
  const prototype = Object.getPrototypeOf(value);
  if (typeof value === 'object' && (prototype === Object.prototype || prototype === null) && kind === 'Object')
    return dict(Object.entries(value));
  if (kind === 'Number' || kind === 'String' || kind === 'Boolean') return encodeValue(value.valueOf(), context);
  const type = String(value.constructor?.name ?? kind).slice(0, 100);
  return counted(`{"object":${quote(inspect(value).slice(0, MAX_REPR))},"type":${quote(type)}}`, context);
}

export function encode(value) {
  return encodeValue(value, { size: 0, open: [] });
}

const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity };

function decodeBytes(text) {
  return encodeText(text, 'hex');
}

function decodeDict(pairs) {
  const decoded = pairs.map(([key, value]) => [decode(key), decode(value)]);
  if (!decoded.every(([key]) => typeof key === 'string')) return new Map(decoded);
  const object = {};
  for (const [key, value] of decoded)
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  return object;
}

export function decode(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const [mark] = Object.keys(value);
  const content = value[mark];
  switch (mark) {
    case 'int':
      return Number.isSafeInteger(Number(content)) ? Number(content) : BigInt(content);
    case 'float':
      return FLOATS[content];
    case 'tuple':
      return content.map(decode);
    case 'set':
    case 'frozenset':
      return new Set(content.map(decode));
    case 'dict':
      return decodeDict(content);
    case 'bytes':
      return decodeBytes(content);
    case 'undefined':
      return undefined;
    default:
      return value;
  }
}

// A reply that tells an error. Python's names for the kinds of errors are not needed: the host shows them as they are.
export function encodeError(error) {
  const isError = error !== null && typeof error === 'object' && typeof error.message === 'string';
  const type = error instanceof CannotCross ? 'ValueError' : isError ? String(error.name) : 'Error';
  let message = isError ? error.message : inspect(error);
  if (message.length > MAX_MESSAGE) message = message.slice(0, MAX_MESSAGE);
  return `{"error":{"type":${quote(type)},"message":${quote(message)}}}`;
}

// A function whose calls the host answers (trusted programs only).
export function makeProxy(name, ask) {
  return (...values) => {
    const args = values.map((value) => encode(value)).join(',');
    const reply = ask(`{"function":${quote(String(name))},"args":[${args}],"kwargs":{}}`);
    if (reply === null) throw new Error(`the host refused the call of ${name}`);
    const { value, error } = JSON.parse(reply);
    if (error === undefined) return decode(value);
    const failure = new Error(error.message);
    failure.name = error.type;
    throw failure;
  };
}
