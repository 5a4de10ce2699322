// MD5 and the family of SHA: functions from bytes to bytes.

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
for (let number = 2; PRIMES.length < 80; number++) {
  if (PRIMES.every((prime) => number % prime !== 0)) PRIMES.push(number);
}
const fraction = (number) => Math.floor((number % 1) * 2 ** 32);
const SHA256_TABLE = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const SHA256_START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function sha256(bytes, start = SHA256_START) {
  const state = start.slice();
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

// The 64-bit words of SHA-512 as pairs of 32-bit ones. The constants are fractions of roots of primes, to 64 bits.
function rootFraction(prime, degree) {
  const shifted = BigInt(prime) << BigInt(64 * degree);
  let low = 0n;
  let high = 1n << 70n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= shifted) low = middle;
    else high = middle;
  }
  return BigInt.asUintN(64, low);
}

const halves = (words) => Int32Array.from(words.flatMap((word) => [Number(word >> 32n), Number(word & 0xffffffffn)]));
const SHA512_TABLE = halves(PRIMES.map((prime) => rootFraction(prime, 3)));
const SHA512_START = halves(PRIMES.slice(0, 8).map((prime) => rootFraction(prime, 2)));
const SHA384_START = halves(PRIMES.slice(8, 16).map((prime) => rootFraction(prime, 2)));
const SHA224_START = Int32Array.from({ length: 8 }, (_, index) => SHA384_START[2 * index + 1]);

// Adds what two pairs of halves hold to words[at], words[at + 1].
function addPair(words, at, high, low) {
  const sum = (words[at + 1] >>> 0) + (low >>> 0);
  words[at] += high + (sum > 0xffffffff ? 1 : 0);
  words[at + 1] = sum;
}

// The high half of a pair turned right; with the halves exchanged, the low one.
const turn = (high, low, count) =>
  count < 32 ? (high >>> count) | (low << (32 - count)) : (low >>> (count - 32)) | (high << (64 - count));

function addTurned(sum, words, at, [first, second, third]) {
  const high = words[at];
  const low = words[at + 1];
  addPair(
    sum,
    0,
    turn(high, low, first) ^ turn(high, low, second) ^ turn(high, low, third),
    turn(low, high, first) ^ turn(low, high, second) ^ turn(low, high, third),
  );
}

function sha512Block(state, schedule) {
  for (let at = 32; at < 160; at += 2) {
    const [h15, l15, h2, l2] = [schedule[at - 30], schedule[at - 29], schedule[at - 4], schedule[at - 3]];
    schedule[at] = schedule[at - 32];
    schedule[at + 1] = schedule[at - 31];
    const early = turn(h15, l15, 1) ^ turn(h15, l15, 8) ^ (h15 >>> 7);
    const earlyLow = turn(l15, h15, 1) ^ turn(l15, h15, 8) ^ ((l15 >>> 7) | (h15 << 25));
    const late = turn(h2, l2, 19) ^ turn(h2, l2, 61) ^ (h2 >>> 6);
    const lateLow = turn(l2, h2, 19) ^ turn(l2, h2, 61) ^ ((l2 >>> 6) | (h2 << 26));
    addPair(schedule, at, early, earlyLow);
    addPair(schedule, at, schedule[at - 14], schedule[at - 13]);
    addPair(schedule, at, late, lateLow);
  }
  const s = state.slice();
  const sum = new Int32Array(2);
  for (let at = 0; at < 160; at += 2) {
    sum.set([s[14], s[15]]);
    addTurned(sum, s, 8, [14, 18, 41]);
    addPair(sum, 0, (s[8] & s[10]) ^ (~s[8] & s[12]), (s[9] & s[11]) ^ (~s[9] & s[13]));
    addPair(sum, 0, SHA512_TABLE[at], SHA512_TABLE[at + 1]);
    addPair(sum, 0, schedule[at], schedule[at + 1]);
    s.copyWithin(2, 0, 14);
    addPair(s, 8, sum[0], sum[1]);
    // After the move, a, b and c lie at 2, 4 and 6.
    addTurned(sum, s, 2, [28, 34, 39]);
    addPair(sum, 0, (s[2] & s[4]) ^ (s[2] & s[6]) ^ (s[4] & s[6]), (s[3] & s[5]) ^ (s[3] & s[7]) ^ (s[5] & s[7]));
    s.set(sum, 0);
  }
  for (let at = 0; at < 16; at += 2) addPair(state, at, s[at], s[at + 1]);
}

function sha512(bytes, start = SHA512_START) {
  const view = new DataView(new ArrayBuffer((((bytes.length + 16) >> 7) + 1) << 7));
  new Uint8Array(view.buffer).set(bytes);
  view.setUint8(bytes.length, 0x80);
  view.setUint32(view.byteLength - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(view.byteLength - 4, (bytes.length << 3) >>> 0);
  const state = start.slice();
  const schedule = new Int32Array(160);
  for (let place = 0; place < view.byteLength; place += 128) {
    for (let index = 0; index < 32; index++) schedule[index] = view.getInt32(place + index * 4);
    sha512Block(state, schedule);
  }
  return digestOf(state, false);
}

const sha224 = (bytes) => sha256(bytes, SHA224_START).subarray(0, 28);
const sha384 = (bytes) => sha512(bytes, SHA384_START).subarray(0, 48);
export const HASHES = { md5, sha1, sha224, sha256, sha384, sha512 };
// Where they are not 64.
export const BLOCK_BYTES = { sha384: 128, sha512: 128 };
