// ===== objects on one line
console.log({}, [], { a: 1, b: 'x', c: [1, 2, { d: 3 }] }, [[]], [{}], { a: {} });

// ===== objects break at 72 characters
console.log({ alpha: 'aaaaaaaaaaaaaaaa', beta: 'bbbbbbbbbbbbbbbbbbbb', gamma: 'cccccccccccccccccc' });
console.log({
  alpha: 'aaaaaaaaaaaaaaaa',
  beta: 'bbbbbbbbbbbbbbbbbbbb',
  gamma: 'cccccccccccccccccccccccccccc',
});
for (let n = 10; n < 40; n++) console.log({ key: 'a'.repeat(n), other: 'b'.repeat(30) });

// ===== nested objects share lines up to three levels
console.log({ a: { b: { c: {} } } });
console.log({ a: { b: { c: { d: 1 } } } });
console.log([[[[1]]]], [[[1, [2]]]]);
console.log({ a: { b: { c: 1 } }, d: [[1, [2, 3]]] });
console.log({
  users: [
    { name: 'Ann', tags: ['x', 'y'], address: { city: 'Rome', geo: { lat: 1, lon: 2 } } },
    { name: 'Bob', tags: [], address: null },
  ],
});

// ===== arrays of numbers in columns
console.log([1, 2, 3, 4, 5, 6]);
console.log([1, 2, 3, 4, 5, 6, 7]);
console.log(Array.from({ length: 27 }, (_, i) => i * i));
console.log(Array.from({ length: 100 }, (_, i) => i));
console.log(Array.from({ length: 101 }, (_, i) => i));
console.log(Array.from({ length: 250 }, (_, i) => i % 7));
console.log(Array.from({ length: 30 }, (_, i) => 1 / (i + 1)));
console.log(Array.from({ length: 20 }, (_, i) => BigInt(i) ** 5n));

// ===== arrays of strings in columns
console.log('the quick brown fox jumps over the lazy dog and runs away from it'.split(' '));
console.log(Array.from({ length: 40 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(1 + (i % 5))));
console.log(['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
console.log(['apple', 1, 'pear', 2, 'fig', 3, 'kiwi', 4, null, undefined, true]);

// ===== arrays of objects and of arrays
console.log(Array.from({ length: 8 }, (_, i) => ({ id: i })));
console.log(Array.from({ length: 8 }, (_, i) => [i, i * 2]));
console.log([
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
]);
console.log(Array.from({ length: 12 }, (_, i) => Array.from({ length: 12 }, (_, j) => (i * j) % 10)));
console.log([true, false, true, false, true, false, true, false]);
console.log([undefined, null, undefined, null, undefined, null, undefined]);

// ===== sparse arrays and extra keys
console.log([, 1], [1, , 2], [1, , , 4, ,], new Array(5), new Array(1));
const a = [1, 2, 3];
a.name = 'x';
a[-1] = 'neg';
console.log(a);
const b = [];
b[5] = 1;
console.log(b, b.length);
const c = [1, 2];
c.length = 4;
console.log(c);

// ===== depth
console.log({ a: { b: { c: { d: 1 } } } }, [[[[]]]], [[[[1]]]]);
console.log({
  a: {
    b: {
      c: [1],
      d: new Map([[1, 2]]),
      e: new Set(),
      f: new (class Foo {
        x = 1;
      })(),
    },
  },
});
console.log({
  a: {
    b: {
      c: Object.create(null),
      d: () => 1,
      e: class A {},
      f: new Date(0),
      g: /x/,
      h: new Error('e').message,
    },
  },
});

// ===== strings and quotes
console.log([
  "it's",
  'say "hi"',
  `both ' and "`,
  'all \' " `',
  'line\nbreak',
  'tab\t',
  'back\\slash',
  '\u0000\u001b\u007f',
]);
console.log(['\ud83d', '\udc00', '😀', 'é', '日本']);
console.log('plain \' " \n string', ['']);
console.log({ "it's": 1, 'a-b': 2, a_b: 3, $x: 4, 1: 5, '2b': 6, '': 7, é: 8, __proto__x: 9 });

// ===== long strings in objects
console.log({
  text: 'line one is here\nline two is here\nline three is here and it is long enough to break the line\n',
});
console.log(['x'.repeat(200)]);
console.log({ s: 'y'.repeat(120), t: 1 });
console.log(['first line of text\nsecond line of text that is quite long and goes on and on and on', 'b']);
console.log('z'.repeat(300));

// ===== numbers
console.log(
  0,
  -0,
  [0, -0],
  1e21,
  1e-7,
  NaN,
  Infinity,
  -Infinity,
  123456789.123,
  0.1 + 0.2,
  1e300 * 10,
  5e-324,
);
console.log([1.5, -2.25, 1e100], 10n, [10n, -5n], 0xff, 1_000_000);

// ===== primitives
console.log(undefined, null, true, false, Symbol('s'), Symbol(), Symbol.iterator, [Symbol('in')]);
console.log([undefined, null], {
  u: undefined,
  n: null,
  s: Symbol('q'),
  [Symbol('key')]: 1,
  [Symbol.for('for')]: { a: 1 },
});
console.log();
console.log('');
console.log(' ');

// ===== maps and sets
console.log(
  new Map(),
  new Set(),
  new Map([
    ['a', 1],
    ['b', { c: 2 }],
  ]),
  new Set([1, 'two', [3]]),
);
console.log(new Map([[{ k: 1 }, new Map([[1, new Set([2])]])]]));
console.log(new Map(Array.from({ length: 30 }, (_, i) => [i, i * i])));
console.log(new Set(Array.from({ length: 120 }, (_, i) => i)));
console.log({ m: new Map([['key', 'value']]), s: new Set('hello') });
const m = new Map([[1, 2]]);
m.extra = true;
console.log(m);

// ===== map and set iterators
const map = new Map([
  ['a', 1],
  ['b', 2],
]);
console.log(map.keys(), map.values(), map.entries(), new Set([5, 6]).values(), new Set([5]).entries());
const it = map.keys();
it.next();
console.log(it);
console.log([][Symbol.iterator](), 'ab'[Symbol.iterator](), 'a'.matchAll(/a/g));

// ===== class instances
class Animal {
  constructor(name) {
    this.name = name;
  }
  speak() {
    return 1;
  }
  get loud() {
    return true;
  }
  static kind = 'x';
}
class Dog extends Animal {
  #secret = 1;
  tricks = ['sit'];
}
console.log(new Animal('cat'), new Dog('rex'), [new Dog('a')], { d: new Dog('b') });
console.log(Animal, Dog, class {}, [Animal], { Dog });
console.log(Animal.prototype, Dog.prototype, Object.getPrototypeOf(new Dog('x')) === Dog.prototype);
console.log(
  new (class extends Array {})(3),
  new (class Stack extends Array {})(),
  new (class MyMap extends Map {})([[1, 2]]),
  new (class S extends Set {})(),
);
class Empty {}
console.log(new Empty(), [new Empty()]);

// ===== null prototype and odd constructors
console.log(Object.create(null), Object.assign(Object.create(null), { a: 1 }), [Object.create(null)]);
function Foo() {
  this.x = 1;
}
console.log(new Foo());
function Bar() {}
Bar.prototype = { y: 2 };
console.log(new Bar());
const proto = { greet() {} };
console.log(Object.create(proto), Object.create(proto, { z: { value: 1, enumerable: true } }));
console.log(Object.create(Foo.prototype), Object.create(new Foo()));
console.log(Object.create(Object.create(null)));

// ===== getters and setters
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
  Object.defineProperty({}, 'hidden', { value: 1 }),
  Object.defineProperty({}, 'shown', { get: () => 5, enumerable: true }),
);

// ===== functions
function named() {}
const arrow = () => 1;
async function later() {}
function* gen() {}
async function* agen() {}
console.log(
  named,
  arrow,
  later,
  gen,
  agen,
  function () {},
  () => {},
  Math.max,
  class X {},
  [named, arrow],
);
console.log({ method() {}, f: () => 1, g: function inner() {} });
named.prop = 1;
console.log(named, [named]);
const o = Object.assign(() => 1, { a: 1, b: 'two' });
console.log(o);
console.log(named.bind(null), parseInt, Symbol, Proxy, console.log.name);
class WithStatic {
  static a = 1;
  static m() {}
}
console.log(WithStatic);

// ===== circular
const ring = { name: 'r' };
ring.self = ring;
console.log(ring);
const list = [1];
list.push(list);
console.log(list);
const p = { child: {} };
p.child.parent = p;
p.child.me = p.child;
console.log(p);
const mm = new Map();
mm.set('me', mm);
console.log(mm);
class Node2 {
  constructor(v) {
    this.v = v;
    this.next = null;
  }
}
const n1 = new Node2(1),
  n2 = new Node2(2);
n1.next = n2;
n2.next = n1;
console.log(n1);

// ===== typed arrays and buffers
console.log(new Uint8Array(3), new Float64Array([1.5, -0, 2]), new BigInt64Array(2), new Int16Array(0));
console.log(
  new Uint8Array(120),
  Uint8Array.from({ length: 12 }, (_, i) => i * 20),
);
console.log(new ArrayBuffer(4), new DataView(new ArrayBuffer(2)), new Uint8Array([1, 2]).buffer);
console.log({ t: new Uint8Array([1, 2, 3]) }, Buffer.from('hello'), [Buffer.alloc(3)], Buffer.alloc(60, 1));

// ===== dates and regexps
console.log(new Date(0), [new Date(86400000)], { d: new Date(1e12) }, new Date(NaN), /a(b)+/gi, [/x/y], {
  r: /[/]\//u,
});
const dd = new Date(5);
dd.note = 'n';
console.log(dd);
const rr = /q/g;
rr.extra = 1;
console.log(rr);

// ===== boxed primitives
console.log(
  new Number(3),
  new String('abc'),
  new Boolean(false),
  Object(Symbol('b')),
  Object(5n),
  [new String('x')],
  new Number(-0),
);
const bs = new String('hi');
bs.k = 1;
console.log(bs);

// ===== promises
console.log(Promise.resolve(1), Promise.resolve({ a: [1] }), new Promise(() => {}), [Promise.resolve('x')]);
const rejected = Promise.reject(3);
rejected.catch(() => {});
console.log(rejected);
(async () => 7)().then((v) => console.log(v));
console.log((async () => 7)());

// ===== weak things, generators, proxies, tags
console.log(new WeakMap(), new WeakSet(), (function* () {})(), (async function* () {})());
console.log(new Proxy({ a: 1 }, { get: () => 42 }), new Proxy([1, 2], {}), new Proxy(function f() {}, {}), [
  new Proxy({}, {}),
]);
console.log(
  { [Symbol.toStringTag]: 'Tag', a: 1 },
  new (class T {
    get [Symbol.toStringTag]() {
      return 'TT';
    }
  })(),
);
console.log(Math, JSON, globalThis === global, Reflect);
console.log(
  (function () {
    return arguments;
  })(1, 'a'),
  (() => {
    'use strict';
    return [].concat(1);
  })(),
);

// ===== symbols and custom inspection
const util = require('util');
class Money {
  constructor(n) {
    this.n = n;
  }
  [util.inspect.custom](depth, options) {
    return `Money<${this.n}>`;
  }
}
console.log(new Money(5), [new Money(6)], { m: new Money(7) });
class Wrapped {
  [Symbol.for('nodejs.util.inspect.custom')]() {
    return { inner: 1 };
  }
}
console.log(new Wrapped());
console.log(
  `${{
    toString() {
      return 'str';
    },
  }}`,
  String([1, [2, 3]]),
  String({}),
  `${[]}|${() => 1}`,
);

// ===== errors inside objects without a stack
const e = new Error('boom');
e.stack = 'Error: boom';
e.code = 7;
console.log(e, [e], { e });
const t = new TypeError('bad');
t.stack = undefined;
console.log(t);
class AppError extends Error {
  constructor(m) {
    super(m);
    this.name = 'AppError';
    delete this.stack;
    this.stack = `${this.name}: ${m}`;
  }
}
console.log(new AppError('custom'), { nested: { err: new AppError('deep') } });
const c = new Error('outer', { cause: 'why' });
c.stack = 'Error: outer';
console.log(c);

// ===== errors as text
try {
  throw new RangeError('r');
} catch (e) {
  console.log(e.name, e.message, String(e), e instanceof RangeError, e.stack.split('\n')[0]);
}
class VError extends Error {
  constructor(m) {
    super(m);
    this.name = 'VError';
  }
}
try {
  throw new VError('v');
} catch (e) {
  console.log(`${e}`, e.name, e.constructor.name, e.toString(), e.stack.split('\n')[0]);
}
console.log(
  Object.keys(new Error('x')),
  JSON.stringify(new Error('x')),
  new Error('a', { cause: 1 }).cause,
  new AggregateError([1], 'm').errors,
);
class E3 extends Error {}
console.log(String(new E3('plain')), new E3('q').name);

// ===== format placeholders
console.log('%s is %d years and %i, %f', 'Bob', 42.5, 42.9, '3.14', 'extra', { a: 1 });
console.log('%o and %O', [1, { a: 2 }], { b: { c: { d: {} } } });
console.log('%j %%', { a: [1] }, '%s', 'after');
console.log('%c styled', 'color: red', 'x');
console.log('100%', 5, '%s');
console.log('%d', '0x10', '%d');
console.log('%s', null, undefined, 5n, Symbol('a'));
console.log('%s', { a: 1 }, [1, 2, [3]], () => 1, class Q {}, new Date(0), new Error('in').message);
console.log('%i %d %f', 'abc', 'abc', 'abc');
console.log('%s %s', 'one');
console.log('%x %s', 1, 2);
console.log('a%');
console.log(
  '%s',
  {
    toString() {
      return 'custom';
    },
  },
  '%s',
  -0,
);
console.log('%d', -0, 10n);
console.log(5, '%s', 'x');
class HasToString {
  toString() {
    return 'HTS';
  }
}
console.log(
  '%s|%s',
  new HasToString(),
  new (class P {
    x = 1;
  })(),
);

// ===== group and indentation
console.group('Level 1');
console.log('in\ntwo lines');
console.group();
console.info({ a: 1 });
console.groupEnd();
console.log('back');
console.groupEnd();
console.log('out');
console.groupCollapsed('c');
console.log([1, 2]);
console.groupEnd();
console.groupEnd();
console.log('end');

// ===== table
console.table([
  { a: 1, b: 'x' },
  { a: 2, c: true },
]);
console.table([
  [1, 2],
  [3, 4],
]);
console.table(['p', 'q']);
console.table(
  [
    { name: 'Ann', age: 3 },
    { name: 'Bob', age: 4 },
  ],
  ['name'],
);
console.table({ r1: { x: 1 }, r2: { y: 2 } });
console.table(new Map([['k', 1]]));
console.table(new Set([1]));
console.table(5);
console.table([]);
console.table([1, { a: 2 }, 'z']);
console.table([{ o: { deep: 1 }, arr: [1, 2, 3] }]);
console.table([{ 名: '日本' }]);

// ===== count, assert, dir
console.count();
console.count();
console.count('x');
console.countReset();
console.count();
console.assert(true, 'no');
console.assert(false, 'stderr');
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: null });
console.debug('debug');
console.info('info');

// ===== util.inspect options
const { inspect } = require('util');
console.log(
  inspect({ a: { b: { c: { d: { e: 1 } } } } }, { depth: 0 }),
  inspect({ a: { b: { c: { d: { e: 1 } } } } }, false, null),
);
console.log(
  inspect({ a: 1, b: [1, 2, 3] }, { compact: false }),
  inspect([1, 2, [3, [4]]], { compact: true }),
);
console.log(
  inspect({ b: 1, a: 2 }, { sorted: true }),
  inspect('str'),
  inspect([1, 2, 3, 4], { maxArrayLength: 2 }),
  inspect('abcdef', { maxStringLength: 3 }),
);
console.log(
  inspect({ a: 1, b: 2, c: 3 }, { breakLength: 10 }),
  inspect(new Map([[1, { a: 2 }]]), { breakLength: Infinity }),
  inspect([, 'x'], { showHidden: true }),
);
console.log(
  inspect(
    {
      get x() {
        return 5;
      },
    },
    { getters: true },
  ),
  inspect(123456.789, { numericSeparator: true }),
);

// ===== wide objects
console.log(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key${i}`, i])));
console.log({ a: 'x'.repeat(60), b: 'y'.repeat(60) });
console.log([
  { id: 1, title: 'First task', done: false, tags: ['a', 'b'] },
  { id: 2, title: 'Second task', done: true, tags: [] },
]);
console.log({
  matrix: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  name: 'identity',
  dims: { rows: 3, cols: 3 },
  fn: (x) => x,
});

// ===== unicode width in columns
console.log(['日本', '中国', '한국', 'a', 'b', 'c', 'd', 'é', 'ü']);
console.log(['😀', '😁', '😂', '🤣', '😃', '😄', '😅', '😆']);

// ===== stderr does not mix
console.error('error');
console.warn('warn');
console.log('only this');

// ===== match results and groups
console.log('2024-05-06'.match(/(\d+)-(\d+)-(\d+)/), 'aXbX'.match(/X/g), 'none'.match(/q/));
console.log(
  '2024-05'.match(/(?<y>\d+)-(?<m>\d+)/).groups,
  [...'a1b2'.matchAll(/[a-z](\d)/g)].map((m) => m[1]),
);
console.log(/(?<a>x)/.exec('x'));

// ===== weird keys
console.log({
  'a b': 1,
  'c.d': 2,
  [Symbol('s p')]: 3,
  async: 4,
  class: 5,
  10: 6,
  '-1': 7,
  '01': 8,
  a1: 9,
  _: 10,
});
console.log([['k', 1]], new Map([['a b', { 'c-d': 1 }]]), { __proto__: null, x: 1 });
