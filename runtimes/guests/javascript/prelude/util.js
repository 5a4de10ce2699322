// The module 'util'.

import { className, functionKind } from 'internal:binding';
import { isDeepEqual } from './deep_equal.js';
import { codedError, invalidArgument } from './errors.js';
import { format, formatWithOptions } from './format.js';
import { inspect, isTypedArrayName } from './inspect.js';
import { parseArgs } from './parse_args.js';
import { TextDecoder, TextEncoder } from './text.js';

const promisifyCustom = Symbol.for('nodejs.util.promisify.custom');

function promisify(original) {
  if (typeof original !== 'function') {
    throw invalidArgument('original', 'of type function', original);
  }
  if (original[promisifyCustom]) return original[promisifyCustom];
  function promised(...values) {
    return new Promise((resolve, reject) => {
      original.call(this, ...values, (error, result) => (error ? reject(error) : resolve(result)));
    });
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}

promisify.custom = promisifyCustom;

function callbackify(original) {
  return function callbackified(...values) {
    const callback = values.pop();
    original.apply(this, values).then(
      (result) => process.nextTick(callback, null, result),
      (error) =>
        process.nextTick(
          callback,
          error ?? codedError(Error, 'ERR_FALSY_VALUE_REJECTION', 'Promise was rejected with falsy value'),
        ),
    );
  };
}

function inherits(constructor, parent) {
  Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

function deprecate(action, message, code) {
  let warned = false;
  return function deprecated(...values) {
    if (!warned) process.emitWarning(message, 'DeprecationWarning', code);
    warned = true;
    return new.target ? Reflect.construct(action, values, new.target) : action.apply(this, values);
  };
}

const is =
  (...names) =>
  (value) =>
    value !== null && typeof value === 'object' && names.includes(className(value));
const kindIs =
  (...kinds) =>
  (value) =>
    typeof value === 'function' && kinds.includes(functionKind(value) & 3);
const isTyped = (value) => value !== null && typeof value === 'object' && isTypedArrayName(className(value));

export const types = {
  isAnyArrayBuffer: is('ArrayBuffer', 'SharedArrayBuffer'),
  isArgumentsObject: is('Arguments'),
  isArrayBuffer: is('ArrayBuffer'),
  isArrayBufferView: ArrayBuffer.isView,
  isAsyncFunction: kindIs(2, 3),
  isBigInt64Array: is('BigInt64Array'),
  isBigUint64Array: is('BigUint64Array'),
  isBooleanObject: is('Boolean'),
  isBoxedPrimitive: is('Boolean', 'Number', 'String', 'Symbol', 'BigInt'),
  isDataView: is('DataView'),
  isDate: is('Date'),
  isFloat32Array: is('Float32Array'),
  isFloat64Array: is('Float64Array'),
  isGeneratorFunction: kindIs(1, 3),
  isGeneratorObject: is('Generator', 'AsyncGenerator'),
  isInt8Array: is('Int8Array'),
  isInt16Array: is('Int16Array'),
  isInt32Array: is('Int32Array'),
  isMap: is('Map'),
  isMapIterator: is('Map Iterator'),
  isNativeError: is('Error'),
  isNumberObject: is('Number'),
  isPromise: is('Promise'),
  isProxy: (value) =>
    value !== null && (typeof value === 'object' || typeof value === 'function') && className(value) === 'Proxy',
  isRegExp: is('RegExp'),
  isSet: is('Set'),
  isSetIterator: is('Set Iterator'),
  isSharedArrayBuffer: is('SharedArrayBuffer'),
  isStringObject: is('String'),
  isSymbolObject: is('Symbol'),
  isTypedArray: isTyped,
  isUint8Array: is('Uint8Array'),
  isUint8ClampedArray: is('Uint8ClampedArray'),
  isUint16Array: is('Uint16Array'),
  isUint32Array: is('Uint32Array'),
  isWeakMap: is('WeakMap'),
  isWeakSet: is('WeakSet'),
};

const isPrimitive = (value) => value === null || (typeof value !== 'object' && typeof value !== 'function');

export const util = {
  format,
  formatWithOptions,
  inspect,
  promisify,
  callbackify,
  inherits,
  deprecate,
  parseArgs,
  types,
  TextDecoder,
  TextEncoder,
  debuglog: () => Object.assign(() => {}, { enabled: false }),
  debug: () => Object.assign(() => {}, { enabled: false }),
  isDeepStrictEqual: (a, b) => isDeepEqual(a, b, true),
  stripVTControlCharacters: (text) => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
  styleText(styles, text, { validateStream = true } = {}) {
    // Standard output is no terminal.
    if (validateStream) return text;
    const list = [styles].flat().map((style) => inspect.colors[style]);
    return (
      list.map(([on]) => `\u001b[${on}m`).join('') +
      text +
      list
        .reverse()
        .map(([, off]) => `\u001b[${off}m`)
        .join('')
    );
  },
  toUSVString: (text) => String(text).toWellFormed(),
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === 'boolean',
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === 'number',
  isString: (value) => typeof value === 'string',
  isSymbol: (value) => typeof value === 'symbol',
  isUndefined: (value) => value === undefined,
  isRegExp: types.isRegExp,
  isObject: (value) => value !== null && typeof value === 'object',
  isDate: types.isDate,
  isError: (value) => value instanceof Error,
  isFunction: (value) => typeof value === 'function',
  isPrimitive,
};
