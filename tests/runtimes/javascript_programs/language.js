// ===== variables and scopes
var a = 1;
let b = 2;
const c = 3;
{
  let a = 10;
  var d = a + b;
}
console.log(a, b, c, d, typeof e);
var e = 5;
console.log(
  typeof undeclared,
  (() => {
    try {
      undeclared;
    } catch (x) {
      return x.name;
    }
  })(),
);
(function () {
  console.log(typeof hoisted, hoisted());
  function hoisted() {
    return 'h';
  }
})();
try {
  tdz;
  let tdz = 1;
} catch (x) {
  console.log(x.name);
}
console.log(this, this === module.exports, typeof globalThis.a);

// ===== closures
const counters = [];
for (let i = 0; i < 3; i++) counters.push(() => i++);
console.log(
  counters.map((f) => f()),
  counters.map((f) => f()),
);
var old = [];
for (var j = 0; j < 3; j++) old.push(() => j);
console.log(old.map((f) => f()));
const make = () => {
  let n = 0;
  return {
    inc: () => ++n,
    get value() {
      return n;
    },
  };
};
const k = make();
k.inc();
k.inc();
console.log(k.value, k);
function once(f) {
  let done, result;
  return (...args) => (done ? result : ((done = true), (result = f(...args))));
}
const o = once((x) => x * 2);
console.log(o(4), o(9));

// ===== this in functions
var name2 = 'global';
const obj = {
  name2: 'obj',
  arrow: () => typeof this.name2,
  regular() {
    return this.name2;
  },
  nested() {
    return [1].map(() => this.name2);
  },
};
console.log(obj.arrow(), obj.regular(), obj.nested());
const loose = obj.regular;
console.log(
  loose.call({ name2: 'called' }),
  loose.apply({ name2: 'applied' }),
  loose.bind({ name2: 'bound' })(),
);
function Sloppy() {
  return this === globalThis;
}
console.log(Sloppy());
(function () {
  'use strict';
  console.log(this);
})();

// ===== destructuring
const {
  x,
  y: { z = 5, ...others },
  w = 'def',
  ...rest
} = { x: 1, y: { q: 2, r: 3 }, m: 7, n: 8 };
console.log(x, z, others, w, rest);
const [p, , q = 3, ...tail] = [1, 2, undefined, 4, 5];
console.log(p, q, tail);
let s = 1,
  t = 2;
[s, t] = [t, s];
console.log(s, t);
function f({ a = 1, b } = {}, [c2 = 9] = []) {
  return [a, b, c2];
}
console.log(f(), f({ b: 4 }, [5]));
for (const [key, value] of Object.entries({ one: 1, two: 2 })) console.log(key, value);
const { length } = 'hello',
  { [`dyn${1}`]: dyn } = { dyn1: 'D' };
console.log(length, dyn);

// ===== spread and rest
console.log(
  [...'abc', ...[1, 2], ...new Set([3, 3])],
  { ...{ a: 1 }, ...null, ...[7], b: 2 },
  Math.max(...[1, 5, 3]),
);
function g(first, ...more) {
  return [first, more, arguments.length, g.length];
}
console.log(g(1, 2, 3));

// ===== classes
class Shape {
  #id = Shape.next();
  static #count = 0;
  static next() {
    return ++Shape.#count;
  }
  get id() {
    return this.#id;
  }
  area() {
    return 0;
  }
  toString() {
    return `${this.constructor.name}#${this.id}:${this.area()}`;
  }
  static {
    Shape.ready = true;
  }
  #priv() {
    return 'p';
  }
  callPriv() {
    return this.#priv();
  }
  static has(o) {
    return #id in o;
  }
}
class Circle extends Shape {
  constructor(r) {
    super();
    this.r = r;
  }
  area() {
    return +(Math.PI * this.r ** 2).toFixed(2);
  }
  get diameter() {
    return this.r * 2;
  }
  set diameter(d) {
    this.r = d / 2;
  }
}
const c1 = new Circle(2);
c1.diameter = 6;
console.log(
  `${c1}`,
  c1,
  c1.diameter,
  c1 instanceof Shape,
  Shape.ready,
  c1.callPriv(),
  Shape.has(c1),
  Shape.has({}),
);
class Temp {
  static #inst;
  static get() {
    return (Temp.#inst ??= new Temp());
  }
}
console.log(Temp.get() === Temp.get());
const Mixin = (B) =>
  class extends B {
    mixed() {
      return 'm';
    }
  };
console.log(new (Mixin(Object))().mixed());
class A1 {
  constructor() {
    console.log(new.target.name);
  }
}
class B1 extends A1 {}
new B1();
try {
  A1();
} catch (x) {
  console.log(x.constructor.name);
}
console.log(Object.getOwnPropertyNames(Circle.prototype));

// ===== prototypes
function Person(n) {
  this.n = n;
}
Person.prototype.hi = function () {
  return 'hi ' + this.n;
};
function Student(n, s2) {
  Person.call(this, n);
  this.s = s2;
}
Student.prototype = Object.create(Person.prototype);
Student.prototype.constructor = Student;
const st = new Student('Al', 'MIT');
console.log(st.hi(), st, st instanceof Person, Object.keys(st), 'hi' in st, st.hasOwnProperty('hi'));
for (const key in st) console.log(key);
console.log(Object.getPrototypeOf(st) === Student.prototype);
Array.prototype.last = function () {
  return this[this.length - 1];
};
console.log([1, 2, 3].last());
for (const i in [7]) console.log(i);
delete Array.prototype.last;
String.prototype.shout = function () {
  return this.toUpperCase() + '!';
};
console.log('hey'.shout());

// ===== generators and iterators
function* fib() {
  let [a, b] = [0, 1];
  for (;;) {
    yield a;
    [a, b] = [b, a + b];
  }
}
const first = [];
for (const v of fib()) {
  if (v > 50) break;
  first.push(v);
}
console.log(first);
function* inner() {
  const got = yield 1;
  console.log('got', got);
  try {
    yield 2;
  } finally {
    console.log('cleanup');
  }
  return 'ret';
}
function* outer() {
  const r = yield* inner();
  yield r;
}
const it = outer();
console.log(it.next(), it.next('sent'), it.next(), it.next(), it.next());
class Tree {
  constructor(v, l, r) {
    Object.assign(this, { v, l, r });
  }
  *[Symbol.iterator]() {
    if (this.l) yield* this.l;
    yield this.v;
    if (this.r) yield* this.r;
  }
}
console.log([...new Tree(2, new Tree(1), new Tree(3))]);
const range = {
  from: 1,
  to: 4,
  [Symbol.iterator]() {
    let c = this.from,
      t = this.to;
    return {
      next: () => (c <= t ? { value: c++, done: false } : { value: undefined, done: true }),
      return() {
        console.log('closed');
        return {};
      },
    };
  },
};
for (const v of range) if (v === 2) break;
console.log(
  Math.max(...range),
  Array.from(range, (v) => v * v),
);
const gen2 = fib();
gen2.next();
console.log(gen2.return(9), gen2.next());
try {
  fib().throw(new Error('thrown'));
} catch (x) {
  console.log(x.message);
}

// ===== labelled loops and switch
outer: for (let i = 0; i < 3; i++) {
  for (let j = 0; j < 3; j++) {
    if (j === 1) continue outer;
    if (i === 2) break outer;
    console.log(i, j);
  }
}
let n = 0;
do {
  n++;
  if (n === 3) continue;
} while (n < 5);
console.log(n);
block: {
  if (n) break block;
  console.log('never');
}
function sw(v) {
  switch (v) {
    case 1:
    case 2:
      return 'low';
    case '1':
      return 'str';
    default:
      return 'def';
    case 3: {
      let z = 'three';
      return z;
    }
  }
}
console.log(sw(1), sw(2), sw(3), sw('1'), sw(9));
switch (2) {
  case 1:
    console.log(1);
  case 2:
    console.log(2);
  case 3:
    console.log(3);
    break;
  case 4:
    console.log(4);
}

// ===== exceptions
function fin() {
  try {
    return 'try';
  } finally {
    console.log('finally');
  }
}
console.log(fin());
function over() {
  try {
    throw 1;
  } catch (e) {
    return 'c';
  } finally {
    return 'f';
  }
}
console.log(over());
try {
  try {
    throw new Error('in');
  } finally {
    console.log('f1');
  }
} catch ({ message }) {
  console.log(message);
}
try {
  throw { code: 1 };
} catch (e) {
  console.log(e);
}
try {
  null.x;
} catch {
  console.log('caught');
}
for (const bad of [
  () => null.foo,
  () => undefined.foo,
  () => undefinedVar,
  () => 1(),
  () => new Array(-1),
  () => 'x'.repeat(-1),
  () => (1).toFixed(101),
  () => decodeURIComponent('%'),
  () => JSON.parse('{bad'),
  () =>
    new (class {
      constructor() {
        this.x();
      }
    })(),
  () => {
    const c = 1;
    c = 2;
  },
  () => Symbol() + '',
  () => 1n + 1,
  () => BigInt(1.5),
  () => [].reduce((a, b) => a),
  () => new Proxy({}, null),
  () => Object.defineProperty(Object.freeze({}), 'a', { value: 1 }),
  () => structuredClone(() => 1),
  () => 'abc'.normalize('x'),
  () => new Date(NaN).toISOString(),
  () =>
    (function f() {
      return f();
    })(),
]) {
  try {
    bad();
    console.log('no error');
  } catch (e) {
    console.log(e.name, e instanceof Error);
  }
}

// ===== error messages like node's
for (const bad of [
  () => null.foo,
  () => undefined.foo.bar,
  () => {
    const o = {};
    o.a.b;
  },
  () => undefinedVar,
  () => {
    const c = 1;
    c = 2;
  },
  () => new Array(-1),
  () => 'x'.repeat(-1),
  () => (1).toFixed(101),
  () => decodeURIComponent('%'),
  () => {
    null.x = 1;
  },
  () => {
    let o;
    o.x = 1;
  },
  () => {
    class A {
      constructor() {
        this.a;
      }
    }
    A();
  },
  () => [].reduce((a, b) => a),
  () => BigInt('x'),
  () => 1n + 1,
  () => Symbol() + '',
  () =>
    (function f() {
      return f();
    })(),
  () => {
    'use strict';
    Object.freeze({ a: 1 }).a = 2;
  },
  () => 1n / 0n,
  () => {
    tdz;
    let tdz;
  },
  () => new Date(NaN).toISOString(),
  () => {
    throw new Error('own');
  },
  () => {
    class B extends Object {
      constructor() {
        this.x = 1;
      }
    }
    new B();
  },
  () => BigInt(1.5),
  () => JSON.parse(''),
  () => JSON.parse('{bad'),
  () => JSON.parse('[1,]'),
  () => JSON.parse('{"a":1'),
  () => JSON.parse('abc'),
  () => {
    const a = {};
    a.a = a;
    JSON.stringify(a).length;
  },
  () => JSON.stringify(1n),
]) {
  try {
    bad();
    console.log('no error');
  } catch (e) {
    console.log(e.message.split('\n')[0]);
  }
}

// ===== errors of calls name the callee
const o = { f: 1, g: {} };
let u;
const arr = [1];
for (const bad of [
  () => o.f(),
  () => o.missing(),
  () => o.g.deep(),
  () => u(),
  () => arr[0](),
  () => arr.foo(),
  () => new o.f(),
  () => new u(),
  () => o['f'](),
  () => 'str'.foo(),
  () => o.g.h.i(),
  () => o.missing.x(),
  () => JSON.foo(1),
  () => arr.map(5),
  () => arr.map(),
  () => new (() => 1)(),
  () => o?.f(),
]) {
  try {
    bad();
    console.log('no error');
  } catch (e) {
    console.log(e.message);
  }
}

// ===== template literals and tags
const tag = (strings, ...values) => strings.raw.map((s, i) => s + (values[i] ?? '')).join('|');
console.log(
  tag`a${1}b\n${2}c`,
  String.raw`x\ny${3}`,
  `multi
line ${[1, 2]} ${{}} ${null}`,
  `nested ${`inner ${1 + 1}`}`,
);
console.log(((s) => s === ((x) => x)`a`)`a`, tag``);

// ===== operators
console.log(
  2 ** 10,
  7 % -3,
  -7 % 3,
  5 / 0,
  1 / -0,
  0 / 0,
  '5' * '2',
  '5' + 2,
  5 + +'2',
  [] + [],
  [] + {},
  1 < 2 < 3,
  3 > 2 > 1,
  null ?? 'd',
  0 || 'o',
  0 ?? 'n',
  '' && 'a',
  !!'0',
  typeof null,
  void 0,
);
console.log(
  5 & 3,
  5 | 3,
  5 ^ 3,
  ~5,
  1 << 31,
  -1 >>> 0,
  -8 >> 1,
  (2 ** 32) >> 0,
  null == undefined,
  null == 0,
  '' == 0,
  NaN == NaN,
  [1] == 1,
  '1' === 1,
  Object.is(-0, 0),
  [1, 2] == '1,2',
);
let l = null;
l ??= 5;
l ||= 6;
l &&= 7;
console.log(l, { a: { b: 1 } }?.a?.b, null?.x.y.z, undefined?.[0], (void 0)?.());
let i = 5;
console.log(i++ + ++i, i--, --i, (1, 2));
console.log(0.1 * 3, 9007199254740993, 0b101, 0o17, 1e3, 0.5, 5, 0.1 + 0.7, 4.35 * 100, 1.005 * 1000);

// ===== type conversion
console.log(
  Number(''),
  Number(' 12 '),
  Number('1e3'),
  Number('0x1f'),
  Number('abc'),
  Number(null),
  Number(undefined),
  Number([5]),
  Number([1, 2]),
  Number(true),
  Number(new Date(5)),
  parseInt('12px'),
  parseInt('0x1f'),
  parseInt('101', 2),
  parseFloat('3.14abc'),
  +[],
  +{},
  String(null),
  String([1, [2]]),
  String({}),
  String(Symbol('d')),
  Boolean([]),
  [10, 9, 1].sort(),
  [undefined, 3, null].toString(),
  `${[null]}`,
  ['a', 'b'] + '',
  { valueOf: () => 42 } * 2,
  `${{ toString: () => 'ts' }}`,
  { [Symbol.toPrimitive]: (h) => h } + '',
  isNaN('x'),
  Number.isNaN('x'),
  ['1', '2', '3'].map(parseInt),
  ['1', '2', '3'].map(Number),
);

// ===== getters, setters, descriptors
const acc = {
  _v: 1,
  get v() {
    return this._v;
  },
  set v(x) {
    this._v = x * 2;
  },
};
acc.v = 5;
console.log(acc.v, Object.getOwnPropertyDescriptor(acc, 'v'), Object.getOwnPropertyDescriptors({ a: 1 }));
const fr = Object.freeze({ a: { b: 1 } });
fr.a.b = 2;
fr.c = 1;
console.log(
  fr,
  Object.isFrozen(fr),
  Object.isSealed(Object.seal({ x: 1 })),
  Object.isExtensible(Object.preventExtensions({})),
);
const dp = Object.defineProperty({}, 'ro', { value: 1, enumerable: true });
dp.ro = 2;
console.log(
  dp,
  delete dp.ro,
  (() => {
    'use strict';
    try {
      dp.ro = 3;
    } catch (e) {
      return e.name;
    }
  })(),
);
console.log(
  Object.entries({ b: 1, a: 2, 1: 3, 0: 4, [Symbol()]: 5 }),
  Object.fromEntries(new Map([['x', 1]])),
);

// ===== symbols and well-known symbols
const sym = Symbol('d');
console.log(
  sym.toString(),
  sym.description,
  Symbol.for('a') === Symbol.for('a'),
  Symbol.keyFor(Symbol.for('a')),
  Object.getOwnPropertySymbols({ [sym]: 1 }),
);
class Even {
  static [Symbol.hasInstance](n) {
    return n % 2 === 0;
  }
}
console.log(2 instanceof Even, 3 instanceof Even);
console.log(
  [1].concat({ length: 1, 0: 'x', [Symbol.isConcatSpreadable]: true }),
  Object.prototype.toString.call({
    get [Symbol.toStringTag]() {
      return 'Q';
    },
  }),
  'a-b'.split({ [Symbol.split]: (s) => s.toUpperCase() }),
);

// ===== proxies and reflect
const log = [];
const px = new Proxy(
  { a: 1 },
  {
    get: (t, k, r) => (log.push(`get ${String(k)}`), Reflect.get(t, k, r) ?? 'default'),
    set: (t, k, v) => (log.push(`set ${k}`), (t[k] = v * 2), true),
    has: (t, k) => k.startsWith('x'),
    deleteProperty: (t, k) => (log.push('del'), delete t[k]),
    ownKeys: () => ['a', 'z'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }),
  },
);
px.b = 5;
console.log(px.a, px.b, px.nope, 'xa' in px, 'a' in px, delete px.b, Object.keys(px), log);
const neg = new Proxy([1, 2, 3], {
  get: (t, k, r) => (typeof k === 'string' && /^-\d+$/.test(k) ? t[t.length + +k] : Reflect.get(t, k, r)),
});
console.log(
  neg[-1],
  neg.length,
  neg.map((x) => x + 1),
);
const fp = new Proxy((a, b) => a + b, {
  apply: (t, th, args) => t(...args) * 10,
  construct: () => ({ made: true }),
});
console.log(fp(1, 2));
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();
try {
  proxy.x;
} catch (e) {
  console.log(e.name);
}
console.log(
  Reflect.ownKeys({ b: 1, [Symbol.iterator]: 2 }),
  Reflect.has({ a: 1 }, 'a'),
  Reflect.construct(Date, [0]).getTime(),
  Reflect.apply(Math.max, null, [1, 2]),
  Reflect.getPrototypeOf([]) === Array.prototype,
);

// ===== bigint
console.log(
  2n ** 100n,
  -7n / 2n,
  -7n % 2n,
  5n > 4,
  2n == 2,
  typeof 1n,
  BigInt('0xff'),
  BigInt.asUintN(8, 257n),
  BigInt.asIntN(8, 255n),
  123n.toString(16),
  1n << 70n,
  [3n, 1n, 2n].sort(),
  0n ? 'y' : 'n',
  BigInt(Number.MAX_SAFE_INTEGER) + 2n,
  Number(2n ** 64n),
  10n ** 30n / 3n,
);
const fact = (n) => (n < 2n ? 1n : n * fact(n - 1n));
console.log(fact(50n), JSON.stringify({ a: String(fact(20n)) }), 12345678901234567890n.toLocaleString());

// ===== comma, with, eval, function constructor
console.log(eval('1 + 2'), new Function('a', 'b', 'return a * b')(3, 4), (0, eval)('typeof module'));
var ev = 1;
eval('ev = 2');
console.log(ev);
with ({ wx: 5 }) console.log(wx);
console.log(new Function('return this')() === globalThis);
if (true) {
  function blockFn() {
    return 'block';
  }
}
console.log(blockFn());

// ===== optional catch, numeric separators, exponent, nullish mix
console.log(
  1_000,
  [1, 2, 3].at(-1),
  'abc'.at(-2),
  Object.hasOwn({ a: 1 }, 'a'),
  [1, [2, [3, [4]]]].flat(Infinity),
  'a-b-c'.replaceAll('-', '+'),
  [3, 1, 2].toSorted(),
  [1, 2, 3].toReversed(),
  [1, 2, 3].with(1, 9),
  [1, 2, 3, 4].findLast((x) => x % 2),
  structuredClone({ d: new Date(0), m: new Map([[1, { a: 2 }]]) }),
  Array.from('12', Number),
  [1, 2, 3].toSpliced(1, 1),
);

// ===== top-level return
console.log('before');
if (1 + 1 === 2) return;
console.log('after');

// ===== strict mode file
'use strict';
try {
  undeclared = 1;
} catch (e) {
  console.log(e.name, e.message);
}
console.log(
  (function () {
    return this;
  })(),
);

// ===== shadowing node's names
const require2 = require;
{
  const process = 'mine';
  const console2 = console;
  console2.log(process);
}
function fetch() {
  return 'my fetch';
}
const name = 'top',
  status = 5,
  event = 1,
  self = 2,
  window = 3,
  print = 4,
  URL = 'u';
console.log(fetch(), name, status, event, self, window, print, URL);

// ===== html comments and unicode identifiers
const π = Math.PI, ñ = 1, $ = 2, _ = 3; console.log(π.toFixed(5), ñ + $ + _); const \u0061bc = 'esc'; console.log(abc, '\u{1F600}', '\x41', 'a\
b');
