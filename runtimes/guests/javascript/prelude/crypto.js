// The module 'crypto' as far as programs without secrets need it: hashes, HMAC, and numbers from the fixed seed.

import { Buffer } from './buffer.js';
import { encode } from './encodings.js';
import { codedError, invalidArgument, notInSandbox } from './errors.js';
import { BLOCK_BYTES, HASHES } from './hashes.js';

const plainName = (name) => String(name).toLowerCase().replace('-', '');

function hashNamed(name, failure) {
  const hash = HASHES[plainName(name)];
  if (hash === undefined) throw failure();
  return hash;
}

class Hash {
  #chunks = [];
  #finish;
  #isDone = false;

  constructor(finish, chunks = []) {
    this.#finish = finish;
    this.#chunks = chunks;
  }

  update(data, encoding = 'utf8') {
    if (this.#isDone) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
    if (typeof data !== 'string' && !ArrayBuffer.isView(data))
      throw invalidArgument('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data);
    this.#chunks.push(typeof data === 'string' ? encode(data, encoding) : bytesOf(data));
    return this;
  }

  digest(encoding) {
    if (this.#isDone) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
    this.#isDone = true;
    const bytes = Buffer.from(this.#finish(Buffer.concat(this.#chunks)));
    return encoding === undefined || encoding === 'buffer' ? bytes : bytes.toString(encoding);
  }

  copy() {
    if (this.#isDone) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
    return new Hash(this.#finish, [...this.#chunks]);
  }
}

const bytesOf = (data) =>
  typeof data === 'string' ? encode(data, 'utf8') : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function createHash(name) {
  return new Hash(hashNamed(name, () => new Error('Digest method not supported')));
}

function macOf(name, key) {
  const invalid = () => codedError(TypeError, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${name}`);
  const hash = hashNamed(name, invalid);
  const size = BLOCK_BYTES[plainName(name)] ?? 64;
  let secret = bytesOf(key);
  if (secret.length > size) secret = hash(secret);
  const pad = (byte) => Uint8Array.from({ length: size }, (_, index) => (secret[index] ?? 0) ^ byte);
  return (message) => hash(Buffer.concat([pad(0x5c), hash(Buffer.concat([pad(0x36), message]))]));
}

function pbkdf2Sync(password, salt, rounds, length, name) {
  const mac = macOf(name, password);
  const parts = [];
  for (let block = 1, made = 0; made < length; block++) {
    let last = mac(Buffer.concat([bytesOf(salt), Uint8Array.of(block >>> 24, block >>> 16, block >>> 8, block)]));
    const sum = last.slice();
    for (let round = 1; round < rounds; round++) {
      last = mac(last);
      for (let index = 0; index < sum.length; index++) sum[index] ^= last[index];
    }
    parts.push(sum);
    made += sum.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function getRandomValues(target) {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(Math.random() * 256);
  return target;
}

function randomBytes(size, callback) {
  const bytes = getRandomValues(Buffer.alloc(size));
  if (callback === undefined) return bytes;
  setImmediate(callback, null, bytes);
  return undefined;
}

function randomInt(first, second, callback) {
  const [low, high] = typeof second === 'number' ? [first, second] : [0, first];
  const number = low + Math.floor(Math.random() * (high - low));
  const done = typeof second === 'function' ? second : callback;
  if (done === undefined) return number;
  setImmediate(done, null, number);
  return undefined;
}

function randomUUID() {
  const hex = randomBytes(16);
  hex[6] = (hex[6] & 15) | 64;
  hex[8] = (hex[8] & 63) | 128;
  return hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const refused = (name) => () => {
  throw notInSandbox(`crypto.${name}`);
};

export const crypto = {
  createHash,
  createHmac: (name, key) => new Hash(macOf(name, key)),
  hash: (name, data, encoding = 'hex') => createHash(name).update(data).digest(encoding),
  getHashes: () => Object.keys(HASHES),
  randomBytes,
  randomInt,
  randomUUID,
  getRandomValues,
  randomFillSync: getRandomValues,
  timingSafeEqual: (a, b) => Buffer.compare(a, b) === 0,
  createCipheriv: refused('createCipheriv'),
  createDecipheriv: refused('createDecipheriv'),
  createSign: refused('createSign'),
  generateKeyPairSync: refused('generateKeyPairSync'),
  pbkdf2Sync,
  pbkdf2: (...values) => setImmediate(values.pop(), null, pbkdf2Sync(...values)),
  scryptSync: refused('scryptSync'),
};
crypto.webcrypto = {
  getRandomValues,
  randomUUID,
  subtle: {
    async digest(name, data) {
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      return new Uint8Array(createHash(name.name ?? name).update(bytes).digest()).buffer;
    },
  },
};
