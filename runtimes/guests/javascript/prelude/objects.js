// A program's side of a trusted test: what the test does with the program's functions and objects is done here.
//
// Objects stay here; the test, which is written in Python, holds their numbers. What it passed is copied, and told again
// where it was changed in place; its functions are called through the host.

import { className, exchange } from 'internal:binding';
import { inspect } from './inspect.js';
import { Decoder, decode, describeError, encode, encodeKnown, errorOf, isIterator, isPlain, newContext, quote } from './wire.js';

const MAX_OBJECTS = 100000;
const BLOCK = 1 << 16; // size of an iterator's items that are sent at once

const objects = [];
const numbers = new Map();
const bound = new WeakMap();
const callbacks = new Map(); // what tests have lent: by which of them, and its number there
const borrowed = new Map(); // and back
const failed = new Map(); // what iterators threw behind their last items

let test = 0; // which one asks

function numberAt(place) {
  if (place.test !== test) throw new Error('the test that has lent this is over');
  return place.number;
}

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

const FIXED = new Set([Date, Number, String, Boolean].map((kind) => kind.prototype));

function isData(value) {
  if (Array.isArray(value) || isPlain(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return BUILTIN.has(prototype) || TYPED.isPrototypeOf(prototype);
}

// What the test gets instead of an object: its number, or its place in the request.
function linker(places) {
  return (value) => {
    if (places.has(value)) return link(...places.get(value));
    if (callbacks.has(value)) return link('callback', numberAt(callbacks.get(value)));
    if (typeof value === 'function') {
      return link('object', numberOf(value), isConstructor(value) ? 'class' : 'callable', value.name);
    }
    if (isData(value)) return undefined;
    const name = String(value.constructor?.name ?? 'Object').slice(0, 100);
    return link('object', numberOf(value), isIterator(value) ? 'iterator' : 'instance', name);
  };
}

// What a request to the test tells of its arguments: those that can be changed in place are numbered.
function numbering(places) {
  const known = linker(places);
  return (value) => {
    const found = known(value);
    if (found === undefined && isMutable(value)) places.set(value, ['same', places.size]);
    return found;
  };
}

const isMutable = (value) => isData(value) && !FIXED.has(Object.getPrototypeOf(value));

function replaceContent(target, made) {
  if (target instanceof Map || target instanceof Set) {
    target.clear();
    for (const item of made instanceof Map || made instanceof Set ? made : Object.entries(made)) {
      target instanceof Map ? target.set(...item) : target.add(item);
    }
  } else if (ArrayBuffer.isView(target)) {
    target.set(made);
  } else if (Array.isArray(target)) {
    target.length = 0;
    for (const item of made) target.push(item);
  } else {
    for (const key of Object.keys(target)) delete target[key];
    for (const [key, item] of made instanceof Map ? made : Object.entries(made)) target[key] = item;
  }
}

// Has the test do something with what it has lent.
function request(operation, place, ...values) {
  const places = new Map();
  const context = newContext(numbering(places));
  const args = [link('callback', numberAt(place)), ...values.map((value) => encode(value, context))].join(',');
  const text = exchange(
    `{"function":"","args":[${args}],"kwargs":{},"records":[],"operation":"${operation}","live":true}`,
  );
  if (text === null) throw new Error('the host refused a call out of the sandbox');
  const { value, error, changes = [] } = JSON.parse(text);
  const decoder = new LiveDecoder([], undefined, [...places.keys()]);
  const contents = changes.map(([place, content]) => [decoder.shared[place], decoder.decode(content)]);
  for (const [target, made] of contents) replaceContent(target, made);
  if (error !== undefined) throw decoder.failure(error);
  return decoder.decode(value);
}

// What stands for something of the test: a function, an iterator, or an object with methods.
function borrow(number, kind) {
  const key = `${test} ${number}`;
  if (!borrowed.has(key)) {
    const place = { test, number };
    const made = kind === 'iterator' ? fetch(place) : makeBorrowed(place, kind.split(' '));
    borrowed.set(key, made);
    callbacks.set(made, place);
  }
  return borrowed.get(key);
}

function makeBorrowed(place, [kind, ...answers]) {
  const call = (...values) => request('call', place, ...values);
  if (kind !== 'instance') return call;
  const get = (target, name) => {
    if (typeof name === 'string') return name in target ? target[name] : request('getattr', place, name);
    return name === Symbol.iterator && answers.includes('iter') ? () => request('iter', place) : target[name];
  };
  const set = (_, name, value) => (request('setattr', place, name, value), true);
  return new Proxy(answers.includes('call') ? call : {}, { get, set });
}

function* fetch(place) {
  for (let more = true, result, items, sent; more; ) {
    [more, result, ...items] = sent === undefined ? request('take', place, 1) : request('take', place, 1, sent);
    if (items.length === 0) return result;
    sent = yield items[0];
  }
}

class LiveDecoder extends Decoder {
  constructor(records, lookUp, shared) {
    super();
    this.shared = shared;
    this.contents = records.map(([, content]) => content.dict);
    this.records = records.map(([name]) => blank(name, lookUp));
  }

  // Last: the objects may hold each other.
  fillRecords() {
    this.records.forEach((made, number) => this.fill(made, () => this.assign(made, this.contents[number])));
  }

  linked(tag, number, kind) {
    if (tag === 'object') return objects[number];
    if (tag === 'callback') return borrow(number, kind);
    if (tag === 'record') return this.records[number];
    return this.shared === undefined ? super.linked(tag, number) : this.shared[number];
  }

  // An exception of the test; one that came from here is itself again.
  failure(description) {
    const own = description.self?.link ?? [];
    if (own[0] === 'object') return objects[own[1]];
    const made = errorOf(description);
    if (own[0] === 'callback') callbacks.set(made, { test, number: own[1] });
    return made;
  }

  decodeFixed(mark, content, value) {
    return mark === 'exception' ? this.failure(content) : super.decodeFixed(mark, content, value);
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

// Whether the program has a class of this name.
function defines(name, lookUp) {
  try {
    return typeof lookUp(name) === 'function';
  } catch {
    return false;
  }
}

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

// What an object consists of, by which the test compares: its properties, and what else it holds. What cannot be read
// from outside, as a private field, makes it equal to itself only.
function state(value) {
  const kind = className(value);
  if (kind === 'Map') return { ...value, '[[entries]]': [...Map.prototype.entries.call(value)] };
  if (kind === 'Set') return { ...value, '[[entries]]': [...Set.prototype.values.call(value)] };
  if (kind === 'Error') return { name: value.name, message: value.message, ...value };
  return kind === 'Object' && !hasPrivate(value) ? { ...value } : { ...value, '[[number]]': numberOf(value) };
}

function hasPrivate(value) {
  for (let made = value; (made = Object.getPrototypeOf(made)) !== null; ) {
    const kind = Object.getOwnPropertyDescriptor(made, 'constructor')?.value;
    if (isClass(kind) && /\.#/.test(Function.prototype.toString.call(kind))) return true;
  }
  return false;
}

const invoke = (action, ...values) => (isConstructor(action) ? Reflect.construct(action, values) : action(...values));

const OPERATIONS = {
  find: (value) => value,
  call: invoke,
  getattr: method,
  close: (value) => void value.return?.(),
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
  defines,
  isinstance: (value, kind) => value instanceof kind,
  state,
};

// The next items of an iterator. Before them: whether there may be more, and what it returned if not.
function take(iterator, count, ...sent) {
  return itemsOf(iterator, count, () => iterator.next(...sent));
}

function itemsOf(iterator, count, first) {
  const context = newContext(linker(new Map()));
  const items = [];
  if (failed.has(iterator)) {
    const error = failed.get(iterator);
    failed.delete(iterator);
    throw error;
  }
  try {
    for (let size = 0; items.length < count && size < BLOCK; size += items.at(-1).length) {
      const { value, done } = items.length === 0 ? first() : iterator.next();
      if (done) return ['false', encode(value, context), ...items];
      items.push(encode(value, context));
    }
  } catch (error) {
    if (items.length === 0) throw error;
    failed.set(iterator, error);
  }
  return ['true', 'null', ...items];
}

const FETCHING = { take, throw: (iterator, error) => itemsOf(iterator, 1, () => iterator.throw(error)) };

// An exception by its name, and where it stays: the test may ask for its properties.
function describe(error) {
  const text = describeError(error);
  if (error === null || typeof error !== 'object') return text;
  const place = callbacks.has(error) ? ['callback', numberAt(callbacks.get(error))] : ['object', numberOf(error)];
  return `${text.slice(0, -1)},"self":${link(...place, 'error')}}`;
}

// Does what a test asks for; `finish` waits for a promise, `find` finds a function by its name.
export function serve(fields, lookUp, find, finish) {
  test = fields.test;
  const decoder = new LiveDecoder(fields.records, lookUp);
  const args = decoder.items(fields.args);
  if (Object.keys(fields.kwargs).length > 0) throw new TypeError('JavaScript functions take no keyword arguments');
  decoder.fillRecords();
  const places = new Map(decoder.known.map((value, number) => [value, ['same', number]]));
  decoder.records.forEach((value, number) => places.set(value, ['record', number]));
  const before = decoder.known.map(contentOf);
  const context = newContext(linker(places));
  let reply;
  try {
    if (Object.hasOwn(FETCHING, fields.operation)) {
      return `{"value":[${FETCHING[fields.operation](...args).join(',')}]}`;
    }
    if (fields.operation === 'defines') args.push(lookUp);
    const action = fields.operation === '' ? invoke : OPERATIONS[fields.operation];
    if (action === undefined) throw new TypeError(`JavaScript objects have no operator ${fields.operation}`);
    if (fields.operation === '' || fields.operation === 'find') args.unshift(find(fields.function));
    reply = `"value":${encode(finish(action(...args)), context)}`;
  } catch (error) {
    reply = `"error":${describe(error)}`;
  }
  const changed = decoder.known.flatMap((value, number) =>
    same(before[number], contentOf(value)) ? [] : [`[${number},${encodeChanged(value, context)}]`],
  );
  return changed.length === 0 ? `{${reply}}` : `{${reply},"changes":[${changed.join(',')}]}`;
}

function encodeChanged(value, context) {
  return encodeKnown(isData(value) ? value : { ...value }, context);
}
