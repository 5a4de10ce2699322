// The module 'crypto' as far as programs without secrets need it: hashes, HMAC, and numbers from the fixed seed.

import { Buffer } from './buffer.js';
import { encode } from './encodings.js';
import { codedError, notInSandbox } from './errors.js';

const rotateLeft = (word, count) => (word << count) | (word >>> (32 - count));
const rotateRight = (word, count) => (word >>> count) | (word << (32 - count));

// The message, a one bit, zeroes, and the length in bits, in 64-byte blocks.
function padded(bytes, isLittle) {
  const length = (((bytes.length + 8) >> 6) + 1) << 6;
  const view = new DataView(new ArrayBuffer(length));
  new Uint8Array(view.buffer).set(bytes);
  view.setUint8(bytes.length, 0x80);
  const high = Math.floor(bytes.length / 0x20000000);
  const low = (bytes.length << 3) >>> 0;
  view.setUint32(length - 8, isLittle ? low : high, isLittle);
  view.setUint32(length - 4, isLittle ? high : low, isLittle);
  return view;
}

function digestOf(words, isLittle) {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, index) => view.setUint32(index * 4, word, isLittle));
  return new Uint8Array(view.buffer);
}

function blocks(view, isLittle, mix) {
  const words = new Int32Array(16);
  for (let start = 0; start < view.byteLength; start += 64) {
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(start + index * 4, isLittle);
    mix(words);
  }
}

const MD5_SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];
const MD5_TABLE = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32));

function md5(bytes) {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  blocks(padded(bytes, true), true, (words) => {
    let [a, b, c, d] = state;
    for (let index = 0; index < 64; index++) {
      const round = index >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
      const word = [index, 5 * index + 1, 3 * index + 5, 7 * index][round] & 15;
      const sum = (a + mixed + MD5_TABLE[index] + words[word]) | 0;
      [a, d, c, b] = [d, c, b, (b + rotateLeft(sum, MD5_SHIFTS[round][index & 3])) | 0];
    }
    [a, b, c, d].forEach((word, index) => {
      state[index] += word;
    });
  });
  return digestOf(state, true);
}

function sha1(bytes) {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  blocks(padded(bytes, false), false, (words) => {
    schedule.set(words);
    for (let index = 16; index < 80; index++) {
      schedule[index] = rotateLeft(
        schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16],
        1,
      );
    }
    let [a, b, c, d, e] = state;
    for (let index = 0; index < 80; index++) {
      const round = Math.floor(index / 20);
      const mixed = [(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d][round];
      const constant = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][round];
      const sum = (rotateLeft(a, 5) + mixed + e + constant + schedule[index]) | 0;
      [e, d, c, b, a] = [d, c, rotateLeft(b, 30), a, sum];
    }
    [a, b, c, d, e].forEach((word, index) => {
      state[index] += word;
    });
  });
  return digestOf(state, false);
}

const PRIMES = [];
for (let number = 2; PRIMES.length < 64; number++) {
  if (PRIMES.every((prime) => number % prime !== 0)) PRIMES.push(number);
}
const fraction = (number) => Math.floor((number % 1) * 2 ** 32);
const SHA256_TABLE = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const SHA256_START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function sha256(bytes) {
  const state = SHA256_START.slice();
  const schedule = new Int32Array(64);
  blocks(padded(bytes, false), false, (words) => {
    schedule.set(words);
    for (let index = 16; index < 64; index++) {
      const early = schedule[index - 15];
      const late = schedule[index - 2];
      const first = rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >>> 3);
      const second = rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >>> 10);
      schedule[index] = (schedule[index - 16] + first + schedule[index - 7] + second) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let index = 0; index < 64; index++) {
      const second = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
      const one = (h + second + ((e & f) ^ (~e & g)) + SHA256_TABLE[index] + schedule[index]) | 0;
      const first = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
      const two = (first + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => {
      state[index] += word;
    });
  });
  return digestOf(state, false);
}

const HASHES = { md5, sha1, sha256 };

function hashNamed(name) {
  const hash = HASHES[String(name).toLowerCase().replace('-', '')];
  if (hash === undefined)
    throw codedError(
      Error,
      'ERR_OSSL_EVP_UNSUPPORTED',
      `Digest method not supported: ${name} (the sandbox has md5, sha1, sha256)`,
    );
  return hash;
}

class Hash {
  #chunks = [];
  #finish;

  constructor(finish) {
    this.#finish = finish;
  }

  update(data, encoding = 'utf8') {
    this.#chunks.push(typeof data === 'string' ? encode(data, encoding) : data);
    return this;
  }

  digest(encoding) {
    const bytes = Buffer.from(this.#finish(Buffer.concat(this.#chunks)));
    return encoding === undefined || encoding === 'buffer' ? bytes : bytes.toString(encoding);
  }
}

function createHmac(name, key) {
  const hash = hashNamed(name);
  let secret = typeof key === 'string' ? encode(key, 'utf8') : key;
  if (secret.length > 64) secret = hash(secret);
  const pad = (byte) => Uint8Array.from({ length: 64 }, (_, index) => (secret[index] ?? 0) ^ byte);
  return new Hash((message) => hash(Buffer.concat([pad(0x5c), hash(Buffer.concat([pad(0x36), message]))])));
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
  createHash: (name) => new Hash(hashNamed(name)),
  createHmac,
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
  pbkdf2Sync: refused('pbkdf2Sync'),
  scryptSync: refused('scryptSync'),
};
crypto.webcrypto = { getRandomValues, randomUUID };
