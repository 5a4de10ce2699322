// A program's side of a trusted test: what the test does with the program's functions and objects is done here.
//
// Objects stay here; the test, which is written in Python, holds their numbers. What it passed is copied, and told again
// where it was changed in place; its functions are called through the host.

import { exchange } from 'internal:binding';
import { inspect } from './inspect.js';
import { Decoder, decode, describeError, encode, encodeKnown, errorOf, isIterator, isPlain, newContext, quote } from './wire.js';

const MAX_OBJECTS = 100000;
const BLOCK = 1 << 16; // size of an iterator's items that are sent at once

const objects = [];
const numbers = new Map();
const bound = new WeakMap();
const callbacks = new Map();
const failed = new Map(); // what iterators threw behind their last items

function numberOf(value) {
  if (!numbers.has(value)) {
    if (objects.length === MAX_OBJECTS) throw new Error('too many objects for one test');
    numbers.set(value, objects.length);
    objects.push(value);
  }
  return numbers.get(value);
}

const link = (tag, number, kind = '', name = '') => `{"link":["${tag}",${number},"${kind}",${quote(name)}]}`;

const isClass = (value) => typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

// A constructor in the old style has methods on its prototype.
const isConstructor = (value) =>
  isClass(value) || (typeof value === 'function' && Object.keys(value.prototype ?? {}).length > 0);

const BUILTIN = new Set([Map, Set, Date, Number, String, Boolean].map((kind) => kind.prototype));
const TYPED = Object.getPrototypeOf(Uint8Array.prototype);

function isData(value) {
  if (Array.isArray(value) || isPlain(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return BUILTIN.has(prototype) || TYPED.isPrototypeOf(prototype);
}

// What the test gets instead of an object: its number, or its place in the request.
function linker(places) {
  return (value) => {
    if (places.has(value)) return link(...places.get(value));
    if (callbacks.has(value)) return link('callback', callbacks.get(value));
    if (typeof value === 'function') {
      return link('object', numberOf(value), isConstructor(value) ? 'class' : 'callable', value.name);
    }
    if (isData(value)) return undefined;
    const name = String(value.constructor?.name ?? 'Object').slice(0, 100);
    return link('object', numberOf(value), isIterator(value) ? 'iterator' : 'instance', name);
  };
}

function makeCallback(number) {
  const callback = (...values) => {
    const context = newContext(linker(new Map()));
    const args = [link('callback', number), ...values.map((value) => encode(value, context))].join(',');
    const reply = exchange(
      `{"function":"","args":[${args}],"kwargs":{},"records":[],"operation":"call","live":true}`,
    );
    if (reply === null) throw new Error('the host refused a call out of the sandbox');
    const { value, error } = JSON.parse(reply);
    if (error !== undefined) throw errorOf(error);
    return new LiveDecoder([], undefined).decode(value);
  };
  callbacks.set(callback, number);
  return callback;
}

class LiveDecoder extends Decoder {
  constructor(records, lookUp) {
    super();
    this.contents = records.map(([, content]) => content.dict);
    this.records = records.map(([name]) => blank(name, lookUp));
  }

  // Last: the objects may hold each other.
  fillRecords() {
    this.records.forEach((made, number) => this.fill(made, () => this.assign(made, this.contents[number])));
  }

  linked(tag, number) {
    if (tag === 'object') return objects[number];
    if (tag === 'callback') return makeCallback(number);
    return tag === 'record' ? this.records[number] : super.linked(tag, number);
  }
}

// An object of the program's class of that name, without properties.
function blank(name, lookUp) {
  let kind;
  try {
    kind = lookUp(name);
  } catch {
    // The program has no such class.
  }
  return Object.create(typeof kind === 'function' ? kind.prototype : Object.prototype);
}

// What a value holds now, one level deep.
function contentOf(value) {
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set || Array.isArray(value) || ArrayBuffer.isView(value)) return [...value];
  return Object.entries(value).flat();
}

const same = (before, now) => before.length === now.length && before.every((item, index) => Object.is(item, now[index]));

function method(value, name) {
  if (value === null || value === undefined || !(name in Object(value))) {
    throw Object.assign(new Error(`the object has no property '${name}'`), { name: 'AttributeError' });
  }
  const found = value[name];
  if (typeof found !== 'function' || isConstructor(found)) return found;
  if (!bound.has(value)) bound.set(value, new Map());
  const known = bound.get(value);
  if (!known.has(name)) known.set(name, found.bind(value));
  return known.get(name);
}

const invoke = (action, ...values) => (isConstructor(action) ? Reflect.construct(action, values) : action(...values));

const OPERATIONS = {
  find: (value) => value,
  call: invoke,
  getattr: method,
  setattr: (value, name, item) => void (value[name] = item),
  delattr: (value, name) => void delete value[name],
  getitem: (value, key) => (value instanceof Map ? value.get(key) : value[key]),
  setitem: (value, key, item) => void (value instanceof Map ? value.set(key, item) : (value[key] = item)),
  contains: (value, item) => (typeof value.has === 'function' ? value.has(item) : [...value].includes(item)),
  iter: (value) => value[Symbol.iterator](),
  len: (value) => value.length ?? value.size,
  bool: () => true,
  str: (value) => String(value),
  repr: (value) => inspect(value),
  isinstance: (value, kind) => value instanceof kind,
  state: (value) => ({ ...value }),
};

// The next items of an iterator, with false before them if there are no more, else true.
function take(iterator, count, ...sent) {
  const context = newContext(linker(new Map()));
  const items = [];
  if (failed.has(iterator)) {
    const error = failed.get(iterator);
    failed.delete(iterator);
    throw error;
  }
  try {
    for (let size = 0; items.length < count && size < BLOCK; size += items.at(-1).length) {
      const { value, done } = items.length === 0 ? iterator.next(...sent) : iterator.next();
      if (done) return ['false', ...items];
      items.push(encode(value, context));
    }
  } catch (error) {
    if (items.length === 0) throw error;
    failed.set(iterator, error);
  }
  return ['true', ...items];
}

// Does what a test asks for; `finish` waits for a promise, `find` finds a function by its name.
export function serve(fields, lookUp, find, finish) {
  const decoder = new LiveDecoder(fields.records, lookUp);
  const args = decoder.items(fields.args);
  if (Object.keys(fields.kwargs).length > 0) throw new TypeError('JavaScript functions take no keyword arguments');
  decoder.fillRecords();
  const places = new Map(decoder.known.map((value, number) => [value, ['same', number]]));
  decoder.records.forEach((value, number) => places.set(value, ['record', number]));
  const before = decoder.known.map(contentOf);
  if (fields.operation === 'take') return `{"value":[${take(...args).join(',')}]}`;
  const context = newContext(linker(places));
  let reply;
  try {
    const action = fields.operation === '' ? invoke : OPERATIONS[fields.operation];
    if (action === undefined) throw new TypeError(`JavaScript objects have no operator ${fields.operation}`);
    if (fields.operation === '' || fields.operation === 'find') args.unshift(find(fields.function));
    reply = `"value":${encode(finish(action(...args)), context)}`;
  } catch (error) {
    reply = `"error":${describeError(error)}`;
  }
  const changed = decoder.known.flatMap((value, number) =>
    same(before[number], contentOf(value)) ? [] : [`[${number},${encodeChanged(value, context)}]`],
  );
  return changed.length === 0 ? `{${reply}}` : `{${reply},"changes":[${changed.join(',')}]}`;
}

function encodeChanged(value, context) {
  return encodeKnown(isData(value) ? value : { ...value }, context);
}
