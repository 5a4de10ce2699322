// Values that cross the sandbox: JSON with marks for what JSON lacks.

import { className } from 'internal:binding';
import { encode as encodeText } from './encodings.js';
import { inspect, isTypedArrayName } from './inspect.js';

const MAX_DEPTH = 100;
const MAX_MESSAGE = 10000;
const MAX_REPR = 1000;
const MAX_TEXT = 1 << 20;
const MAX_ITEMS = 100000;

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

export const quote = (text) =>
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
  const link = context.link?.(value);
  if (link !== undefined) return link;
  if (context.open.length >= MAX_DEPTH) refuse('a value nested too deeply');
  if (context.open.includes(value)) refuse('a value that contains itself');
  context.open.push(value);
  context.size += 2;
  const text = encodeContents(value, context);
  context.open.pop();
  return text;
}

const list = (items, context) => `[${Array.from(items, (item) => encodeValue(item, context)).join(',')}]`;

// Elements of sets and keys of maps are compared as data, where an array is a tuple.
function encodeKey(value, context) {
  if (Array.isArray(value)) return `{"tuple":[${value.map((item) => encodeKey(item, context)).join(',')}]}`;
  return typeof value === 'object' && value !== null ? encodeOpaque(value, context) : encodeValue(value, context);
}

function dict(pairs, context) {
  const texts = Array.from(pairs, ([key, value]) => `[${encodeKey(key, context)},${encodeValue(value, context)}]`);
  return `{"dict":[${texts.join(',')}]}`;
}

function drain(iterator) {
  const items = [];
  for (const item of iterator) if (items.push(item) > MAX_ITEMS) refuse(`an iterator of more than ${MAX_ITEMS} items`);
  return items;
}

export const isIterator = (value) => typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function';

export function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return typeof value === 'object' && (prototype === Object.prototype || prototype === null);
}

// What a value of the language itself holds; undefined for objects of the program.
function encodeBuiltin(value, kind, context) {
  if (Array.isArray(value) || isTypedArrayName(kind)) return list(value, context);
  if (kind === 'Set') return `{"set":[${Array.from(value, (item) => encodeKey(item, context)).join(',')}]}`;
  if (kind === 'Map') return dict(value, context);
  if (kind === 'Object' && isPlain(value)) return dict(Object.entries(value), context);
  if (kind === 'Number' || kind === 'String' || kind === 'Boolean') return encodeValue(value.valueOf(), context);
  if (kind === 'Date') return Number.isNaN(value.getTime()) ? 'null' : `{"datetime":["${value.toISOString()}"]}`;
  return undefined;
}

function encodeContents(value, context) {
  const builtin = encodeBuiltin(value, className(value), context);
  if (builtin !== undefined) return builtin;
  if (typeof value === 'object' && isIterator(value)) return `{"iterator":${list(drain(value), context)}}`;
  return encodeOpaque(value, context);
}

function encodeOpaque(value, context) {
  const type = String(value.constructor?.name ?? className(value)).slice(0, 100);
  const attributes =
    typeof value === 'object' && context.open.includes(value) ? `,"attributes":${dict(Object.entries(value), context)}` : '';
  return counted(`{"object":${quote(inspect(value).slice(0, MAX_REPR))},"type":${quote(type)}${attributes}}`, context);
}

// `link` may give what stands for an object that stays here.
export const newContext = (link) => ({ size: 0, open: [], link });

export function encode(value, context = newContext()) {
  return encodeValue(value, context);
}

// The contents of an object that is else known by its number.
export function encodeKnown(value, context) {
  context.open.push(value);
  const text = encodeContents(value, context);
  context.open.pop();
  return text;
}

const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity };

const isText = ([key]) => typeof key === 'string';

const NUMBERED = /^(deque|array|bytearray|dict|set|counter|ordereddict|defaultdict.*)$/;

// Decodes one message. Values that can be changed in place are kept in the order in which they are met.
export class Decoder {
  known = [];

  linked(tag, number) {
    if (tag !== 'same') return refuse(`a link to a ${tag}`);
    return this.known[number];
  }

  items(contents) {
    return contents.map((item) => this.decode(item));
  }

  decode(value) {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.fillArray(value);
    const [mark] = Object.keys(value);
    const content = value[mark];
    if (mark === 'link') return this.linked(...content);
    if (!NUMBERED.test(mark)) return this.decodeFixed(mark, content, value);
    if (mark === 'bytearray') return this.fill(this.decode(content[0]));
    if (mark === 'set') return this.fill(new Set(), (made) => this.items(content).forEach((item) => made.add(item)));
    if (mark === 'deque' || mark === 'array') return this.fillArray(content.slice(1));
    return this.decodeDict(content);
  }

  fill(made, action) {
    this.known.push(made);
    action?.(made);
    return made;
  }

  fillArray(contents) {
    return this.fill([], (made) => contents.forEach((item) => made.push(this.decode(item))));
  }

  decodeDict(pairs) {
    if (!pairs.every(isText)) {
      return this.fill(new Map(), (made) => {
        for (const [key, value] of pairs) made.set(this.decode(key), this.decode(value));
      });
    }
    return this.fill({}, (made) => this.assign(made, pairs));
  }

  assign(made, pairs) {
    for (const [key, value] of pairs) {
      const own = { value: this.decode(value), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(made, key, own);
    }
  }

  // Values that cannot be changed in place.
  decodeFixed(mark, content, value) {
    switch (mark) {
      case 'int':
        return Number.isSafeInteger(Number(content)) ? Number(content) : BigInt(content);
      case 'float':
        return FLOATS[content];
      case 'tuple':
      case 'values':
        return this.items(content);
      case 'frozenset':
        return new Set(this.items(content));
      case 'keys':
        return new Set(content.map(([key]) => this.decode(key)));
      case 'items':
        return content.map((pair) => this.items(pair));
      case 'member':
        return this.decode(content[2]);
      case 'namedtuple':
        return this.items(content[2]);
      case 'iterator':
        return this.items(content).values();
      case 'bytes':
        return encodeText(content, 'hex');
      case 'undefined':
        return undefined;
      case 'range':
        return range(...this.items(content));
      case 'fraction':
        return Number(this.decode(content[0])) / Number(this.decode(content[1]));
      case 'decimal':
        return Number(content[0]);
      case 'date':
      case 'datetime':
        return new Date(content[0]);
      case 'time':
      case 'named':
        return content[0];
      case 'object':
        return value;
      default:
        return refuse(`a Python ${mark}`);
    }
  }
}

function range(start, stop, step) {
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_TEXT)) refuse('a range of this length');
  return Array.from({ length }, (_, index) => start + index * step);
}

export const decode = (value) => new Decoder().decode(value);

const STANDARD_ERRORS = new Set([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((kind) => kind.name));

// The name of an error, or that of its class where it has the name of a standard one only by inheritance.
function errorName(error) {
  const name = String(error.name);
  const own = STANDARD_ERRORS.has(name) && !Object.hasOwn(error, 'name') && error.constructor?.name;
  return typeof own === 'string' && own !== '' ? own : name;
}

// An exception by its name. Python's names for the kinds of errors are not needed: the host shows them as they are.
export function describeError(error) {
  const isError = error !== null && typeof error === 'object' && typeof error.message === 'string';
  const type = error instanceof CannotCross ? 'ValueError' : isError ? errorName(error) : 'Error';
  let message = isError ? error.message : inspect(error);
  if (message.length > MAX_MESSAGE) message = message.slice(0, MAX_MESSAGE);
  return `{"type":${quote(type)},"message":${quote(message)}}`;
}

export const encodeError = (error) => `{"error":${describeError(error)}}`;

export function errorOf({ type, message }) {
  const failure = new Error(message);
  failure.name = type;
  return failure;
}

// A function whose calls the host answers (trusted programs only).
export function makeProxy(name, ask) {
  return (...values) => {
    const args = values.map((value) => encode(value)).join(',');
    const reply = ask(`{"function":${quote(String(name))},"args":[${args}],"kwargs":{}}`);
    if (reply === null) throw new Error(`the host refused the call of ${name}`);
    const { value, error } = JSON.parse(reply);
    if (error !== undefined) throw errorOf(error);
    return decode(value);
  };
}
