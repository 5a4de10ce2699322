// ===== array methods
const a = [5, 3, 8, 1];
console.log(
  a.map((x) => x * 2),
  a.filter((x) => x > 2),
  a.reduce((s, x) => s + x, 0),
  a.reduceRight((s, x) => s + x, ''),
  a.some((x) => x > 7),
  a.every((x) => x > 0),
  a.find((x) => x > 4),
  a.findIndex((x) => x > 7),
  a.indexOf(8),
  a.lastIndexOf(9),
  a.includes(1),
  a.slice(-2),
  a.concat([1], 2),
  a.join('-'),
  [...a].reverse(),
  [...a].sort((x, y) => x - y),
  [...a].fill(0, 1, 3),
);
const s = [1, 2, 3, 4, 5];
console.log(
  s.splice(1, 2, 'a', 'b', 'c'),
  s,
  s.push(9),
  s.pop(),
  s.shift(),
  s.unshift(0, 1),
  s,
  s.copyWithin(0, 3),
  Array.of(7),
  Array(3)
    .fill()
    .map((_, i) => i),
  [[1, 2], [3]].flatMap((x) => x),
  Array.isArray([]),
  [1, 2, 3].entries().next(),
  [...[7, 8].entries()],
  [3, 20, 100].sort(),
  ['b', undefined, 'a'].sort(),
  [1, 2, 3].keys().next(),
);
console.log(
  [1, 2, 3].toString(),
  [[1, 2], [3]].toString(),
  [1, 2, 3, 4, 5].copyWithin(1, 3),
  [,].length,
  Array.from({ length: 3 }),
  Array.from(new Map([[1, 2]])),
  [0, 1, 2].findLastIndex((x) => x < 2),
  [NaN].includes(NaN),
  [NaN].indexOf(NaN),
);
delete a[1];
console.log(a, 1 in a);
a.length = 2;
console.log(a);

// ===== sort is stable
const people = [
  ['a', 2],
  ['b', 1],
  ['c', 2],
  ['d', 1],
  ['e', 2],
  ['f', 1],
  ['g', 2],
  ['h', 1],
  ['i', 2],
  ['j', 1],
  ['k', 2],
  ['l', 1],
];
console.log(
  people
    .sort((x, y) => x[1] - y[1])
    .map((p) => p[0])
    .join(''),
);
console.log(
  Array.from({ length: 100 }, (_, i) => ({ i, k: i % 3 }))
    .sort((x, y) => x.k - y.k)
    .map((o) => o.i)
    .join(','),
);
console.log(
  ['é', 'z', 'a', 'Z', 'A', 'ä'].sort(),
  ['é', 'z', 'a', 'Z', 'A', 'ä'].sort((x, y) => x.localeCompare(y)),
  ['item10', 'item9', 'Item1'].sort((x, y) => x.localeCompare(y, undefined, { numeric: true })),
  ['b', 'a', 'C', 'B', 'c', 'A'].sort((x, y) => x.localeCompare(y)),
  'a'.localeCompare('b'),
  'b'.localeCompare('a'),
  'a'.localeCompare('a'),
  'a'.localeCompare('A'),
  'résumé'.localeCompare('resume'),
  'a b'.localeCompare('ab'),
  '_x'.localeCompare('a'),
  '10'.localeCompare('9'),
  'a'.localeCompare('á', 'en', { sensitivity: 'base' }),
  'A'.localeCompare('a', undefined, { sensitivity: 'base' }),
);

// ===== string methods
const t = 'Hello, World';
console.log(
  t.length,
  t.charAt(1),
  t[0],
  t.charCodeAt(0),
  t.codePointAt(1),
  t.indexOf('o'),
  t.lastIndexOf('o'),
  t.slice(-5),
  t.substring(5, 0),
  t.substr(-5, 3),
  t.split(', '),
  t.split(''),
  t.toUpperCase(),
  t.toLowerCase(),
  t.includes('World'),
  t.startsWith('Hell'),
  t.endsWith('d'),
  t.replace('l', 'L'),
  t.replace(/l/g, (m, off) => off),
  t.search(/W/),
  t.match(/o/g),
  t.repeat(2),
  t.padStart(15, '*'),
  t.padEnd(14, '-') + '|',
  '  x '.trim() + '|',
  ' x '.trimStart() + '|',
  ' x '.trimEnd() + '|',
  t.concat('!', 1),
  'a,b,,c'.split(','),
  'abc'.split('', 2),
  'x'.at(-1),
  t.localeCompare('Hello'),
);
console.log(
  'a1b2'.replace(/([a-z])(\d)/g, '$2$1'),
  'x'.replace('x', '$&$&$$'),
  'aaa'.replaceAll('a', (m, i) => i),
  'John Smith'.replace(/(?<f>\w+)\s(?<l>\w+)/, '$<l>, $<f>'),
  [...'héllo😀'].length,
  'ß'.toUpperCase(),
  'İ'.toLowerCase().length,
  '\u0041\u030a'.normalize('NFC').length,
  'abc' < 'abd',
  'Z' < 'a',
  'z'.codePointAt(0).toString(2),
  String.fromCharCode(72, 105),
  String.fromCodePoint(128512),
  encodeURIComponent('a b&c/é'),
  decodeURIComponent('%E2%9C%93'),
  encodeURI('a b?c=é'),
  escape('ü x'),
  unescape('%FC'),
  'tEST'.charAt(0).toUpperCase() + 'tEST'.slice(1).toLowerCase(),
  'abc'.split('').reverse().join(''),
  'ab\ud800'.isWellFormed?.() ?? false,
);

// ===== numbers and math
console.log(
  (1234.5678).toFixed(2),
  (0.000001234).toString(),
  (1e21).toString(),
  (255).toString(16),
  (255).toString(2),
  (0.5).toString(2),
  (1234.5678).toExponential(2),
  (1234.5678).toPrecision(3),
  (25).toString(36),
  Number.MAX_SAFE_INTEGER,
  Number.EPSILON,
  Number.MIN_VALUE,
  Number.isInteger(5.0),
  Number.isSafeInteger(2 ** 53),
  (1.005).toFixed(2),
  (1.45).toFixed(1),
  (8.345).toFixed(2),
  (0).toFixed(2),
  (-1.5).toFixed(0),
  (1e-10).toFixed(2),
  (123.456).toFixed(),
  (-0).toString(),
  0.1 + 0.2 === 0.3,
  1 / 3,
  100 / 3,
  2 / 3,
  1e16 + 1,
  123456789012345680000,
);
console.log(
  Math.round(-0.5),
  Math.round(2.5),
  Math.round(-2.5),
  Math.floor(-1.5),
  Math.ceil(-1.5),
  Math.trunc(-1.7),
  Math.sign(-3),
  Math.abs(-5),
  Math.max(),
  Math.min(),
  Math.hypot(3, 4),
  Math.cbrt(27),
  Math.log2(8),
  Math.log10(1000),
  Math.log(Math.E),
  Math.fround(5.5),
  Math.clz32(1),
  Math.imul(3, 4),
  Math.sqrt(2),
  Math.pow(2, 0.5),
  Math.sin(1),
  Math.cos(1),
  Math.tan(1),
  Math.atan2(1, 1),
  Math.exp(2),
  Math.expm1(1e-10),
  Math.log1p(1e-10),
  Math.sinh(1),
  Math.cosh(0),
  Math.tanh(1),
  Math.asinh(1),
  Math.PI,
  Math.E,
  Math.SQRT2,
  Math.LN2,
);

// ===== map and set
const m = new Map([['a', 1]]);
m.set('b', 2).set(NaN, 'nan').set({}, 'obj');
console.log(m.get(NaN), m.has('a'), m.size, m.delete('a'), [...m.keys()], [...m].length);
m.forEach((v, k) => console.log(typeof k, v));
const s1 = new Set([1, 2, 3]),
  s2 = new Set([2, 3, 4]);
console.log(
  new Set([...s1].filter((x) => s2.has(x))),
  new Set([...s1, ...s2]).size,
  [...s1].filter((x) => !s2.has(x)),
  s1.add(1).size,
  s1.delete(9),
);
const wm = new WeakMap();
const key = {};
wm.set(key, 'v');
console.log(wm.get(key), wm.has({}), new WeakRef(key).deref() === key);
const order = new Map();
order.set(3, 'c').set(1, 'a').set(2, 'b').delete(1);
order.set(1, 'again');
console.log([...order.entries()], new Map([...order].sort((x, y) => x[0] - y[0])));

// ===== json
console.log(
  JSON.stringify({
    a: [1, { b: 2 }],
    c: undefined,
    d: () => 1,
    e: null,
    f: NaN,
    g: new Date(0),
    h: Infinity,
    i: 'q"\n\u2028',
    j: Symbol('x'),
    k: [undefined, () => 1],
  }),
  JSON.stringify([
    new Map([[1, 2]]),
    new Set([1]),
    new (class {
      x = 1;
      toJSON() {
        return 'tj';
      }
    })(),
  ]),
  JSON.stringify('é😀\ud800'),
  JSON.stringify({ a: 1, b: [1, 2], c: {}, d: [] }, null, 2),
  JSON.stringify({ a: 1, b: 2 }, ['a']),
  JSON.stringify({ a: 1, b: 'x' }, (k, v) => (typeof v === 'number' ? v + 1 : v)),
  JSON.stringify([1, [2]], null, '--'),
  JSON.stringify(undefined),
  JSON.stringify(null),
  JSON.stringify(Object.create({ inherited: 1 })),
  JSON.stringify({ [Symbol('s')]: 1, 2: 'two', 1: 'one' }),
  JSON.stringify(new Boolean(true)),
  JSON.stringify(-0),
  JSON.stringify(1e21),
);
console.log(
  JSON.parse('{"a":[1,2,{"b":null}],"c":"\\u0041\\n","d":1e3,"e":-0.5}'),
  JSON.parse(' [1 , 2 ] '),
  JSON.parse('"x"'),
  JSON.parse('{"a":1,"a":2}'),
  JSON.parse('{"x":{"y":5}}', (k, v) => (k === 'y' ? v * 2 : v)),
  JSON.parse('{"__proto__":1}'),
  JSON.parse(JSON.stringify({ nested: { deep: [1, 2, { three: 3 }] } })),
);
for (const bad of ['', '{', '[1,]', "{'a':1}", 'undefined', '{"a":}', '01', '"\n"', '[1 2]', 'nul']) {
  try {
    JSON.parse(bad);
    console.log('ok');
  } catch (e) {
    console.log(e.name);
  }
}

// ===== regular expressions
console.log(
  '2024-01-15'.match(/(?<year>\d{4})-(?<month>\d{2})/).groups.year,
  'price: $42'.match(/(?<=\$)\d+/)[0],
  'foobar'.match(/foo(?!baz)/)[0],
  'ab12'.replace(/(?<!b)\d/g, '#'),
  /^\p{Lu}\p{Ll}+$/u.test('Élan'),
  '😀a'.match(/./u)[0],
  'aBc'.match(/b/i).index,
  'a\nb'.match(/a.b/s) !== null,
  'x\ny'.match(/^y$/m)[0],
  /(\w)\1/.exec('hello')[0],
  'a.b*c'.replace(/[.*]/g, '\\$&'),
  'one two'.split(/(\s)/),
  'aaa'.match(/a{2}/)[0],
  'aaa'.match(/a+?/)[0],
  [...'k1=v1;k2=v2'.matchAll(/(\w+)=(\w+)/g)].map(([, k, v]) => [k, v]),
);
const re = /o/g;
console.log(
  re.test('foo'),
  re.lastIndex,
  re.test('foo'),
  re.lastIndex,
  re.test('foo'),
  re.flags,
  re.source,
  new RegExp('a/b', 'gi'),
  String(new RegExp('')),
  /[\u4e00-\u9fa5]/.test('中'),
  /\bword\b/.test('a word b'),
  'camelCaseString'.replace(/([A-Z])/g, ' $1').toLowerCase(),
  'snake_case_here'.replace(/_(\w)/g, (_, c) => c.toUpperCase()),
  '1234567.891'.replace(/\B(?=(\d{3})+(?!\d))/g, ','),
  /a(?:b|c)d/.test('acd'),
  'x'.match(/y/),
  'test'.search('s'),
  /(a)|(b)/.exec('b'),
  /^[\w.+-]+@[\w-]+\.[\w.]+$/.test('a.b+c@d-e.co.uk'),
);
const st = /foo/y;
st.lastIndex = 3;
console.log(
  st.test('barfoo'),
  st.lastIndex,
  /(?<d>\d)/d.exec('a1').indices.groups.d,
  'aXbXc'.split('X', 2),
  'A-B_C'.split(/[-_]/),
  /\d{3,}/.exec('12 1234')[0],
  'tel: 555-1234'.replace(/(\d{3})-(\d{4})/, (m, a, b, off, str) => `${b}-${a}@${off}/${str.length}`),
);

// ===== dates in UTC
const d = new Date(Date.UTC(2024, 1, 29, 12, 30, 45, 123));
console.log(
  d.toISOString(),
  d.getTime(),
  d.getDay(),
  d.getFullYear(),
  d.getMonth(),
  d.getDate(),
  d.getHours(),
  d.getTimezoneOffset(),
  d.toJSON(),
  String(d),
  d.toDateString(),
  d.toTimeString(),
  d.toUTCString(),
  d.valueOf(),
  new Date('2024-03-10').toISOString(),
  new Date('2024-03-10T10:00:00').toISOString(),
  new Date('2024-03-10T10:00:00+02:00').toISOString(),
  new Date(2024, 0, 31).toISOString(),
  new Date('March 7, 2024 10:00').toISOString(),
  Date.parse('2024-01-01T00:00:00Z'),
  new Date('invalid').getTime(),
  isNaN(new Date('x')),
  new Date(2024, 12, 1).getMonth(),
  new Date(0).toISOString(),
  new Date('12/25/1995').toISOString(),
  new Date('1995-12-17T03:24:00.000Z') - new Date(0),
);
const e = new Date(Date.UTC(2024, 0, 31));
e.setUTCMonth(1);
console.log(e.toISOString());
e.setDate(0);
console.log(e.toISOString());
e.setHours(25, 61);
console.log(
  e.toISOString(),
  new Date(e).getTime() === e.getTime(),
  new Date(2020, 1, 30).getDate(),
  new Date(8.64e15 + 1).getTime(),
  typeof Date(),
  typeof Date.now(),
  (new Date(2024, 2, 1) - new Date(2024, 1, 1)) / 86400000,
  new Date(99, 0).getFullYear(),
  new Date(Date.UTC(2024, 5, 15)).toLocaleDateString('en-US'),
  `${new Date(0)}`,
);

// ===== locale strings of numbers
console.log(
  (1234567.891).toLocaleString(),
  (1234.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' }),
  (0.256).toLocaleString('en-US', { style: 'percent' }),
  (1234.5).toLocaleString('en-US', { minimumFractionDigits: 2 }),
  (1e9).toLocaleString('en-US'),
  (5).toLocaleString('en-US', { minimumIntegerDigits: 2 }),
  (1234.5678).toLocaleString(undefined, { maximumFractionDigits: 1 }),
  (-1234.5).toLocaleString(),
  (0).toLocaleString(),
  NaN.toLocaleString(),
  (123456).toLocaleString('de-DE'),
  (1234567.89).toLocaleString('en-IN'),
  new Intl.NumberFormat('en-US').format(9876543.21),
  new Intl.NumberFormat('en-US', { style: 'currency', currency: 'EUR' }).format(12.3),
  new Intl.NumberFormat('en-US', { notation: 'compact' }).format(1234567),
  new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 }).format(123456),
  (1.005).toLocaleString('en-US', { maximumFractionDigits: 2 }),
  (2.5).toLocaleString('en-US', { maximumFractionDigits: 0 }),
  (1e21).toLocaleString(),
  12345678901234567890n.toLocaleString('en-US'),
  (1234.5).toLocaleString('en-US', { style: 'currency', currency: 'JPY' }),
  (0.5).toLocaleString('en-US', { style: 'percent', minimumFractionDigits: 1 }),
  [1234.5, 2].toLocaleString(),
  (1234).toLocaleString('en-US', { useGrouping: false }),
  (-5).toLocaleString('en-US', { style: 'currency', currency: 'USD' }),
  (1500).toLocaleString('en-US', { notation: 'compact', compactDisplay: 'short' }),
  (999999).toLocaleString('en-US', { notation: 'compact' }),
  (12).toLocaleString('en-US', { style: 'unit', unit: 'kilometer' }),
  new Intl.PluralRules('en-US', { type: 'ordinal' }).select(22),
  new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(['a', 'b', 'c']),
  new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-1, 'day'),
  new Intl.RelativeTimeFormat('en').format(3, 'hours'),
);

// ===== locale strings of dates
const ld = new Date(Date.UTC(2024, 2, 5, 15, 4, 9));
console.log(
  JSON.stringify([
    ld.toLocaleDateString(),
    ld.toLocaleTimeString(),
    ld.toLocaleString(),
    ld.toLocaleDateString('en-US', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }),
    ld.toLocaleDateString('en-US', { month: 'short', day: 'numeric' }),
    ld.toLocaleTimeString('en-US', { hour: '2-digit', minute: '2-digit' }),
    ld.toLocaleTimeString('en-US', { hour12: false }),
    ld.toLocaleDateString('en-GB'),
    ld.toLocaleDateString('en-CA'),
    ld.toLocaleDateString('de-DE'),
    ld.toLocaleString('en-US', { timeZone: 'UTC' }),
    new Intl.DateTimeFormat('en-US').format(ld),
    new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(ld),
    ld.toLocaleDateString('en-US', { month: 'long' }),
    ld.toLocaleDateString('en-US', { weekday: 'short' }),
    ld.toLocaleDateString('en-US', { year: 'numeric', month: '2-digit', day: '2-digit' }),
    ld.toLocaleDateString('en-US', { month: 'long', year: 'numeric' }),
    ld.toLocaleString('en-US', { dateStyle: 'full' }),
    ld.toLocaleString('en-GB'),
    ld.toLocaleString('sv-SE'),
    ld.toLocaleDateString(undefined, { dateStyle: 'short' }),
    ld.toLocaleString('en-US', { hour: 'numeric', hour12: true }),
    new Date(NaN).toLocaleDateString(),
    ld.toLocaleString('en-US', { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }),
  ]).replace(/\\u202f/g, ' '),
);

// ===== typed arrays
const u8 = new Uint8Array([1, 300, -1]);
console.log(
  u8,
  new Uint8ClampedArray([300, -5, 1.5]),
  Float32Array.of(1.1)[0],
  new Int16Array(new Float64Array([1.9, -1.9])),
  u8.map((x) => x + 1),
  u8.subarray(1),
  [...u8.entries()],
  u8.buffer.byteLength,
  Array.from(u8),
  u8.set([9], 1),
  u8.slice(0, 2),
  new Uint16Array(u8.buffer.slice(0, 2)),
  u8.fill(7, 1).join(),
  Uint8Array.from('123'),
  new Float64Array(2).every((x) => x === 0),
  u8.indexOf(7),
  [3, 1, 2].join(),
  new Int32Array([5, 1, 4]).sort(),
  Object.prototype.toString.call(u8),
);
const dv = new DataView(new ArrayBuffer(8));
dv.setInt16(0, -2);
dv.setFloat32(4, 1.5, true);
console.log(
  dv.getUint16(0),
  dv.getUint8(1),
  dv.getFloat32(4, true),
  new Uint8Array(dv.buffer),
  new TextEncoder().encode('é'),
  new TextDecoder().decode(new Uint8Array([226, 130, 172])),
  u8.at(-1),
  u8.toReversed?.(),
  new BigUint64Array([2n ** 64n - 1n]),
);

// ===== object methods
const src = { a: 1, b: { c: 2 } };
const sh = { ...src };
sh.b.c = 9;
console.log(
  src,
  Object.assign({}, src, { a: 5 }),
  Object.keys(src),
  Object.values(src),
  Object.entries(src).flat(),
  'a' in src,
  src.hasOwnProperty('toString'),
  Object.is(NaN, NaN),
  Object.getOwnPropertyNames('ab'),
  Object.entries([7, 8]),
  Object.entries('hi'),
  src.propertyIsEnumerable('a'),
  Object.keys({ 2: 1, 1: 2, b: 3, a: 4 }),
  Object.create({ p: 1 }, { own: { value: 2, enumerable: true } }),
  JSON.stringify(
    Object.fromEntries(Object.entries({ x: 1, y: 2 }).map(([k, v]) => [k.toUpperCase(), v * 2])),
  ),
  {}.toString(),
  Object.prototype.toString.call(null),
  Object.prototype.toString.call([]),
  Object.prototype.toString.call(() => 1),
  [].constructor.name,
  (5).constructor.name,
  Object.getOwnPropertyNames(
    class {
      static s() {}
    },
  ).sort(),
);

// ===== url and text encodings
const u = new URL('https://user:pw@example.com:8080/a/b/../c?x=1&y=two%20words#frag');
console.log(
  u.href,
  u.origin,
  u.host,
  u.hostname,
  u.port,
  u.pathname,
  u.search,
  u.hash,
  u.username,
  u.protocol,
  u.searchParams.get('y'),
  [...u.searchParams.keys()],
);
u.searchParams.append('z', 'a b');
u.searchParams.delete('x');
console.log(
  u.toString(),
  new URL('../d', 'http://h/a/b/c').href,
  new URLSearchParams({ q: 'a&b', n: 1 }).toString(),
  new URLSearchParams('a=1&a=2').getAll('a'),
  JSON.stringify(new URL('http://x.y')),
  URL.canParse('nope'),
);
try {
  new URL('nope');
} catch (e) {
  console.log(e.name, e.code, e.message);
}
console.log(
  btoa('hello'),
  atob('aGVsbG8='),
  encodeURIComponent('✓ à'),
  new URLSearchParams([['k', 'v']]).has('k'),
  u,
);

// ===== structuredClone, iteration helpers, misc globals
console.log(
  structuredClone({ a: [1, { b: new Set([1]) }], d: new Date(0), r: /x/g, u: new Uint8Array(2), e: null }),
  typeof queueMicrotask,
  typeof structuredClone,
  typeof setImmediate,
  typeof Buffer,
  typeof process,
  typeof require,
  typeof module,
  typeof exports,
  typeof __filename,
  typeof __dirname,
  typeof TextEncoder,
  typeof AbortController,
  typeof performance.now(),
  typeof global,
  typeof globalThis,
  typeof window,
  typeof document,
  typeof alert,
  typeof print,
  typeof navigator,
  require.main === module,
  isFinite('12'),
  parseInt('z', 36),
);
const circ = { a: 1 };
circ.me = circ;
const cl = structuredClone(circ);
console.log(cl.me === cl, cl !== circ);
try {
  structuredClone({ f() {} });
} catch (e) {
  console.log(e.name);
}

// ===== messages of JSON.parse
const long = 'x'.repeat(60);
for (const bad of [
  '',
  '{',
  '[1,]',
  "{'a':1}",
  'undefined',
  '{"a":}',
  '01',
  '[1 2]',
  'nul',
  '{"a":1}}',
  long,
  `[${'1,'.repeat(30)}x]`,
  `{"k":"${long}",}`,
  '"abc',
  '-',
  '1.',
  '1e',
  '"\\x"',
  '"\\u12"',
  '{"a"}',
  '[',
  '{"a":1 "b"}',
  '<!DOCTYPE html>',
  'tru',
  '[1,2',
  '{"a":[1,2}',
]) {
  try {
    JSON.parse(bad);
    console.log('ok');
  } catch (e) {
    console.log(e.name, e.message);
  }
}
