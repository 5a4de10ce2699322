// ===== console table kinds
console.table([
  { a: 1, b: 'x' },
  { a: 2, c: true },
]);
console.table([
  [1, 2],
  [3, 4],
]);
console.table(
  new Map([
    ['k', 1],
    ['l', { z: 2 }],
  ]),
);
console.table(new Set([1, 'two']));
console.table({ r1: { c1: 1 }, r2: { c2: 2 } });
console.table([1, 'a', null, undefined]);
console.table(
  [
    { name: 'Ann', age: 5 },
    { name: 'Bob', age: 7 },
  ],
  ['name'],
);
console.table('plain');
console.table([]);
console.table([{ s: Symbol('x'), f() {}, d: [1, 2, 3], o: { a: 1 } }]);

// ===== locale formatting
console.log(
  (1234567.891).toLocaleString(),
  (1234567.891).toLocaleString('en-US', { style: 'currency', currency: 'USD' }),
);
console.log(
  (0.256).toLocaleString('en-US', { style: 'percent' }),
  (0.256).toLocaleString(undefined, { style: 'percent', minimumFractionDigits: 1 }),
);
console.log(
  (1e21).toLocaleString(),
  (-0).toLocaleString(),
  NaN.toLocaleString(),
  Infinity.toLocaleString(),
  12345678901234567890n.toLocaleString(),
);
console.log(
  (1234.5).toLocaleString('en-US', { minimumFractionDigits: 2 }),
  (1234.5678).toLocaleString('en-US', { maximumFractionDigits: 2 }),
);
console.log(
  (5).toLocaleString('en-US', { minimumIntegerDigits: 2 }),
  (1234).toLocaleString('en-US', { useGrouping: false }),
);
console.log(new Intl.NumberFormat('en-US', { notation: 'compact' }).format(1234567));
console.log(
  (1234.5).toLocaleString('de-DE'),
  (1234567.891).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' }),
);
console.log((1234567.891).toLocaleString('en-IN'), (1234567.891).toLocaleString('fr-FR'));
console.log(
  new Intl.NumberFormat().format(9876543.21),
  new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 }).format(123456),
);
console.log(
  new Intl.NumberFormat('en-US', { style: 'unit', unit: 'kilometer-per-hour' }).format(50),
  new Intl.PluralRules('en-US', { type: 'ordinal' }).select(22),
);
console.log(
  ['b', 'a', 'C', 'ä', 'z'].sort((x, y) => x.localeCompare(y)),
  'a'.localeCompare('B'),
  'a'.localeCompare('A'),
  '10'.localeCompare('2', undefined, { numeric: true }),
);
console.log(new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(['a', 'b', 'c']));
console.log([1234.5, new Date(0)].toLocaleString('en-US', { timeZone: 'UTC' }));

// ===== dates
const d = new Date(Date.UTC(2024, 1, 29, 13, 5, 9, 7));
console.log(d, [d], { d }, String(d), d.toISOString(), d.toJSON(), JSON.stringify({ d }));
console.log(
  d.toDateString(),
  d.toTimeString(),
  d.toUTCString(),
  d.toLocaleDateString(),
  d.toLocaleTimeString(),
  d.toLocaleString(),
);
console.log(d.toLocaleDateString('en-US', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
console.log(
  d.toLocaleDateString('en-GB'),
  d.toLocaleDateString('de-DE'),
  d.toLocaleTimeString('en-US', { hour: '2-digit', minute: '2-digit' }),
  d.toLocaleTimeString('en-GB'),
);
console.log(
  d.toLocaleString('en-US', { timeZone: 'UTC', hour12: false }),
  d.toLocaleDateString('en-CA'),
  d.toLocaleDateString(undefined, { month: 'short', day: '2-digit' }),
);
console.log(
  new Date('2024-03-10'),
  new Date('2024-03-10T10:00:00'),
  new Date('March 7, 2024 10:00'),
  new Date(2024, 0, 31),
  new Date('invalid'),
  new Date(NaN).getTime(),
);
console.log(
  new Date(2024, 0, 31).getDay(),
  new Date(2024, 1, 0).getDate(),
  new Date(0).getTimezoneOffset(),
  Date.UTC(2020),
  Date.parse('2020-01-01'),
);
const x = new Date(2024, 0, 31);
x.setMonth(1);
console.log(x.toISOString());
console.log(
  new Date(2020, 1, 29) - new Date(2020, 0, 1),
  new Date(5) > new Date(3),
  typeof (new Date() + 1),
  +new Date(7),
);
try {
  new Date(NaN).toISOString();
} catch (e) {
  console.log(e.name, e.message);
}
console.log(
  new Intl.DateTimeFormat('en-US').format(d),
  new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short' }).format(d),
);
console.log(
  new Intl.DateTimeFormat('en-US', { year: 'numeric', month: '2-digit', day: '2-digit' })
    .formatToParts(d)
    .map((p) => p.value)
    .join('|'),
);
console.log(
  new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-1, 'day'),
  new Intl.RelativeTimeFormat('en').format(3, 'week'),
);

// ===== inspect shapes
const util = require('util');
console.log(
  util.inspect({ a: { b: { c: { d: 1 } } } }),
  util.inspect({ a: { b: { c: { d: 1 } } } }, { depth: 0 }),
  util.inspect({ a: 1n, b: Symbol('s'), c: () => {}, d: function foo() {}, e: class X {} }),
);
console.log({ s: "it's", t: 'say "hi"', u: `back\`tick`, n: 'line\nbreak', e: '', u2: '\u0001' }, ["it's"]);
console.log([1.0, -0, 0, NaN, 1e21, 1e-7, 0.1 + 0.2], [undefined, null], [,], [1, , 3], [, , 1]);
console.log({ 'a-b': 1, 2: 2, valid_id: 3, [Symbol('k')]: 4, 'with space': 5 });
console.log(
  new Map([
    [{ a: 1 }, new Set([1, [2]])],
    ['k', new Map()],
  ]),
  new Set(),
  new Map(),
  new WeakMap(),
  new WeakSet(),
);
console.log([new Array(5), new Array(150).fill(7), 'x'.repeat(200).split('')]);
console.log({
  get a() {
    return 1;
  },
  set a(v) {},
  get b() {
    return 2;
  },
  set c(v) {},
});
console.log(
  Object.create(null),
  Object.create({ inherited: 1 }),
  Object.create(Array.prototype),
  new (class Foo {
    x = 1;
  })(),
);
console.log([
  function () {},
  () => {},
  async () => {},
  function* g() {},
  async function* ag() {},
  Math.max,
  class A {},
  Symbol.iterator,
]);
console.log(new Error('x').message, [
  new Boolean(true),
  new Number(3),
  new String('abc'),
  Object(1n),
  Object(Symbol('q')),
]);
console.log(
  new Uint8Array([1, 2, 3]),
  new Float64Array(2),
  new ArrayBuffer(4),
  Buffer.from('hi'),
  new DataView(new ArrayBuffer(2)),
);
console.log(
  Promise.resolve(4),
  Promise.reject(new Error('r')).catch(() => {}),
  new Promise(() => {}),
  (async () => 5)(),
);
console.log(
  [1, 2, 3].entries(),
  new Map([[1, 2]]).keys(),
  new Set([1]).values(),
  'abc'[Symbol.iterator](),
  (function* () {})(),
);
console.log(globalThis === global, typeof window, [[[[1]]]], { a: [{ b: { c: {} } }] }, [[]], [{}], {});
const c = { name: 'c' };
c.self = c;
c.list = [c, { c }];
console.log(c);
console.log(
  util.inspect('a\nb'),
  util.inspect(new Date(0)),
  util.inspect(/re/gi),
  util.inspect(null),
  util.inspect([['a', 'b'], ['c']], { compact: false }),
);
console.log(
  util.inspect({ a: 1, b: 'x', c: [1, 2, { d: 1 }] }, { colors: true }),
  util.inspect(new Proxy({ a: 1 }, {}), { showProxy: true }),
  new Proxy([1, 2], {}),
  new Proxy(function f() {}, {}),
);
console.log('%s|%d|%i|%f|%j|%o|%O|%c|%%|%x', 'str', 42.5, 42.5, '3.14', { a: 1 }, [1], { b: 2 }, 'css', 'extra', {
  more: 1,
});
console.log('%s', null, undefined, 5n, Symbol('a'), { a: { b: { c: 1 } } }, [1, [2, [3]]], -0);
console.log(
  util.format('%s %s', 'only'),
  util.format('a', 'b', 3),
  util.format(1, 2),
  util.format('%d', '0x10'),
  util.format('%i', 'abc'),
);
console.log(
  process.argv.length,
  typeof process.version,
  process.platform.length > 0,
  typeof process.memoryUsage().heapUsed,
  process.uptime() >= 0,
);
class P {
  constructor() {
    this.z = 1;
  }
  [util.inspect.custom](d, o) {
    return `P<${this.z}>`;
  }
}
console.log(new P(), [new P()], { p: new P() });
console.log({
  long: 'a'.repeat(100),
  arr: Array.from({ length: 30 }, (_, i) => i * 100),
  nested: { one: 'x'.repeat(30), two: 'y'.repeat(30), three: 3 },
});
console.log(Array.from({ length: 120 }, (_, i) => 'item' + i));
console.log(Array.from({ length: 27 }, (_, i) => (i % 2 ? 'odd' : 'evennn')));
console.log(new Map(Array.from({ length: 5 }, (_, i) => ['key' + i, { v: i, w: 'w'.repeat(20) }])));
console.log(
  [
    ['a', 1],
    ['b', 2],
  ],
  [[1, 2, [3, 4, [5, [6]]]]],
);
console.log(
  Object.assign(() => {}, { a: 1 }),
  Object.assign(function named() {}, { b: 2 }),
  Object.assign([1, 2], { extra: true }),
  Object.assign(new Error('with prop'), { code: 'E1' }).code,
);
console.log([undefined, , null], { u: undefined, n: null }, [['x'.repeat(80)]], ['a'.repeat(75), 'b']);
console.log(-0, [-0], 0 === -0, Object.is(0, -0), 1 / -0);

// ===== structuredClone
const o = {
  d: new Date(0),
  m: new Map([[1, { a: 1 }]]),
  s: new Set([1]),
  r: /x/gi,
  n: [1, , 3],
  u: undefined,
  big: 10n,
  buf: new Uint8Array([1, 2]),
  e: new RangeError('bad'),
};
o.self = o;
const c = structuredClone(o);
console.log(c.d, c.m, c.s, c.r, c.n, c.big, c.buf, c.self === c, c.e.name, c.e.message, c !== o);
try {
  structuredClone(() => {});
} catch (e) {
  console.log(e.name, e.message, e.code, e.constructor.name);
}
try {
  structuredClone({ a: Symbol('x') });
} catch (e) {
  console.log(e.name, e.message);
}
class P {
  constructor() {
    this.x = 1;
  }
  get y() {
    return 2;
  }
}
console.log(structuredClone(new P()), structuredClone([new P()])[0] instanceof P);

// ===== bigint
const fact = (n) => (n <= 1n ? 1n : n * fact(n - 1n));
console.log(
  fact(30n),
  2n ** 100n,
  -7n / 2n,
  -7n % 2n,
  5n << 70n,
  -1n >> 3n,
  10n > 9,
  1n == 1,
  typeof 1n,
  BigInt('0xff'),
  BigInt(2 ** 60),
);
console.log(
  BigInt.asUintN(8, 257n),
  BigInt.asIntN(8, 255n),
  123n.toString(16),
  Number(2n ** 64n),
  parseInt('9007199254740993'),
  0n ? 1 : 2,
  [3n, 1, 2n].sort((a, b) => (a < b ? -1 : 1)),
);
for (const f of [
  () => 1n + 1,
  () => BigInt(1.5),
  () => BigInt('x'),
  () => 1n / 0n,
  () => +1n,
  () => Math.max(1n),
  () => JSON.stringify({ a: 1n }),
  () => BigInt(undefined),
  () => 1n >>> 0n,
]) {
  try {
    console.log(f());
  } catch (e) {
    console.log(e.name, e.message);
  }
}
const modpow = (b, e, m) => {
  let r = 1n;
  for (b %= m; e > 0n; e >>= 1n, b = (b * b) % m) if (e & 1n) r = (r * b) % m;
  return r;
};
console.log(
  modpow(3n, 200n, 1000000007n),
  (10n ** 40n).toLocaleString(),
  BigInt(Number.MAX_SAFE_INTEGER) + 2n,
  `${10n}`,
  [1n, 2n],
  { x: 5n },
);

// ===== tagged templates and strings
const tag = (s, ...v) => s.raw.map((x, i) => x + (v[i] !== undefined ? `[${v[i]}]` : '')).join('');
console.log(tag`a${1}\n${'x'}b`, String.raw`\u00e9${1}`, tag``, ((s) => s === ((q) => q)`x`)`x`);
console.log(
  'abc'.padStart(6, '12'),
  'abc'.padEnd(6) + '|',
  'abc'.at(-1),
  'abc'.codePointAt(1),
  'x'.repeat(0),
  'abcabc'.indexOf('c', 3),
  'abc'.substring(2, 0),
  'abc'.substr(-2, 1),
  'abc'.slice(-2),
);
console.log(
  'ß'.toUpperCase(),
  'İ'.toLowerCase().length,
  'é'.normalize('NFD').length,
  'a\u0301'.normalize().length,
  '\u{1F600}'.length,
  [...'👨‍👩‍👧'].length,
  'abc' < 'abd',
  'Z' < 'a',
);
console.log(
  'title case here'
    .split(' ')
    .map((w) => w[0].toUpperCase() + w.slice(1))
    .join(' '),
  [...'hello'].reverse().join(''),
  'a-b-c'.split('-', 2),
  encodeURIComponent('a b&c/é'),
  decodeURIComponent('%E2%82%AC'),
  encodeURI('http://x/a b?q=é'),
  escape('é a'),
  unescape('%u0107'),
);
console.log(
  'abc'.localeCompare('abd'),
  'x'.concat(1, null),
  'a,b'.includes(','),
  'abc'.startsWith('b', 1),
  'abc'.endsWith('b', 2),
  ' \t\n'.trim() === '',
  '\x41\u0042',
  'tab\there',
  "quote's",
  'multi\
line',
  isNaN('abc'),
  Number(''),
  Number(' 12 '),
  Number('1e3'),
  Number('0b11'),
  Number('1_000'),
  parseFloat('3.14abc'),
  parseInt('101', 2),
  (255).toString(2),
  (0.1).toFixed(20),
  (1.005).toFixed(2),
  (25).toString(36),
  1e21 + '',
  123456789012345680000 + '',
  5e-324,
  (1234.5678).toExponential(2),
  (0.00001).toPrecision(1),
  0.1 * 3,
  1 / 3,
);
console.log(
  'well-formed'.isWellFormed(),
  'a\ud800'.toWellFormed(),
  'a\ud800'.length,
  JSON.stringify('\ud800'),
  '\ud83d\ude00',
  ['\ud800'],
  'x\u0000y'.length,
);

// ===== typed arrays
const f = new Float32Array([1.1, 2.5, -3]),
  u8 = new Uint8ClampedArray([300, -5, 1.5]),
  i16 = Int16Array.of(40000, -1),
  b = new BigInt64Array([1n, -1n]);
console.log(
  f,
  u8,
  i16,
  b,
  f.map((x) => x * 2),
  Array.from(f),
  [...u8],
  f.byteLength,
  Float64Array.BYTES_PER_ELEMENT,
);
const buf = new ArrayBuffer(8),
  dv = new DataView(buf);
dv.setInt16(0, -2);
dv.setFloat32(4, 1.5, true);
console.log(new Uint8Array(buf), dv.getUint16(0), dv.getFloat32(4, true), buf, buf.slice(4));
const m = new Uint32Array(5).fill(7, 1, 3);
m.set([9, 8], 3);
console.log(
  m,
  m.subarray(1, 3),
  m.slice(-2),
  m.indexOf(9),
  m.join('-'),
  m.reverse(),
  m.sort(),
  m.includes(7),
  Object.keys(m),
  m.length,
  m[10],
  m.at(-1),
  m.toString(),
);
try {
  new Uint8Array(-1);
} catch (e) {
  console.log(e.name, e.message);
}
try {
  new DataView(buf).getInt8(8);
} catch (e) {
  console.log(e.name, e.message);
}
const bf = Buffer.from('héllo');
console.log(
  bf,
  bf.toString('hex'),
  bf.toString('base64'),
  bf.length,
  Buffer.concat([bf, Buffer.alloc(2)]),
  Buffer.from('aGk=', 'base64').toString(),
  bf.slice(0, 2),
  bf.equals(Buffer.from('héllo')),
  Buffer.byteLength('é'),
  bf.readUInt16BE(0),
  JSON.stringify(Buffer.from('a')),
  Buffer.compare(Buffer.from('a'), Buffer.from('b')),
  bf.indexOf('l'),
  Buffer.from([256, -1]),
  bf.toString('latin1'),
  Buffer.isBuffer(bf),
);
console.log(
  new TextEncoder().encode('é'),
  new TextDecoder().decode(new Uint8Array([226, 130, 172])),
  btoa('hi'),
  atob('aGk='),
);

// ===== map set api
const mp = new Map([['a', 1]]);
mp.set(NaN, 'n').set(0, 'z');
console.log(
  mp.get(NaN),
  mp.get(-0),
  mp.size,
  mp.has('b'),
  mp.delete('a'),
  [...mp],
  mp.forEach((v, k, s) => console.log(k, v, s === mp)),
  Object.fromEntries(mp),
  new Map(Object.entries({ x: 1 })),
);
const A = new Set([1, 2, 3]),
  B = new Set([2, 3, 4]);
console.log(
  [...A].filter((x) => B.has(x)),
  new Set([...A, ...B]),
  [...new Set('hello')].join(''),
  A.add(1).size,
  new Set([[1], [1]]).size,
  A.entries().next(),
);
const it = mp.entries();
console.log(it.next(), it[Symbol.toStringTag], it, [...it]);
for (const x of A) {
  if (x < 3) A.add(x + 10);
  if (A.size > 8) break;
}
console.log(A);
const wm = new WeakMap(),
  key = {};
wm.set(key, 1);
console.log(wm.get(key), wm.has({}), new WeakRef(key).deref() === key);
try {
  wm.set(1, 2);
} catch (e) {
  console.log(e.message);
}
try {
  new Set(5);
} catch (e) {
  console.log(e.message);
}
try {
  new Map([1]);
} catch (e) {
  console.log(e.message);
}
try {
  Map();
} catch (e) {
  console.log(e.message);
}

// ===== console methods
console.log();
console.log('');
console.info('info', 1);
console.debug('debug');
console.error('to stderr');
console.warn('w');
console.group('G1');
console.log('inner\nline2');
console.group();
console.table([{ a: 1 }]);
console.groupEnd();
console.groupEnd();
console.log('outer');
console.count();
console.count('x');
console.count();
console.countReset();
console.count();
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
console.assert(1 === 1, 'no');
console.assert(false, 'to stderr');
console.log('%s is %d years', 'Bob', 42, 'extra');
console.log('100%', 5, '%');
console.log('%%s', 1);
console.log('a%sb%sc', 1);
console.log(null, undefined, true, 5n, Symbol('x'));
console.log('%o', { a: [1, 2] });
console.log([['a']], 'b', ['c']);
console.groupCollapsed('gc');
console.log({ a: 1, b: { c: [1, 2, 3] } });
console.groupEnd();
process.stdout.write('no newline');
process.stdout.write('\n');
console.log('%c styled', 'color: red');
console.log('%i %f', '12.9px', 'abc');
console.dirxml([1]);
console.log('%j', { x: 1 }, 'y');
console.log(-0, [-0], '%d', -0);
console.log('tab\tq', ['tab\t']);
console.trace === undefined || console.log('has trace');

// ===== number formatting zoo
for (const x of [
  0,
  -0,
  1,
  -1.5,
  1e21,
  1e-7,
  123456789.123,
  0.1 + 0.2,
  1 / 3,
  2 ** 53,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  NaN,
  -Infinity,
  1e5,
  100,
  4.35,
  1.45,
  8.345,
  0.000001234,
])
  console.log(
    String(x),
    x.toFixed(2),
    x.toPrecision(3),
    x.toExponential(1),
    x.toString(2).slice(0, 20),
    Math.round(x),
    Math.trunc(x),
    x | 0,
    x >>> 0,
    JSON.stringify(x),
    x.toLocaleString(),
  );
console.log(
  Math.round(-0.5),
  Math.round(2.5),
  Math.round(-2.5),
  Math.max(),
  Math.min(),
  Math.hypot(3, 4),
  Math.cbrt(27),
  Math.sign(-3),
  Math.fround(5.5),
  Math.clz32(1),
  Math.imul(3, 4),
  Math.log2(8),
  Math.log10(1000),
  Math.expm1(0),
  Math.atan2(1, 1),
  5 % -3,
  -5 % 3,
  2 ** -1,
  (-8) ** (1 / 3),
  7 / 0,
  0 / 0,
  0.1 * 3,
  9007199254740993,
  0xff,
  0b101,
  0o17,
  1_000_000,
  0.5,
  5,
  1e3,
);
console.log(
  parseInt('12px'),
  parseInt(''),
  parseInt('0x1f'),
  parseInt('z', 36),
  parseInt('1e3'),
  parseInt(null),
  parseInt(0.0000005),
  parseFloat('.5.5'),
  parseFloat('-.5e-2x'),
  Number('  42\n'),
  Number('4 2'),
  Number([]),
  Number([5]),
  Number([1, 2]),
  Number({}),
  Number(true),
  Number(null),
  Number(undefined),
  Number('0x1F'),
  Number('-0x1F'),
  Number('Infinity'),
  +new Date(5),
  Number.isInteger(5.0),
  Number.isSafeInteger(2 ** 53),
  (25).toString(16).padStart(4, '0'),
  Number.EPSILON > 0,
  ~~-5.7,
  -5 >> 1,
  -5 >>> 28,
  5 & 3,
  5 | 3,
  5 ^ 3,
  ~5,
  1 << 31,
  1 << 32,
  '5' * '2',
  '5' + 2,
  5 + +'2',
  [] + [],
  [] + {},
  1 + null,
  1 + undefined,
  '3' - 1,
  true + true,
  [2] * [3],
  null ?? 'd',
  0 || 'x',
  0 ?? 'x',
  '' && 'y',
);
console.log(
  [] == false,
  null == 0,
  null >= 0,
  undefined == null,
  NaN == NaN,
  '1' == 1,
  [1] == 1,
  'b' > 'a',
  '10' < '9',
  10 < '9',
  null == undefined,
  typeof null,
  typeof function () {},
  typeof class {},
  typeof Symbol(),
  typeof undefined,
  typeof [],
  void 0 === undefined,
  !!'false',
  !!NaN,
  !![],
  Boolean(''),
  '2' > '12',
  2 > '12',
);

// ===== util helpers
const util = require('util');
console.log(
  util.isDeepStrictEqual({ a: [1] }, { a: [1] }),
  util.types.isPromise(Promise.resolve()),
  util.inspect.custom,
  util.format('%s=%o', 'x', { a: [1, { b: 2 }] }),
  util.isArray([]),
  util.types.isRegExp(/x/),
  util.inherits.length,
  typeof util.promisify,
  typeof util.deprecate,
  util.inspect({ a: 1n, b: 'x' }, { compact: true }),
  util.inspect(new Map([['a', { b: [1, 2] }]]), { depth: 0 }),
  util.inspect('x'.repeat(20), { maxStringLength: 5 }),
  util.inspect([1, 2, 3, 4], { maxArrayLength: 2 }),
  util.inspect({ b: 1, a: 2 }, { sorted: true }),
  util.inspect({ a: { b: 1 } }, { breakLength: 3 }),
  util.inspect(
    {
      get x() {
        return 5;
      },
    },
    { getters: true },
  ),
  util.inspect([, 1], { showHidden: true }),
  util.inspect(new (class A extends Map {})([[1, 2]])),
  util.inspect(Object.create({ constructor: { name: 'Fake' } })),
  util.styleText ? 'st' : 'no',
  util.stripVTControlCharacters('\u001b[31mx\u001b[0m'),
  util.toUSVString('a\ud800'),
  util.inspect(123456789.123, { numericSeparator: true }),
);

// ===== inspect with colors
const util = require('util');
const o = {
  n: 1,
  s: 'str',
  b: true,
  u: undefined,
  nl: null,
  big: 5n,
  sym: Symbol('q'),
  f() {},
  a: [1, , 'x'],
  d: new Date(0),
  r: /x/g,
  m: new Map([['k', { deep: { deeper: { deepest: 1 } } }]]),
  e: [[[[1]]]],
  'quoted-key': 1,
  [Symbol('sk')]: 2,
  get g() {
    return 1;
  },
  c: class Foo {},
  bx: new Number(5),
  p: Promise.resolve(1),
  pp: new Promise(() => {}),
  ta: new Uint8Array(3),
};
o.self = o;
console.log(util.inspect(o, { colors: true, depth: 2 }));
console.log(util.inspect(o, false, null, true).length);
console.dir({ a: 1, b: ['x', 2] }, { colors: true });
console.log(
  util.inspect(
    Array.from({ length: 30 }, (_, i) => i * 37),
    { colors: true },
  ),
);
console.log(
  util.inspect(['apple', 'fig', 'banana', 'kiwi', 'cherry', 'date', 'elderberry', 'grape'], {
    colors: true,
    breakLength: 60,
  }),
  util.inspect('multi\nline text that is long enough to break over several lines because it is long\nend', {
    colors: true,
  }),
  util.inspect([{ text: 'multi\nline text that is long enough to break over several lines because it is long\nend' }], {
    colors: true,
  }),
);

// ===== symbol usage
const s = Symbol('desc');
console.log(
  s.toString(),
  s.description,
  Symbol.for('k') === Symbol.for('k'),
  Symbol.keyFor(Symbol.for('k')),
  typeof s,
  { [s]: 1 }[s],
  Object(s) == s,
);
class Even {
  static [Symbol.hasInstance](n) {
    return n % 2 === 0;
  }
}
console.log(2 instanceof Even, 1 instanceof Even);
class Coll {
  constructor() {
    this.items = [1, 2];
  }
  get [Symbol.toStringTag]() {
    return 'Coll';
  }
}
console.log(String(new Coll()), new Coll(), Object.prototype.toString.call(new Coll()));
const spread = { [Symbol.isConcatSpreadable]: true, length: 2, 0: 'a', 1: 'b' };
console.log([1].concat(spread), [1].concat([2], [[3]]));
const m = {
  [Symbol.match](str) {
    return 'matched ' + str;
  },
  [Symbol.replace](s, r) {
    return `${s}->${r}`;
  },
  [Symbol.split](s) {
    return [s, s];
  },
};
console.log('x'.match(m), 'y'.replace(m, 'z'), 'w'.split(m));
console.log(
  [Symbol.iterator, Symbol.asyncIterator].map(String),
  Object.getOwnPropertySymbols({ [Symbol('a')]: 1 }),
  Symbol('x') === Symbol('x'),
  [Symbol('arr')],
  new Map([[Symbol('mk'), 1]]),
);

// ===== date arithmetic
const d = new Date('2024-02-28T23:59:59Z');
d.setSeconds(d.getSeconds() + 1);
console.log(d.toISOString());
d.setUTCDate(d.getUTCDate() + 1);
console.log(d.toISOString(), d.getUTCDay(), d.valueOf());
const diff = (a, b) => Math.round((new Date(b) - new Date(a)) / 864e5);
console.log(diff('2024-01-01', '2024-12-25'), diff('2023-02-01', '2024-02-01'));
const isLeap = (y) => new Date(y, 1, 29).getDate() === 29;
console.log([1900, 2000, 2023, 2024].map(isLeap));
console.log(
  new Date(2024, 11, 31, 23, 59, 59, 999).toISOString(),
  new Date(2024, 12, 1).getMonth(),
  new Date('2024-01-01T00:00:00+05:30').toISOString(),
  new Date(2019, 0).toString(),
  Date.UTC(2024, 0, 1, 12),
  new Date('Tue Mar 05 2024 10:20:30 GMT+0100').toISOString(),
  new Date('2024/03/05').getTime(),
  new Date('Mar 5, 2024').toISOString(),
  new Date('5 March 2024 14:30').toISOString(),
  new Date(8.64e15 + 1).getTime(),
  new Date(null).getTime(),
  new Date(undefined).getTime(),
  new Date('').getTime(),
  new Date(true).getTime(),
  new Date(2024, 0, 1, 0, 0, 0).toLocaleString('en-US', {
    weekday: 'short',
    hour: 'numeric',
    minute: '2-digit',
    hour12: true,
  }),
  ['2024-01-31', '2024-03-31'].map((x) => {
    const q = new Date(x);
    q.setUTCMonth(q.getUTCMonth() + 1);
    return q.toISOString().slice(0, 10);
  }),
);

// ===== intl and collation
console.log(
  ['résumé', 'resume', 'Résumé', 'zebra', 'Äpfel', 'apple', 'Zoo', '10', '9', '1'].sort(
    new Intl.Collator('en').compare,
  ),
  ['a10', 'a9', 'a1'].sort(new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare),
  ['b', 'A', 'a', 'B'].sort((x, y) => x.localeCompare(y)),
  'a'.localeCompare('á', 'en', { sensitivity: 'base' }),
  ['_x', 'x', '-y', 'y', ' z', 'Z', '1a', '#h'].sort((a, b) => a.localeCompare(b)),
  new Intl.NumberFormat('en-US', { style: 'currency', currency: 'EUR' }).format(-5.5),
  new Intl.NumberFormat('en-US', { minimumFractionDigits: 3 }).format(1),
  new Intl.NumberFormat('en-US', { notation: 'compact', compactDisplay: 'long' }).format(1.5e6),
  new Intl.NumberFormat('en-US', { signDisplay: 'always' }).format(5),
  new Intl.NumberFormat('en', { style: 'unit', unit: 'liter', unitDisplay: 'long' }).format(16),
  new Intl.PluralRules('en').select(1),
  ['en'].map((l) => new Intl.DateTimeFormat(l, { month: 'long', timeZone: 'UTC' }).format(new Date(0))),
  Intl.DateTimeFormat().resolvedOptions().timeZone,
  new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 }).format(0.1234),
  (123456.789).toLocaleString('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 0,
    maximumFractionDigits: 0,
  }),
  (0.5).toLocaleString('en-US', { style: 'percent' }),
  'I'.toLocaleLowerCase(),
  'istanbul'.toLocaleUpperCase('en'),
);
