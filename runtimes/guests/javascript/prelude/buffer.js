// Buffer: a Uint8Array with encodings.

import { decode, encode, encodingName } from './encodings.js';
import { codedError, invalidArgument } from './errors.js';
import { custom, inspect } from './inspect.js';

function knownEncoding(encoding) {
  const name = encodingName(encoding);
  if (name === undefined) throw codedError(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${encoding}`);
  return name;
}

const adopt = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class Buffer extends Uint8Array {
  static from(value, encoding, length) {
    if (typeof value === 'string') return adopt(encode(value, knownEncoding(encoding)));
    if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length);
    if (value !== null && typeof value === 'object') {
      if (value.type === 'Buffer' && Array.isArray(value.data)) return adopt(Uint8Array.from(value.data));
      if (typeof value.length === 'number') return adopt(Uint8Array.from(value, (item) => item & 255));
      if (value.valueOf() !== value) return Buffer.from(value.valueOf(), encoding, length);
    }
    const expected = 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object';
    throw invalidArgument('first', expected, value);
  }

  static of(...items) {
    return Buffer.from(items);
  }

  static alloc(size, fill, encoding) {
    const buffer = new Buffer(size);
    return fill === undefined || fill === 0 ? buffer : buffer.fill(fill, 0, size, encoding);
  }

  static allocUnsafe(size) {
    return new Buffer(size);
  }

  static allocUnsafeSlow(size) {
    return new Buffer(size);
  }

  static isBuffer(value) {
    return value instanceof Buffer;
  }

  static isEncoding(name) {
    return typeof name === 'string' && name !== '' && encodingName(name) !== undefined;
  }

  static byteLength(value, encoding) {
    return typeof value === 'string' ? encode(value, knownEncoding(encoding)).length : value.byteLength;
  }

  static compare(a, b) {
    const shorter = Math.min(a.length, b.length);
    for (let index = 0; index < shorter; index++) {
      if (a[index] !== b[index]) return a[index] < b[index] ? -1 : 1;
    }
    return Math.sign(a.length - b.length);
  }

  static concat(list, total = list.reduce((sum, item) => sum + item.length, 0)) {
    const joined = new Buffer(total);
    let position = 0;
    for (const item of list) {
      if (position >= total) break;
      const part = item.subarray(0, total - position);
      joined.set(part, position);
      position += part.length;
    }
    return joined;
  }

  toString(encoding, start = 0, end = this.length) {
    return decode(Uint8Array.prototype.subarray.call(this, start, end), knownEncoding(encoding));
  }

  toLocaleString(encoding, start, end) {
    return this.toString(encoding, start, end);
  }

  toJSON() {
    return { type: 'Buffer', data: Array.from(this) };
  }

  equals(other) {
    return Buffer.compare(this, other) === 0;
  }

  compare(other) {
    return Buffer.compare(this, other);
  }

  slice(start, end) {
    return this.subarray(start, end);
  }

  write(text, offset = 0, length = this.length, encoding = 'utf8') {
    if (typeof offset === 'string') return this.write(text, 0, this.length, offset);
    if (typeof length === 'string') return this.write(text, offset, this.length, length);
    const bytes = encode(text, knownEncoding(encoding)).subarray(0, Math.min(length, this.length - offset));
    this.set(bytes, offset);
    return bytes.length;
  }

  copy(target, targetStart = 0, start = 0, end = this.length) {
    const part = this.subarray(start, Math.min(end, start + target.length - targetStart));
    target.set(part, targetStart);
    return part.length;
  }

  fill(value, start = 0, end = this.length, encoding = 'utf8') {
    if (typeof start === 'string') return this.fill(value, 0, this.length, start);
    if (typeof value === 'number') return super.fill(value & 255, start, end);
    const pattern = typeof value === 'string' ? encode(value, knownEncoding(encoding)) : value;
    if (pattern.length === 0) return super.fill(0, start, end);
    for (let index = start; index < end; index++) this[index] = pattern[(index - start) % pattern.length];
    return this;
  }

  indexOf(value, start = 0, encoding = 'utf8') {
    if (typeof value === 'number') return super.indexOf(value & 255, start);
    const wanted = typeof value === 'string' ? encode(value, knownEncoding(encoding)) : value;
    for (let index = start; index + wanted.length <= this.length; index++) {
      if (wanted.every((byte, position) => this[index + position] === byte)) return index;
    }
    return -1;
  }

  includes(value, start, encoding) {
    return this.indexOf(value, start, encoding) >= 0;
  }

  readUIntBE(offset, size) {
    return this.subarray(offset, offset + size).reduce((number, byte) => number * 256 + byte, 0);
  }

  readUIntLE(offset, size) {
    return this.subarray(offset, offset + size).reduceRight((number, byte) => number * 256 + byte, 0);
  }

  [custom](depth, options) {
    const limit = Math.min(this.length, 50);
    let text = decode(this.subarray(0, limit), 'hex').replace(/(..)(?!$)/g, '$1 ');
    if (this.length > limit) text += ` ... ${this.length - limit} more byte${this.length - limit > 1 ? 's' : ''}`;
    return `<Buffer${text ? ` ${text}` : ''}>`;
  }
}

// readInt16LE, writeDoubleBE, ... from the methods of DataView.
const NUMBERS = {
  Int8: 1,
  Uint8: 1,
  Int16: 2,
  Uint16: 2,
  Int32: 4,
  Uint32: 4,
  Float32: 4,
  Float64: 8,
  BigInt64: 8,
  BigUint64: 8,
};
const NODE_NAMES = {
  Uint8: 'UInt8',
  Uint16: 'UInt16',
  Uint32: 'UInt32',
  Float32: 'Float',
  Float64: 'Double',
  BigUint64: 'BigUInt64',
};

function checkOffset(buffer, offset, size) {
  if (offset >= 0 && offset + size <= buffer.length) return;
  const message =
    buffer.length < size
      ? 'Attempt to access memory outside buffer bounds'
      : `The value of "offset" is out of range. It must be >= 0 and <= ${buffer.length - size}. Received ${offset}`;
  const code = buffer.length < size ? 'ERR_BUFFER_OUT_OF_BOUNDS' : 'ERR_OUT_OF_RANGE';
  throw codedError(RangeError, code, message);
}

function addNumber(kind, size, ending, isLittle) {
  const name = (NODE_NAMES[kind] ?? kind) + ending;
  const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const methods = {
    [`read${name}`](offset = 0) {
      checkOffset(this, offset, size);
      return view(this)[`get${kind}`](offset, isLittle);
    },
    [`write${name}`](value, offset = 0) {
      checkOffset(this, offset, size);
      view(this)[`set${kind}`](offset, value, isLittle);
      return offset + size;
    },
  };
  for (const method of Object.keys(methods)) {
    const value = methods[method];
    Object.defineProperty(Buffer.prototype, method, { value, writable: true, configurable: true });
    const alias = method.replace('UInt', 'Uint');
    if (alias !== method) Object.defineProperty(Buffer.prototype, alias, { value, writable: true, configurable: true });
  }
}

for (const kind of Object.keys(NUMBERS)) {
  if (NUMBERS[kind] === 1) addNumber(kind, 1, '', true);
  else for (const isLittle of [true, false]) addNumber(kind, NUMBERS[kind], isLittle ? 'LE' : 'BE', isLittle);
}

Buffer.poolSize = 8192;

export function atob(text) {
  const cleaned = String(text).replace(/[\t\n\f\r ]/g, '');
  if (/[^A-Za-z0-9+/=]/.test(cleaned) || cleaned.replace(/=+$/, '').length % 4 === 1) {
    throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
  }
  return decode(encode(cleaned, 'base64'), 'latin1');
}

export function btoa(text) {
  const string = String(text);
  if (/[^\0-\xff]/.test(string)) throw new DOMException('Invalid character', 'InvalidCharacterError');
  return decode(encode(string, 'latin1'), 'base64');
}

export const buffer = {
  Buffer,
  atob,
  btoa,
  constants: { MAX_LENGTH: 4294967296, MAX_STRING_LENGTH: 536870888 },
  kMaxLength: 4294967296,
};
