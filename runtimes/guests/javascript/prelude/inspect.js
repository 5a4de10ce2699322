// util.inspect: values as node shows them.

import { className, functionKind, proxyTarget } from 'internal:binding';
import { FORMS } from './inspect_builtins.js';
import { arrange } from './layout.js';
import { quote, quoteKey, showBigInt, showNumber } from './quote.js';

export const custom = Symbol.for('nodejs.util.inspect.custom');

const defaultOptions = {
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  showProxy: false,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
};

// Deeper values are cut, where node meets the end of its stack.
const DEEPEST = 1000;
const TYPED_ARRAY =
  /^(Uint8|Int8|Uint16|Int16|Uint32|Int32|Float16|Float32|Float64|BigInt64|BigUint64|Uint8Clamped)Array$/;
const BOXED = new Set(['Number', 'String', 'Boolean', 'Symbol', 'BigInt']);
export const hasOwn = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

export function isTypedArrayName(name) {
  return TYPED_ARRAY.test(name);
}

const plain = (text) => text;

function paint(text, style) {
  const color = inspect.colors[inspect.styles[style]];
  return color === undefined ? text : `\u001b[${color[0]}m${text}\u001b[${color[1]}m`;
}

export function inspect(value, options, ...legacy) {
  const context = {
    ...defaultOptions,
    seen: [],
    circular: undefined,
    indentation: 0,
    deepest: 0,
    userOptions: undefined,
    stylize: plain,
  };
  if (typeof options === 'object' && options !== null) {
    for (const key of Object.keys(options)) {
      if (hasOwn(defaultOptions, key) || key === 'stylize') context[key] = options[key];
    }
    context.userOptions = options;
  } else if (options !== undefined) {
    context.showHidden = Boolean(options);
    if (legacy.length > 0) context.depth = legacy[0];
    if (legacy.length > 1) context.colors = Boolean(legacy[1]);
  }
  if (context.colors && context.stylize === plain) context.stylize = paint;
  if (context.maxArrayLength === null) context.maxArrayLength = Infinity;
  if (context.maxStringLength === null) context.maxStringLength = Infinity;
  return show(context, value, 0);
}

inspect.custom = custom;
inspect.defaultOptions = defaultOptions;
inspect.colors = Object.assign(Object.create(null), {
  reset: [0, 0],
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  white: [37, 39],
  gray: [90, 39],
  grey: [90, 39],
});
inspect.styles = Object.assign(Object.create(null), {
  special: 'cyan',
  number: 'yellow',
  bigint: 'yellow',
  boolean: 'yellow',
  undefined: 'grey',
  null: 'bold',
  string: 'green',
  symbol: 'green',
  date: 'magenta',
  regexp: 'red',
  module: 'underline',
});

function showPrimitive(context, value) {
  switch (typeof value) {
    case 'string':
      return showString(context, value);
    case 'number':
      return context.stylize(showNumber(value, context.numericSeparator), 'number');
    case 'bigint':
      return context.stylize(showBigInt(value, context.numericSeparator), 'bigint');
    default:
      return context.stylize(String(value), value === null ? 'null' : typeof value);
  }
}

// Long texts of several lines break at their newlines.
function showString(context, value) {
  let text = value;
  let trailer = '';
  if (text.length > context.maxStringLength) {
    const more = text.length - context.maxStringLength;
    text = text.slice(0, context.maxStringLength);
    trailer = `... ${more} more character${more > 1 ? 's' : ''}`;
  }
  const breaks =
    context.compact !== true && text.length > 16 && text.length > context.breakLength - context.indentation - 4;
  if (!breaks) return context.stylize(quote(text), 'string') + trailer;
  return (
    text
      .split(/(?<=\n)/)
      .map((line) => context.stylize(quote(line), 'string'))
      .join(` +\n${' '.repeat(context.indentation + 2)}`) + trailer
  );
}

export function show(context, value, level) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function'))
    return showPrimitive(context, value);
  const name = className(value);
  if (name === 'Proxy') return showProxied(context, value, level);
  if (context.customInspect) {
    const shown = showCustom(context, value, level);
    if (shown !== undefined) return shown;
  }
  if (context.seen.includes(value)) return circularReference(context, value);
  return showObject(context, value, level, name);
}

function showProxied(context, proxy, level) {
  const target = proxyTarget(proxy);
  if (target === null || target === undefined) return '<Revoked Proxy>';
  if (!context.showProxy) return show(context, target, level);
  if (level > context.depth && context.depth !== null) return 'Proxy [Array]';
  context.indentation += 2;
  const pieces = [show(context, target, level + 1), '{}'];
  context.indentation -= 2;
  return arrange(context, pieces, '', ['Proxy [', ']'], false, level, undefined);
}

function showCustom(context, value, level) {
  const method = value[custom];
  if (typeof method !== 'function' || method === inspect) return undefined;
  if (value.constructor && value.constructor.prototype === value) return undefined;
  const depth = context.depth === null ? null : context.depth - level;
  const { seen, circular, indentation, deepest, userOptions, ...options } = context;
  const shown = method.call(value, depth, { ...userOptions, ...options, depth }, inspect);
  if (shown === value) return undefined;
  if (typeof shown !== 'string') return show(context, shown, level);
  return shown.replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
}

function circularReference(context, value) {
  context.circular ??= new Map();
  let index = context.circular.get(value);
  if (index === undefined) {
    index = context.circular.size + 1;
    context.circular.set(value, index);
  }
  return context.stylize(`[Circular *${index}]`, 'special');
}

// The name of the nearest constructor on the prototype chain; null for objects without a prototype.
function constructorName(context, value, level) {
  let first;
  for (let object = value; object !== null;) {
    const descriptor = Object.getOwnPropertyDescriptor(object, 'constructor');
    if (descriptor !== undefined && typeof descriptor.value === 'function' && descriptor.value.name !== '') {
      if (isInstance(value, descriptor.value)) return String(descriptor.value.name);
    }
    object = Object.getPrototypeOf(object);
    if (first === undefined) first = object;
  }
  if (first === null) return null;
  const inner = inspect(first, { ...context.userOptions, customInspect: false, depth: -1 });
  return `${className(value)} <${level > context.depth ? 'Complex prototype' : inner}>`;
}

function isInstance(value, constructor) {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

export function prefixOf(constructor, tag, fallback, size = '') {
  if (constructor === null) {
    const start = `[${fallback}${size}: null prototype] `;
    return tag !== '' && fallback !== tag ? `${start}[${tag}] ` : start;
  }
  return tag !== '' && constructor !== tag ? `${constructor}${size} [${tag}] ` : `${constructor}${size} `;
}

export function keysOf(context, value, withoutIndices) {
  let keys = context.showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value);
  if (withoutIndices) keys = keys.filter((key) => !isIndex(key));
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length === 0) return keys;
  const isEnumerable = (key) => Object.prototype.propertyIsEnumerable.call(value, key);
  return keys.concat(context.showHidden ? symbols : symbols.filter(isEnumerable));
}

function isIndex(key) {
  return /^(0|[1-9]\d{0,9})$/.test(key) && Number(key) < 4294967295;
}

// A form says how an object is shown: {whole} as it is, or {base, braces, keys, pieces(), isList}.
function showObject(context, value, level, name) {
  const constructor = constructorName(context, value, level);
  const form = formOf(context, value, level, name, constructor, tagOf(context, value));
  if (form.whole !== undefined) return form.whole;
  if (level > context.depth && context.depth !== null) {
    const shown = prefixOf(constructor, tagOf(context, value), name === 'Array' ? 'Array' : 'Object').slice(0, -1);
    return context.stylize(`[${shown}]`, 'special');
  }
  if (level > DEEPEST) {
    const shown = prefixOf(constructor, tagOf(context, value), 'Object').slice(0, -1);
    const reason = 'Inspection interrupted prematurely. Maximum call stack size exceeded.';
    return context.stylize(`[${shown}: ${reason}]`, 'special');
  }
  const inner = level + 1;
  context.seen.push(value);
  context.deepest = inner;
  const pieces = form.pieces ? form.pieces(inner) : [];
  for (const key of form.keys) pieces.push(showProperty(context, value, inner, key, form.isList));
  context.seen.pop();
  if (context.sorted) sortPieces(context, pieces, form);
  let base = form.base ?? '';
  const index = context.circular?.get(value);
  if (index !== undefined) {
    const reference = context.stylize(`<ref *${index}>`, 'special');
    base = base === '' ? reference : `${reference} ${base}`;
  }
  return arrange(context, pieces, base, form.braces, form.isList, inner, form.isList ? value : undefined);
}

function sortPieces(context, pieces, form) {
  const order = context.sorted === true ? undefined : context.sorted;
  if (!form.isList) pieces.sort(order);
}

function tagOf(context, value) {
  const tag = value[Symbol.toStringTag];
  if (typeof tag !== 'string' || tag === '') return '';
  const own = context.showHidden ? hasOwn : (object, key) => Object.prototype.propertyIsEnumerable.call(object, key);
  return own(value, Symbol.toStringTag) ? '' : tag;
}

function formOf(context, value, level, name, constructor, tag) {
  const prefix = (fallback, size) => prefixOf(constructor, tag, fallback, size);
  if (Array.isArray(value)) return arrayForm(context, value, constructor, tag);
  if (typeof value === 'function') return functionForm(context, value, constructor, tag);
  if (TYPED_ARRAY.test(name)) return typedArrayForm(context, value, prefix(name, `(${value.length})`));
  const make = FORMS[name];
  if (make !== undefined) return make(context, value, prefix, level, constructor, tag);
  if (BOXED.has(name)) return boxedForm(context, value, name, constructor, tag);
  return plainForm(context, value, prefix, constructor, tag, name);
}

function plainForm(context, value, prefix, constructor, tag, name) {
  const keys = keysOf(context, value, false);
  if (constructor === 'Object' && tag === '') {
    return keys.length === 0 ? { whole: '{}' } : { braces: ['{', '}'], keys };
  }
  const start = `${prefix(name === 'Generator' || name === 'AsyncGenerator' ? name : 'Object')}{`;
  return keys.length === 0 ? { whole: `${start}}` } : { braces: [start, '}'], keys };
}

function arrayForm(context, value, constructor, tag) {
  const isPlain = constructor === 'Array' && tag === '';
  const start = `${isPlain ? '' : prefixOf(constructor, tag, 'Array', `(${value.length})`)}[`;
  const keys = keysOf(context, value, true);
  if (value.length === 0 && keys.length === 0) return { whole: `${start}]` };
  return { braces: [start, ']'], keys, isList: true, pieces: (level) => arrayPieces(context, value, level) };
}

function arrayPieces(context, value, level) {
  const limit = Math.min(Math.max(0, context.maxArrayLength), value.length);
  const pieces = [];
  let index = 0;
  while (index < value.length && pieces.length < limit) {
    if (hasOwn(value, index)) {
      pieces.push(showProperty(context, value, level, index, true));
      index += 1;
    } else {
      const start = index;
      index = nextIndex(value, index);
      const count = index - start;
      pieces.push(context.stylize(`<${count} empty item${count > 1 ? 's' : ''}>`, 'undefined'));
    }
  }
  return withMore(pieces, value.length - index);
}

// Sparse arrays may have holes of billions: look among the keys, not at every index.
function nextIndex(value, start) {
  for (let index = start; index < start + 100 && index < value.length; index++) {
    if (hasOwn(value, index)) return index;
  }
  for (const key of Object.keys(value)) {
    if (isIndex(key) && Number(key) > start) return Number(key);
  }
  return value.length;
}

export function withMore(pieces, more) {
  if (more > 0) pieces.push(`... ${more} more item${more > 1 ? 's' : ''}`);
  return pieces;
}

function typedArrayForm(context, value, prefix) {
  const keys = keysOf(context, value, true);
  if (value.length === 0 && keys.length === 0) return { whole: `${prefix}[]` };
  const pieces = () => {
    const limit = Math.min(Math.max(0, context.maxArrayLength), value.length);
    const shown = Array.from({ length: limit }, (_, index) => showPrimitive(context, value[index]));
    return withMore(shown, value.length - limit);
  };
  return { braces: [`${prefix}[`, ']'], keys, isList: true, pieces };
}

const FUNCTION_TYPES = ['Function', 'GeneratorFunction', 'AsyncFunction', 'AsyncGeneratorFunction'];

function functionForm(context, value, constructor, tag) {
  const base = functionBase(value, constructor, tag);
  const keys = keysOf(context, value, false).filter((key) => !context.showHidden || key !== 'prototype');
  return keys.length === 0 ? { whole: context.stylize(base, 'special') } : { base, braces: ['{', '}'], keys };
}

// Node takes a class for a function where its head has brackets: class A extends B(C) {}.
function shownKind(value) {
  const kind = functionKind(value);
  if (!(kind & 4)) return kind;
  const head = /^class([^{]*)\{/.exec(Function.prototype.toString.call(value))?.[1] ?? '';
  const plain = head.replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
  return plain.includes('(') ? kind & 3 : kind;
}

function functionBase(value, constructor, tag) {
  const kind = shownKind(value);
  const name = hasOwn(value, 'name') ? String(value.name) : '';
  if (kind & 4) return classBase(value, name, constructor, tag);
  const type = FUNCTION_TYPES[kind & 3];
  let base = `[${type}`;
  if (constructor === null) base += ' (null prototype)';
  base += name === '' ? ' (anonymous)]' : `: ${name}]`;
  if (constructor !== type && constructor !== null) base += ` ${constructor}`;
  if (tag !== '' && constructor !== tag) base += ` [${tag}]`;
  return base;
}

function classBase(value, name, constructor, tag) {
  let base = `[class ${name || '(anonymous)'}`;
  if (constructor !== 'Function' && constructor !== null) base += ` [${constructor}]`;
  if (tag !== '' && constructor !== tag) base += ` [${tag}]`;
  if (constructor === null) return `${base} extends null]`;
  const parent = Object.getPrototypeOf(value).name;
  return `${base}${parent ? ` extends ${parent}` : ''}]`;
}

function boxedForm(context, value, name, constructor, tag) {
  let type = name;
  if (name !== constructor) type += constructor === null ? ' (null prototype)' : ` (${constructor})`;
  const shown = showPrimitive({ ...context, breakLength: Infinity, stylize: plain }, unboxed(value, name));
  let base = `[${type}: ${shown}]`;
  if (tag !== '' && tag !== constructor && tag !== name) base += ` [${tag}]`;
  const keys = keysOf(context, value, name === 'String').filter((key) => !(name === 'String' && key === 'length'));
  const style = name.toLowerCase();
  return keys.length === 0 ? { whole: context.stylize(base, style) } : { base, braces: ['{', '}'], keys };
}

function unboxed(value, name) {
  return globalThis[name].prototype.valueOf.call(value);
}

function showProperty(context, value, level, key, isList) {
  const descriptor = Object.getOwnPropertyDescriptor(value, key) || { value: value[key], enumerable: true };
  const shown = showSlot(context, descriptor, value, level);
  if (isList && typeof key === 'number') return shown;
  if (descriptor.enumerable === false && typeof key !== 'symbol') return `[${key}]: ${shown}`;
  return `${showKey(context, key)}: ${shown}`;
}

function showKey(context, key) {
  const shown = quoteKey(key);
  if (typeof key === 'symbol') return `[${context.stylize(shown.slice(1, -1), 'symbol')}]`;
  return shown === key ? shown : context.stylize(shown, 'string');
}

function showSlot(context, descriptor, owner, level) {
  if (descriptor.get !== undefined) {
    if (context.getters === true) return shownGetter(context, descriptor, owner, level);
    return context.stylize(descriptor.set === undefined ? '[Getter]' : '[Getter/Setter]', 'special');
  }
  if (descriptor.set !== undefined) return context.stylize('[Setter]', 'special');
  context.indentation += 2;
  const shown = show(context, descriptor.value, level);
  context.indentation -= 2;
  return shown;
}

function shownGetter(context, descriptor, owner, level) {
  const label = descriptor.set === undefined ? 'Getter' : 'Getter/Setter';
  context.indentation += 2;
  const value = descriptor.get.call(owner);
  const shown = show(context, value, level);
  context.indentation -= 2;
  return value !== null && typeof value === 'object' ? `[${label}] ${shown}` : `[${label}: ${shown}]`;
}
