// ===== array methods on arrays that are not plain
const attempt = (f) => {
  try {
    return f();
  } catch (e) {
    return `${e.name}: ${e.message}`;
  }
};
const CALLS = {
  slice1: (a) => a.slice(1),
  sliceNeg: (a) => a.slice(-2, -1),
  sliceAll: (a) => a.slice(),
  sliceFar: (a) => a.slice(2, 99),
  sliceOdd: (a) => a.slice('1', { valueOf: () => 3 }),
  sliceNull: (a) => a.slice(null, undefined),
  sliceFloat: (a) => a.slice(0.9, 2.9),
  splice0: (a) => a.splice(),
  splice1: (a) => a.splice(1),
  splice2: (a) => a.splice(0, 1),
  spliceIn: (a) => a.splice(1, 0, 'x', 'y'),
  spliceSwap: (a) => a.splice(-1, 1, 'z'),
  spliceMany: (a) => a.splice(1, 99),
  spliceNeg: (a) => a.splice(0, -5, 'n'),
  spliceUndef: (a) => a.splice(undefined, undefined, 'u'),
  unshift: (a) => a.unshift('p', 'q'),
  unshiftNone: (a) => a.unshift(),
  shift: (a) => a.shift(),
  push: (a) => a.push('r'),
  pop: (a) => a.pop(),
  concat: (a) => a.concat([7], 8, [[9]], a),
  concatInto: (a) => [0].concat(a),
  fill: (a) => a.fill('f'),
  fillPart: (a) => a.fill('f', 1, -1),
  fillFar: (a) => a.fill('f', 9),
  fillNone: (a) => a.fill(),
  reverse: (a) => a.reverse(),
  copyWithin: (a) => a.copyWithin(0, 1),
  spread: (a) => [...a, ...a],
  rest: ([first, ...others]) => [first, others],
  from: (a) => Array.from(a, (x) => [x]),
  indexOf: (a) => [a.indexOf(undefined), a.includes(undefined), a.lastIndexOf(3)],
  flat: (a) => a.flat(),
  sort: (a) => a.sort(),
  map: (a) => a.map((x) => x),
  filter: (a) => a.filter(() => true),
  apply: (a) => Math.max(...a),
  length: (a) => {
    a.length = 1;
  },
};
class Sub extends Array {}
class Plain extends Array {
  static get [Symbol.species]() {
    return Array;
  }
}
class Odd extends Array {
  static get [Symbol.species]() {
    return function (n) {
      return { n, made: true };
    };
  }
}
const KINDS = {
  plain: () => [1, 2, 3],
  empty: () => [],
  one: () => [1],
  objects: () => [{ a: 1 }, [2], 'three'],
  holes: () => [1, , 3, ,],
  allHoles: () => new Array(3),
  halfFilled: () => {
    const a = new Array(5);
    a[0] = 1;
    a[1] = 2;
    return a;
  },
  frozen: () => Object.freeze([1, 2, 3]),
  sealed: () => Object.seal([1, 2, 3]),
  closed: () => Object.preventExtensions([1, 2, 3]),
  fixedLength: () => Object.defineProperty([1, 2, 3], 'length', { writable: false }),
  extra: () => Object.assign([1, 2, 3], { name: 'extra' }),
  getter: () => Object.defineProperty([1, 2, 3], 1, { get: () => 'got', configurable: true }),
  readOnly: () => Object.defineProperty([1, 2, 3], 1, { value: 'ro' }),
  sub: () => Sub.from([1, 2, 3]),
  species: () => Plain.from([1, 2, 3]),
  odd: () => Odd.from([1, 2, 3]),
  ownConstructor: () => Object.assign([1, 2, 3], { constructor: Sub }),
  noPrototype: () => Object.setPrototypeOf([1, 2, 3], null),
  otherPrototype: () => Object.setPrototypeOf([1, 2, 3], { __proto__: Array.prototype, 5: 'five' }),
  proxy: () => new Proxy([1, 2, 3], {}),
  like: () => ({ length: 3, 0: 1, 1: 2, 2: 3, __proto__: Array.prototype }),
  spreadable: () => Object.assign([1, 2, 3], { [Symbol.isConcatSpreadable]: false }),
};
for (const [kind, make] of Object.entries(KINDS)) {
  for (const [name, call] of Object.entries(CALLS)) {
    const array = make();
    const result = attempt(() =>
      typeof array[name.replace(/[A-Z0-9].*/, '')] === 'function' || Object.getPrototypeOf(array)
        ? call(array)
        : 'skipped',
    );
    console.log(
      kind,
      name,
      attempt(() => result),
      attempt(() => array),
    );
  }
}

// ===== arrays after the prototypes have changed
const log = [];
Object.defineProperty(Array.prototype, 4, {
  get: () => 'inherited',
  set(v) {
    log.push(['set', v]);
  },
  configurable: true,
});
const a = [1, 2, 3, 4];
a.push(5);
console.log(a, log);
const b = [1, 2, 3];
b.unshift('x', 'y', 'z');
console.log(b, log, b.length);
const c = new Array(6).fill(0);
console.log(c, log);
console.log([1, 2, 3, 4].splice(0, 0, 'n'), log, new Array(6).slice(3), new Array(5).concat([1]).length, [
  ...new Array(5),
]);
delete Array.prototype[4];
Array.prototype.constructor = function Other(n) {
  this.n = n;
};
console.log([1, 2, 3].slice(1), [1].concat([2]), [1, 2].splice(0, 1));
Array.prototype.constructor = Array;
const species = Object.getOwnPropertyDescriptor(Array, Symbol.species);
Object.defineProperty(Array, Symbol.species, {
  get() {
    log.push('species');
    return Array;
  },
  configurable: true,
});
log.length = 0;
console.log([1, 2].slice(1), [1].concat(2), [3].splice(0), [1].map(String), log);
Object.defineProperty(Array, Symbol.species, species);
Object.prototype[Symbol.isConcatSpreadable] = false;
console.log([1].concat([2]));
delete Object.prototype[Symbol.isConcatSpreadable];
const iterator = Array.prototype[Symbol.iterator];
Array.prototype[Symbol.iterator] = function* () {
  yield 'mine';
};
console.log([...[1, 2]].length, Array.from([1, 2]), Math.max(...[1]));
Array.prototype[Symbol.iterator] = iterator;
console.log(
  [...[1, 2]],
  [].concat.length,
  [].slice.name,
  [].fill.length,
  [].splice.length,
  [].unshift.length,
  [].slice === Array.prototype.slice,
);
const own = [1, 2, 3];
own.slice = () => 'own';
console.log(
  own.slice(),
  Array.prototype.slice.call('abc'),
  Array.prototype.slice.call({ length: 2, 0: 'x', 1: 'y' }),
  Array.prototype.concat.call(1, 2),
  Array.prototype.fill.call({ length: 2 }, 7),
  Array.prototype.splice.call({ length: 1, 0: 'a' }, 0, 1),
  Array.prototype.unshift.call({ length: 1, 0: 'a' }, 'b'),
);

// ===== arguments in great number
const n = 120000,
  many = Array.from({ length: n }, (_, i) => i % 1000);
console.log(
  Math.max(...many),
  Math.min.apply(null, many),
  [].push(...many),
  String.fromCharCode(...many).length,
  new Array(...many.slice(0, 60000)).length,
);
console.log(
  ((...r) => r.length)(...many),
  (function () {
    return arguments.length;
  })(...many),
  [].concat(...many.map((x) => [x])).length,
  new Set([...many, ...many]).size,
  Reflect.apply(Math.max, null, many),
  many.slice(0, 5),
  [...many.keys()].length,
);
const target = [1];
target.splice(1, 0, ...many);
console.log(target.length, target[n]);
target.unshift(...many);
console.log(target.length);
try {
  Math.max(...new Array(1e6).fill(1));
} catch (e) {
  console.log(e.name, e.message);
}
try {
  const big = [];
  big.push(...new Array(5e5));
} catch (e) {
  console.log(e.name);
}
const bound = Math.max.bind(null, 5000);
console.log(bound(...many));
function* g(...r) {
  yield r.length;
}
console.log(g(...many).next(), (async (...r) => r.length)(...many));

// ===== sort comparators
const people = [
  { n: 'Bob', a: 30 },
  { n: 'alice', a: 25 },
  { n: 'Carl', a: 30 },
  { n: 'dave', a: 25 },
];
console.log([...people].sort((x, y) => y.a - x.a || x.n.localeCompare(y.n)).map((p) => p.n));
console.log(
  [10, 9, 1, 100, 25].sort(),
  [3, undefined, 1, , 2].sort(),
  [true, false, null, 'a', 1].sort(),
  ['B', 'a', 'C'].sort(),
);
console.log(
  [5, 2, 8].sort((a, b) => b > a),
  [5, 2, 8].sort((a, b) => (a < b ? -1 : 1)),
  [3n, 1n, 2n].sort(),
  [1, 2, 3].toSorted((a, b) => b - a),
);
console.log(
  Object.entries({ b: 2, a: 1, c: 3 }).sort(([, x], [, y]) => y - x),
  Object.fromEntries(Object.entries({ b: 2, a: 1 }).sort()),
);
const words = 'the quick brown fox jumps over the lazy dog the end'.split(' ');
const freq = words.reduce((m, w) => m.set(w, (m.get(w) || 0) + 1), new Map());
console.log([...freq].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 4), [...freq.keys()].length);
try {
  [1, 2].sort('x');
} catch (e) {
  console.log(e.message);
}
const stable = Array.from({ length: 20 }, (_, i) => ({ k: i % 3, i }));
console.log(
  stable
    .sort((a, b) => a.k - b.k)
    .map((x) => x.i)
    .join(),
);

// ===== sort comparators that contradict themselves
const seeds = (n, k) => Array.from({ length: n }, (_, i) => (i * 7919 + k * 104729) % (n + 13));
const hash = (a) => a.reduce((h, x) => (h * 31 + x) | 0, 7);
for (const n of [2, 3, 5, 10, 22, 33, 64, 65, 100, 128, 300, 1000, 5000]) {
  const out = [];
  for (const f of [
    (a, b) => a > b,
    (a, b) => a < b,
    (a, b) => (a > b ? 1 : 0),
    (a, b) => (a < b ? -1 : 0),
    () => 0,
    () => 1,
    () => -1,
    (a, b) => (a % 10) - (b % 10),
    (a, b) => (a % 2 ? -1 : 1),
    (a, b) => b - a,
    (a, b) => ((a ^ b) % 3) - 1,
  ]) {
    let calls = 0;
    const sorted = seeds(n, n % 7).sort((a, b) => {
      calls++;
      return f(a, b);
    });
    out.push(`${hash(sorted)}/${calls}`);
  }
  console.log(n, out.join(' '));
}

// ===== order of a comparator's calls
const calls = [];
console.log(
  [5, 2, 8, 1, 9, 3].sort((a, b) => {
    calls.push([a, b]);
    return a - b;
  }),
  JSON.stringify(calls),
);
const log2 = [];
console.log(
  ['d', 'a', 'c', 'b'].sort((x, y) => {
    log2.push(x + y);
    return x < y ? -1 : 1;
  }),
  log2,
);
const runs = [...Array(50).keys(), ...Array(70).keys(), ...[...Array(40).keys()].reverse(), ...Array(200).keys()];
let n = 0;
console.log(runs.sort((a, b) => (n++, a - b)).join(','), n);
const str = runs.map((x) => ({ k: x % 7, x }));
n = 0;
console.log(
  str
    .sort((a, b) => (n++, a.k - b.k))
    .map((o) => o.k + ':' + o.x)
    .join(' '),
  n,
  runs.map(String).sort().join(' '),
  runs.toSorted().length,
);
try {
  [3, 1, 2].sort(() => {
    throw new Error('in comparator');
  });
} catch (e) {
  console.log(e.message);
}
const part = [3, 1, 2];
try {
  let k = 0;
  part.sort((a, b) => {
    if (k++ > 1) throw new Error('late');
    return a - b;
  });
} catch (e) {
  console.log(e.message, part);
}
console.log(
  [undefined, 3, , 1, undefined].sort(),
  [3, 2, 1].sort(undefined),
  [2, 1].sort((a, b) => NaN),
  ['10', 9, '8', 1].sort((a, b) => a - b),
  [null, 0, undefined, NaN, false].sort(),
);
// ===== typed arrays sort as they do under node, however odd the comparison
const odd = {
  greater: (a, b) => a > b,
  less: (a, b) => a < b,
  never: () => 0,
  always: () => 1,
  reverse: () => -1,
  modulo: (a, b) => (a % 3) - (b % 3),
  fraction: (a, b) => (b - a) / 100,
  nothing: () => {},
};
for (const kind of [Float64Array, Int8Array, Uint16Array, BigInt64Array]) {
  for (const size of [2, 3, 5, 20, 33, 64, 100]) {
    const made = kind.from({ length: size }, (_, i) => (kind === BigInt64Array ? BigInt((i * 7) % size) : (i * 7) % size));
    for (const [name, compare] of Object.entries(odd)) {
      if (kind === BigInt64Array && /modulo|fraction/.test(name)) continue;
      let asked = '';
      const sorted = made.toSorted((a, b) => {
        asked += `${a}:${b} `;
        return compare(a, b);
      });
      console.log(kind.name, size, name, sorted.join(), size < 6 ? asked : asked.length);
    }
  }
}
try {
  new Int8Array([3, 1, 2]).sort(() => {
    throw new Error('no');
  });
} catch (e) {
  console.log(e.message);
}
console.log(new Float32Array([3, NaN, -0, 0, -1]).sort().join(), new Int8Array(1).sort(() => 1).length);
// ===== iterators of what only looks like an array
for (const length of [-1, -Infinity, NaN, '2', 1.9, undefined, 2 ** 32 + 1]) {
  const like = { length, 0: 'a', 1: 'b' };
  for (const method of ['keys', 'values', 'entries']) {
    const steps = Array.prototype[method].call(like);
    const seen = [];
    for (const item of steps) if (seen.push(item) === 4) break;
    console.log(length, method, JSON.stringify(seen));
  }
}
