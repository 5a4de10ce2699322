// ===== stdin events sum
// stdin: "3\n1 2 3\n4 5 6\n7 8 9\n"
let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => (input += chunk));
process.stdin.on('end', () => {
  const lines = input.trim().split('\n');
  const n = parseInt(lines[0], 10);
  for (let i = 1; i <= n; i++) {
    const [a, b, c] = lines[i].split(' ').map(Number);
    console.log(a + b + c);
  }
});

// ===== readline async iterator
// stdin: "5 6\n-1 0 9 3 0\n0 5 3 -1 2\n1 2\n2 3\n3 4\n4 5\n1 3\n2 4\n"
const readline = require('readline');
async function main() {
  const rl = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  const lines = [];
  for await (const line of rl) lines.push(line);
  const [n, m] = lines[0].split(' ').map(Number);
  const grid = lines.slice(1, 3).map((l) => l.split(' ').map(Number));
  const edges = lines.slice(3).map((l) => l.split(/\s+/).map((x) => +x - 1));
  const adj = Array.from({ length: n }, () => []);
  edges.forEach(([a, b]) => {
    adj[a].push(b);
    adj[b].push(a);
  });
  const dist = new Array(n).fill(Infinity);
  dist[0] = 0;
  const q = [0];
  while (q.length) {
    const u = q.shift();
    for (const v of adj[u])
      if (dist[v] === Infinity) {
        dist[v] = dist[u] + 1;
        q.push(v);
      }
  }
  console.log(dist.join(' '), grid, m);
}
main();

// ===== readline question flow
// stdin: "Ann\n42\n"
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });
rl.question('Name? ', (name) => {
  rl.question('Age? ', (age) => {
    console.log(`Hello ${name}, you are ${Number(age) + 1} next year`);
    rl.close();
  });
});
rl.on('close', () => console.log('bye'));

// ===== readline on line with prompt
// stdin: "add 1 2\nmul 3 4\nquit\nadd 5 5\n"
const readline = require('readline');
const rl = readline.createInterface({ input: process.stdin, output: process.stdout, prompt: '> ', terminal: false });
rl.prompt();
rl.on('line', (line) => {
  const [cmd, a, b] = line.trim().split(' ');
  switch (cmd) {
    case 'add':
      console.log(+a + +b);
      break;
    case 'mul':
      console.log(a * b);
      break;
    case 'quit':
      rl.close();
      return;
    default:
      console.log('unknown');
  }
  rl.prompt();
}).on('close', () => {
  console.log('done');
  process.exit(0);
});

// ===== readFileSync dev stdin
// stdin: "10\n20\n30"
const data = require('fs').readFileSync('/dev/stdin', 'utf-8').split('\n').map(Number);
console.log(
  data,
  data.reduce((a, b) => a + b),
);
console.log(Math.max(...data), Math.min(...data), data.indexOf(20));

// ===== generator based token reader
// stdin: "2\n3 1 2\n1\n"
function* tokens(text) {
  for (const t of text.matchAll(/\S+/g)) yield t[0];
}
const it = tokens(require('fs').readFileSync(0).toString());
const next = () => Number(it.next().value);
let t = next();
while (t--) {
  const n = next();
  const arr = [];
  for (let i = 0; i < n; i++) arr.push(next());
  console.log(n, arr);
}
console.log(it.next());

// ===== event loop order
console.log('1');
setTimeout(() => console.log('timeout 0'), 0);
setImmediate(() => console.log('immediate'));
process.nextTick(() => console.log('tick'));
Promise.resolve()
  .then(() => console.log('micro'))
  .then(() => console.log('micro2'));
queueMicrotask(() => console.log('qm'));
(async () => {
  console.log('async start');
  await 0;
  console.log('async after');
})();
setTimeout(() => {
  console.log('t2');
  process.nextTick(() => console.log('t2 tick'));
  Promise.resolve().then(() => console.log('t2 micro'));
}, 1);
setTimeout(() => console.log('t3'), 1);
console.log('2');

// ===== class features
class Temp {
  static #count = 0;
  #c = 0;
  static {
    Temp.unit = 'C';
  }
  constructor(c) {
    this.#c = c;
    Temp.#count++;
  }
  get f() {
    return (this.#c * 9) / 5 + 32;
  }
  set f(v) {
    this.#c = ((v - 32) * 5) / 9;
  }
  static get count() {
    return Temp.#count;
  }
  #secret() {
    return 'hidden';
  }
  reveal() {
    return this.#secret() + (#c in this);
  }
  static isTemp(o) {
    return #c in o;
  }
  toString() {
    return `${this.#c}°${Temp.unit}`;
  }
  [Symbol.toPrimitive](hint) {
    return hint === 'number' ? this.#c : this.toString();
  }
  *[Symbol.iterator]() {
    yield this.#c;
    yield this.f;
  }
}
const t = new Temp(100);
t.f = 50;
console.log(t, `${t}`, +t, t + '', [...t], t.reveal(), Temp.count, Temp.isTemp({}), Temp);
class Animal {
  speak() {
    return 'generic';
  }
  get kind() {
    return 'animal';
  }
  static create(...a) {
    return new this(...a);
  }
}
class Dog extends Animal {
  name = 'Rex';
  speak() {
    return super.speak() + ' woof';
  }
  get kind() {
    return super.kind + ':dog';
  }
}
const dog = Dog.create();
console.log(
  dog,
  dog.speak(),
  dog.kind,
  Dog.name,
  Dog.length,
  dog.constructor.name,
  Object.getPrototypeOf(Dog) === Animal,
);
console.log(Object.getOwnPropertyNames(Dog.prototype), dog instanceof Animal, [
  Dog,
  Animal,
  class {},
  class extends Dog {},
]);
class Stack extends Array {
  peek() {
    return this.at(-1);
  }
}
const s = Stack.from([1, 2, 3]);
console.log(
  s,
  s.peek(),
  s.map((x) => x * 2),
  s.length,
  s instanceof Stack,
  Stack.of(7),
);
const Mixin = (B) =>
  class extends B {
    mixed() {
      return 'mixed';
    }
  };
class M extends Mixin(Object) {}
console.log(new M(), new M().mixed());
try {
  Dog();
} catch (e) {
  console.log(e.message);
}
try {
  new (class {
    constructor() {
      this.x.y;
    }
  })();
} catch (e) {
  console.log(e.message);
}
try {
  class B extends Animal {
    constructor() {}
  }
  new B();
} catch (e) {
  console.log(e.message);
}

// ===== labels and switches
outer: for (let i = 0; i < 4; i++) {
  for (let j = 0; j < 4; j++) {
    if (j === 2) continue outer;
    if (i === 2) break outer;
    console.log(i, j);
  }
}
block: {
  console.log('in');
  if (true) break block;
  console.log('never');
}
function sw(x) {
  switch (typeof x) {
    case 'number':
    case 'bigint':
      return 'num';
    case 'string': {
      const y = x.length;
      return 's' + y;
    }
    default:
      return 'other';
    case 'boolean':
      return 'bool';
  }
}
console.log(sw(1), sw(2n), sw('abc'), sw(null), sw(true));
let i = 0;
do {
  i++;
  if (i === 3) continue;
} while (i < 5);
console.log(i);
for (var k = 0, acc = []; k < 3; acc.push(() => k), k++);
console.log(acc.map((f) => f()));
for (let k2 = 0, acc2 = []; k2 < 3; k2++) {
  acc2.push(() => k2);
  if (k2 === 2) console.log(acc2.map((f) => f()));
}
for (const k in 'ab') console.log(k);
for (const k in [7, 8]) console.log(typeof k);
for (const [a, { b }] of [[1, { b: 2 }]]) console.log(a, b);
var fnr = (function () {
  try {
    return 'try';
  } finally {
    console.log('fin');
  }
})();
console.log(
  fnr,
  (() => {
    try {
      throw 1;
    } catch {
      return 'c';
    } finally {
      return 'f';
    }
  })(),
);
console.log(
  ((a, b = a + 1, ...[c, d]) => [a, b, c, d])(1, undefined, 3, 4),
  (function () {
    return arguments.length;
  })(1, 2),
  void 0,
  (1, 2),
  !!'' + 1,
);
var { x: { y: deep = 5 } = {}, ...others } = { p: 1, q: 2 };
console.log(deep, others);
var [h, , t2 = 9, ...r] = [1, 2, undefined, 4, 5];
console.log(h, t2, r);

// ===== async patterns
const sleep = (ms, v) => new Promise((r) => setTimeout(r, ms, v));
(async () => {
  console.log(
    await Promise.all([sleep(30, 'a'), sleep(10, 'b'), 3]),
    await Promise.race([sleep(20, 'slow'), sleep(5, 'fast')]),
    await Promise.allSettled([sleep(1, 1), Promise.reject('no')]),
    await Promise.any([Promise.reject(1), sleep(2, 'any')]),
  );
  try {
    await Promise.reject(new TypeError('rej'));
  } catch (e) {
    console.log(e.name);
  } finally {
    console.log('finally');
  }
  async function* gen() {
    for (let i = 0; i < 3; i++) {
      await sleep(1);
      yield i;
    }
  }
  for await (const x of gen()) console.log(x);
  for await (const x of [sleep(1, 'p'), 'q']) console.log(x);
  const results = [];
  const limit = async (tasks, n) => {
    const it = tasks.entries();
    await Promise.all(
      Array.from({ length: n }, async () => {
        for (const [i, t] of it) results[i] = await t();
      }),
    );
    return results;
  };
  console.log(
    await limit(
      [1, 2, 3, 4].map((x) => () => sleep(10 - x, x * x)),
      2,
    ),
  );
  const { promise, resolve } =
    Promise.withResolvers?.() ??
    (() => {
      let r;
      return { promise: new Promise((q) => (r = q)), resolve: r };
    })();
  const ac = new AbortController();
  ac.signal.addEventListener('abort', () => console.log('aborted', ac.signal.reason.name));
  ac.abort();
  const { EventEmitter, once } = require('events');
  const em = new EventEmitter();
  em.on('x', (...a) => console.log('x', a));
  em.once('x', () => console.log('once'));
  console.log(em.emit('x', 1, 2), em.emit('x'), em.emit('y'), em.listenerCount('x'), em.eventNames());
  setTimeout(() => em.emit('later', 42), 1);
  console.log(await once(em, 'later'));
  try {
    em.emit('error', new Error('ee'));
  } catch (e) {
    console.log(e.message);
  }
  const { promisify } = require('util');
  console.log(await promisify((a, cb) => cb(null, a + 1))(1));
  const timers = require('timers/promises');
  console.log(await timers.setTimeout(3, 'tp'));
  console.log(
    await new Promise((r) => process.nextTick(r, 'nt')),
    await {
      then(r) {
        r('thenable');
      },
    },
  );
  const t0 = Date.now();
  await sleep(100);
  const dt = Date.now() - t0;
  console.log(dt >= 99 && dt < 200, performance.now() > 0);
  console.time('x');
  console.log(typeof console.timeEnd);
})();

// ===== lru cache class
class LRUCache {
  constructor(capacity) {
    this.capacity = capacity;
    this.cache = new Map();
  }
  get(key) {
    if (!this.cache.has(key)) return -1;
    const v = this.cache.get(key);
    this.cache.delete(key);
    this.cache.set(key, v);
    return v;
  }
  put(key, value) {
    this.cache.delete(key);
    this.cache.set(key, value);
    if (this.cache.size > this.capacity) this.cache.delete(this.cache.keys().next().value);
  }
}
const c = new LRUCache(2);
c.put(1, 1);
c.put(2, 2);
console.log(c.get(1));
c.put(3, 3);
console.log(c.get(2), c);

// ===== dijkstra with heap
class MinHeap {
  constructor(cmp) {
    this.h = [];
    this.cmp = cmp;
  }
  push(x) {
    this.h.push(x);
    let i = this.h.length - 1;
    while (i > 0) {
      const p = (i - 1) >> 1;
      if (this.cmp(this.h[i], this.h[p]) >= 0) break;
      [this.h[i], this.h[p]] = [this.h[p], this.h[i]];
      i = p;
    }
  }
  pop() {
    const top = this.h[0],
      last = this.h.pop();
    if (this.h.length) {
      this.h[0] = last;
      let i = 0;
      for (;;) {
        let l = 2 * i + 1,
          r = l + 1,
          m = i;
        if (l < this.h.length && this.cmp(this.h[l], this.h[m]) < 0) m = l;
        if (r < this.h.length && this.cmp(this.h[r], this.h[m]) < 0) m = r;
        if (m === i) break;
        [this.h[i], this.h[m]] = [this.h[m], this.h[i]];
        i = m;
      }
    }
    return top;
  }
  get size() {
    return this.h.length;
  }
}
const n = 2000,
  adj = Array.from({ length: n }, () => []);
let seed = 42;
const rnd = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
for (let i = 0; i < 8000; i++) {
  const a = Math.floor(rnd() * n),
    b = Math.floor(rnd() * n),
    w = 1 + Math.floor(rnd() * 100);
  adj[a].push([b, w]);
  adj[b].push([a, w]);
}
const dist = Array(n).fill(Infinity);
dist[0] = 0;
const h = new MinHeap((a, b) => a[0] - b[0]);
h.push([0, 0]);
while (h.size) {
  const [d, u] = h.pop();
  if (d > dist[u]) continue;
  for (const [v, w] of adj[u])
    if (d + w < dist[v]) {
      dist[v] = d + w;
      h.push([dist[v], v]);
    }
}
console.log(
  dist.slice(0, 12),
  dist.reduce((a, b) => a + (b === Infinity ? 0 : b), 0),
  Math.max(...dist.filter(Number.isFinite)),
);

// ===== n queens and permutations
const solve = (n) => {
  const res = [];
  const go = (r, cols, d1, d2, path) => {
    if (r === n) {
      res.push(path.map((c) => '.'.repeat(c) + 'Q' + '.'.repeat(n - c - 1)));
      return;
    }
    for (let c = 0; c < n; c++) {
      if (cols.has(c) || d1.has(r - c) || d2.has(r + c)) continue;
      cols.add(c);
      d1.add(r - c);
      d2.add(r + c);
      go(r + 1, cols, d1, d2, [...path, c]);
      cols.delete(c);
      d1.delete(r - c);
      d2.delete(r + c);
    }
  };
  go(0, new Set(), new Set(), new Set(), []);
  return res;
};
console.log(solve(4), solve(6).length, solve(8).length);
const perms = (a) =>
  a.length <= 1 ? [a] : a.flatMap((x, i) => perms([...a.slice(0, i), ...a.slice(i + 1)]).map((p) => [x, ...p]));
console.log(
  perms([1, 2, 3]),
  perms([...'abcd'])
    .map((p) => p.join(''))
    .join(' '),
);
function* combos(a, k, s = 0, cur = []) {
  if (cur.length === k) {
    yield [...cur];
    return;
  }
  for (let i = s; i < a.length; i++) {
    cur.push(a[i]);
    yield* combos(a, k, i + 1, cur);
    cur.pop();
  }
}
console.log([...combos(['a', 'b', 'c', 'd'], 2)].map((x) => x.join('')));

// ===== text adventure of string formatting
const rows = [
  ['Item', 'Qty', 'Price'],
  ['Widget', 5, 3.5],
  ['Gadget long name', 12, 19.99],
  ['X', 100, 0.05],
];
const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
for (const [i, r] of rows.entries()) {
  console.log(
    r.map((v, j) => (typeof v === 'number' ? String(v).padStart(widths[j]) : String(v).padEnd(widths[j]))).join(' | '),
  );
  if (!i) console.log(widths.map((w) => '-'.repeat(w)).join('-+-'));
}
const total = rows.slice(1).reduce((s, [, q, p]) => s + q * p, 0);
console.log(
  `Total: $${total.toFixed(2)}`,
  `${'='.repeat(20)}`,
  total.toLocaleString('en-US', { style: 'currency', currency: 'USD' }),
);
console.log(
  `multi
line ${[1, 2].map((x) => `<${x}>`).join('')}`,
  `${{}}`,
  `${[]}`,
  `${[1, [2, 3]]}`,
  `${null} ${undefined}`,
  `${() => 1}`,
  `${class A {
    x = 1;
  }}`,
  `${Symbol.iterator.toString()}`,
);

// ===== matrix ops and spirals
const A = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
];
const T = A[0].map((_, c) => A.map((r) => r[c]));
console.log(T, A.map((r) => r.join(' ')).join('\n'));
console.table(A);
const mul = (a, b) => a.map((r) => b[0].map((_, j) => r.reduce((s, x, k) => s + x * b[k][j], 0)));
console.log(mul(A, T));
const spiral = (m) => {
  m = m.map((r) => [...r]);
  const out = [];
  while (m.length) {
    out.push(...m.shift());
    m = m[0] ? m[0].map((_, i) => m.map((r) => r[r.length - 1 - i])) : [];
  }
  return out;
};
console.log(spiral(A).join());
const det = (m) =>
  m.length === 1
    ? m[0][0]
    : m[0].reduce((s, x, j) => s + (j % 2 ? -1 : 1) * x * det(m.slice(1).map((r) => r.filter((_, k) => k !== j))), 0);
console.log(
  det([
    [2, 0, 1],
    [1, 3, 2],
    [1, 1, 1],
  ]),
  A.flat().map((x) => x ** 2),
  A.map((r) => Math.max(...r)),
  [].concat(...A),
  A.at(-1).at(-1),
  structuredClone(A),
);

// ===== iterators and generators
class Range {
  constructor(a, b, s = 1) {
    Object.assign(this, { a, b, s });
  }
  *[Symbol.iterator]() {
    for (let i = this.a; i < this.b; i += this.s) yield i;
  }
  map(f) {
    const self = this;
    return {
      *[Symbol.iterator]() {
        for (const x of self) yield f(x);
      },
    };
  }
}
console.log(
  [...new Range(0, 10, 3)],
  Math.max(...new Range(0, 5)),
  new Set(new Range(0, 3)),
  Array.from(new Range(1, 4).map((x) => x * x)),
  Object.fromEntries([...new Range(0, 2)].map((x) => ['k' + x, x])),
);
function* fib() {
  let [a, b] = [0, 1];
  while (true) {
    const r = yield a;
    if (r) [a, b] = [0, 1];
    else [a, b] = [b, a + b];
  }
}
const g = fib();
console.log(
  Array.from({ length: 10 }, () => g.next().value),
  g.next(true),
  g.next(),
  g.return(9),
  g.next(),
  [
    ...(function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        console.log('cleanup');
      }
    })(),
  ],
);
const take = function* (n, it) {
  let i = 0;
  for (const x of it) {
    if (i++ >= n) return;
    yield x;
  }
};
console.log([...take(5, fib())]);
const it = {
  from: 1,
  to: 3,
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
for (const x of it) {
  if (x === 2) break;
  console.log(x);
}
const [first] = it;
console.log(first, g, fib, g[Symbol.toStringTag]);
const gen = (function* () {
  try {
    const x = yield 'a';
    console.log('got', x);
    yield x * 2;
  } catch (e) {
    console.log('caught', e);
    yield 'recovered';
  }
})();
console.log(gen.next(), gen.next(21), gen.throw('err'), gen.next());
const zip = (...a) => a[0].map((_, i) => a.map((r) => r[i]));
console.log(zip([1, 2], ['a', 'b'], [true, false]));

// ===== proxies and reflection
const log = [];
const p = new Proxy(
  { a: 1 },
  {
    get(t, k, r) {
      log.push(`get ${String(k)}`);
      return Reflect.get(t, k, r);
    },
    set(t, k, v) {
      log.push(`set ${k}=${v}`);
      t[k] = v;
      return true;
    },
    has(t, k) {
      log.push(`has ${k}`);
      return k in t;
    },
    deleteProperty(t, k) {
      log.push(`del ${k}`);
      return delete t[k];
    },
    ownKeys(t) {
      log.push('keys');
      return Reflect.ownKeys(t);
    },
  },
);
p.b = p.a + 1;
'a' in p;
delete p.a;
Object.keys(p);
({ ...p });
console.log(log, p);
const neg = (a) =>
  new Proxy(a, { get: (t, k) => (typeof k === 'string' && /^-\d+$/.test(k) ? t[t.length + +k] : t[k]) });
console.log(neg([1, 2, 3])[-1], neg(['x']).length);
const ro = new Proxy(
  {},
  {
    set() {
      return false;
    },
  },
);
try {
  (function () {
    'use strict';
    ro.x = 1;
  })();
} catch (e) {
  console.log(e.message);
}
try {
  (function () {
    'use strict';
    delete new Proxy({ a: 1 }, { deleteProperty: () => false }).a;
  })();
} catch (e) {
  console.log(e.message);
}
const val = new Proxy(
  {},
  {
    set(t, k, v) {
      if (k === 'age' && !Number.isInteger(v)) throw new TypeError('The age is not an integer');
      t[k] = v;
      return true;
    },
  },
);
val.age = 5;
try {
  val.age = 'x';
} catch (e) {
  console.log(e.message, val.age);
}
console.log(
  Reflect.has({ x: 1 }, 'x'),
  Reflect.apply(Math.max, null, [1, 2]),
  Reflect.construct(Date, [0]).getTime(),
  Reflect.getPrototypeOf([]) === Array.prototype,
  Reflect.ownKeys({ b: 1, a: 2, 1: 3, [Symbol('s')]: 4 }),
);
const obj = Object.defineProperties(
  {},
  {
    hidden: { value: 1 },
    shown: { value: 2, enumerable: true },
    acc: {
      get() {
        return 3;
      },
      enumerable: true,
    },
  },
);
console.log(
  obj,
  Object.keys(obj),
  obj.hidden,
  Object.getOwnPropertyDescriptor(obj, 'hidden'),
  Object.getOwnPropertyDescriptors({
    get x() {
      return 1;
    },
  }),
  Object.isFrozen(Object.freeze({})),
  Object.entries('ab'),
  Object.is(NaN, NaN),
  Object.assign({}, 'ab', null, [9]),
  Object.getOwnPropertyNames('ab'),
);
const memo =
  (f, c = {}) =>
  (...a) => {
    const k = JSON.stringify(a);
    return k in c ? c[k] : (c[k] = f(...a));
  };
const slow = memo((a, b) => {
  console.log('computing');
  return a + b;
});
console.log(slow(1, 2), slow(1, 2));
const compose =
    (...f) =>
    (x) =>
      f.reduceRight((v, g) => g(v), x),
  curry = (f) =>
    function c(...a) {
      return a.length >= f.length ? f(...a) : (...b) => c(...a, ...b);
    };
console.log(
  compose(
    (x) => x + 1,
    (x) => x * 2,
  )(5),
  curry((a, b, c) => a + b + c)(1)(2)(3),
);
function Old(n) {
  if (!(this instanceof Old)) return new Old(n);
  this.n = n;
}
Old.prototype.get = function () {
  return this.n;
};
console.log(Old(3).get(), new Old(4), Object.create(Old.prototype), Old.prototype, typeof Old, Old.toString());

// ===== event scheduler simulation
const { EventEmitter } = require('node:events');
class Sched extends EventEmitter {
  constructor() {
    super();
    this.q = [];
    this.now = 0;
  }
  at(t, n) {
    this.q.push({ t, n });
    this.q.sort((a, b) => a.t - b.t);
    return this;
  }
  run() {
    while (this.q.length) {
      const { t, n } = this.q.shift();
      this.now = t;
      this.emit('ev', n, t) || console.log('unhandled', n);
    }
    this.emit('end');
  }
}
const s = new Sched();
s.at(5, 'b').at(1, 'a').at(9, 'c');
s.on('ev', (n, t) => {
  console.log(`[${t}] ${n}`);
  if (n === 'a') s.at(7, 'a2');
});
s.once('end', () => console.log('end', s.now));
s.run();
console.log(s.listenerCount('ev'), s.rawListeners('end').length);
s.off('ev', () => {});
s.prependListener('x', () => console.log('first'));
s.on('x', function () {
  console.log('second', this === s);
});
s.emit('x');
try {
  s.emit('error', 'str');
} catch (e) {
  console.log(e.message, e.code);
}
s.removeAllListeners();
console.log(s.eventNames());
for (let i = 0; i < 11; i++) s.on('many', () => {});
console.log(EventEmitter.defaultMaxListeners);

// ===== temporal dead zone and closures
try {
  console.log(x1);
} catch (e) {
  console.log(e.name, e.message);
}
let x1 = 1;
console.log(typeof hoisted, hoisted2());
var hoisted = 5;
function hoisted2() {
  return 'h2';
}
try {
  const f = () => y1;
  f();
  let y1 = 2;
} catch (e) {
  console.log(e.message);
}
try {
  new K();
} catch (e) {
  console.log(e.message);
}
class K {}
try {
  typeof z9;
  let z9;
} catch (e) {
  console.log(e.message);
}
const counters = [];
for (var i = 0; i < 3; i++)
  counters.push(
    (
      (j) => () =>
        j
    )(i),
  );
console.log(
  counters.map((f) => f()),
  i,
);
const mk = () => {
  let n = 0;
  return {
    inc: () => ++n,
    get n() {
      return n;
    },
  };
};
const c1 = mk(),
  c2 = mk();
c1.inc();
c1.inc();
c2.inc();
console.log(c1.n, c2.n, c1);
(function () {
  console.log(typeof this, this === globalThis || this === undefined);
})();
const o = {
  name: 'o',
  reg() {
    return this?.name;
  },
  arrow: () => typeof this,
  nested() {
    return [1].map(() => this.name);
  },
};
const { reg } = o;
try {
  console.log(o.reg(), reg(), o.arrow(), o.nested());
} catch (e) {
  console.log(e.message);
}
console.log(this === module.exports, typeof require, typeof __filename, exports === module.exports);
var self = this;
a1 = 5;
console.log(
  globalThis.a1,
  delete globalThis.a1,
  typeof a1,
  (function f(n) {
    return n < 2 ? 1 : n * f(n - 1);
  })(5),
  (() => {
    'use strict';
    return (function () {
      return this;
    })();
  })(),
);
console.log(
  [1, 2, 3].map(parseInt),
  ['1', '2', '3'].map(Number),
  [3, 1, 2].sort().reverse(),
  Array(3),
  Array(3).join('-'),
  Array.apply(null, Array(2)),
  [, 1].length,
  ([1, 2, 3].length = 5),
  new Array('3'),
  Array.of(3),
  [...'ab'],
  Array.isArray([]),
  [1, [2, [3, [4]]]].flat(Infinity),
  [3, 4].entries().next(),
  [1, 2, 3].lastIndexOf(3),
  [1, 2, 3, 4, 5].copyWithin(0, 3),
  [1, 2, 3].findLast((x) => x < 3),
  [0, 1].some(Boolean),
  [].every((x) => false),
  [1, 2, 3].reduceRight((a, b) => a + '-' + b),
  [1, 2, 3].with?.(1, 9),
  [1, 2, 3].includes(NaN),
  [NaN].includes(NaN),
  [NaN].indexOf(NaN),
  [1, 2, 3].join(),
  [null, undefined, 1].join(),
  [[1, 2], [3]].toString(),
  delete [1][0],
);

// ===== os and path and url
const path = require('path'),
  url = require('url'),
  qs = require('querystring');
console.log(
  path.join('/a', '..', 'b', './c.txt'),
  path.basename('/x/y.tar.gz', '.gz'),
  path.extname('a.b.c'),
  path.dirname('/a/b/c'),
  path.resolve('/a', 'b', '../c'),
  path.parse('/home/u/f.txt'),
  path.format({ dir: '/d', base: 'f.e' }),
  path.relative('/a/b/c', '/a/d'),
  path.isAbsolute('x'),
  path.normalize('/a//b/../c/.'),
  path.sep,
  path.posix === path,
);
const u = new URL('https://user:pa@ex.com:8080/p/a?q=1&r=a%20b&q=2#frag');
console.log(
  u.host,
  u.pathname,
  u.searchParams.get('r'),
  u.searchParams.getAll('q'),
  u.hash,
  u.origin,
  u.href,
  [...u.searchParams],
  u,
);
u.searchParams.append('z', 'é');
console.log(
  u.search,
  String(new URLSearchParams({ a: 1, b: 'x y' })),
  url.parse('http://a.com/b?c=d').query,
  qs.parse('a=1&b=2&a=3'),
  qs.stringify({ x: [1, 2], y: 'z w' }),
  require('os').EOL === '\n',
);

// ===== crypto hashes
const c = require('crypto');
console.log(
  c.createHash('sha256').update('hello').digest('hex'),
  c.createHash('md5').update('a').update('b').digest('base64'),
  c.createHash('sha1').update('x').digest('hex'),
  c.randomBytes(4).length,
  c.randomUUID().length,
  c.createHmac('sha256', 'k').update('d').digest('hex'),
  typeof c.randomInt(5),
  c.timingSafeEqual(Buffer.from('a'), Buffer.from('a')),
);

// ===== streams and decoding
const { Readable, Transform, Writable, pipeline } = require('stream');
const up = new Transform({
  transform(ch, e, cb) {
    cb(null, ch.toString().toUpperCase());
  },
});
const out = [];
pipeline(
  Readable.from(['ab', 'cd']),
  up,
  new Writable({
    write(ch, e, cb) {
      out.push(ch.toString());
      cb();
    },
  }),
  (err) => console.log('done', err, out),
);
(async () => {
  for await (const x of Readable.from([1, 2, 3])) console.log(x);
})();
const { StringDecoder } = require('string_decoder');
const d = new StringDecoder('utf8');
console.log(d.write(Buffer.from([0xe2, 0x82])), d.write(Buffer.from([0xac])), d.end());

// ===== test runner by hand
const results = [];
function describe(n, f) {
  console.log(n);
  f();
}
function it(n, f) {
  try {
    f();
    results.push(true);
    console.log('  \u2713', n);
  } catch (e) {
    results.push(false);
    console.log('  \u2717', n, '-', e.message);
  }
}
function expect(v) {
  return {
    toBe(x) {
      if (!Object.is(v, x)) throw new Error(`Expected ${JSON.stringify(x)} but got ${JSON.stringify(v)}`);
    },
    toEqual(x) {
      if (JSON.stringify(v) !== JSON.stringify(x))
        throw new Error(`Expected ${JSON.stringify(x)} to equal ${JSON.stringify(v)}`);
    },
    toThrow() {
      let t = false;
      try {
        v();
      } catch {
        t = true;
      }
      if (!t) throw new Error('Expected function to throw');
    },
  };
}
describe('math', () => {
  it('adds', () => expect(1 + 1).toBe(2));
  it('fails', () => expect([1]).toEqual([2]));
  it('throws', () => expect(() => null.x).toThrow());
});
console.log(`${results.filter(Boolean).length}/${results.length} passed`);
process.exitCode = results.every(Boolean) ? 0 : 1;

// ===== getter setter defaults and optional chaining
const cfg = { server: { port: 0, host: null }, list: [] };
console.log(
  cfg.server?.port ?? 80,
  cfg.server?.host ?? 'localhost',
  cfg.client?.timeout ?? 30,
  cfg.list?.[0]?.name,
  cfg.fn?.(),
  cfg?.['server']?.['port'],
  delete cfg.server?.port,
  cfg,
);
let a = null;
a ??= 5;
let b = 0;
b ||= 7;
let c = 1;
c &&= c + 1;
console.log(a, b, c, a?.toFixed(1), null?.x, undefined?.[0]);
const { x = 10, y: { z = 20 } = {}, ...rest } = { w: 1, v: 2 };
console.log(x, z, rest);
function f({ a = 1, b = a * 2 } = {}, [c, d = c] = [3], ...{ length }) {
  return [a, b, c, d, length];
}
console.log(f(), f({ a: 5 }, [7], 8, 9), f.length, (({ a }, b = 1, c) => 0).length);
let p = 1,
  q = 2;
[p, q] = [q, p];
const arr = [1, 2, 3];
[arr[0], arr[2]] = [arr[2], arr[0]];
console.log(p, q, arr);
const o2 = {
  ['computed' + 1]: 1,
  'quoted key': 2,
  3: 'num',
  get g() {
    return this._g ?? 'unset';
  },
  set g(v) {
    this._g = v;
  },
  async am() {},
  *gm() {},
  async *agm() {},
};
o2.g = 5;
console.log(o2, o2.g, Object.keys(o2));
for (const [k, v] of Object.entries({ one: 1, two: 2 })) console.log(`${k}=${v}`);
for (const { id, tags: [first = 'none'] = [] } of [{ id: 1, tags: ['t'] }, { id: 2 }]) console.log(id, first);
console.log(
  (() => {
    switch (true) {
      case 5 > 3:
        return 'yes';
      default:
        return 'no';
    }
  })(),
  ((a, b) => a ** b)(2, 10),
  [...'ab'].map((c, i, { length }) => c + i + length),
  Object.entries([7, 8]),
  Array.from('abc', (ch) => ch.charCodeAt()),
  Array.from(new Map([[1, 2]])),
  Array.from({ length: 2, 0: 'x' }),
  (5).toString(),
  (1.5).toFixed(),
  typeof typeof 1,
  !+[] + [] + ![],
  [10, 1, 3].sort(),
  '3' + 4 + 5,
  3 + 4 + '5',
  '10' / '2',
  [] + null + 1,
  [1, 2] + [3],
  {} + [],
  (function () {
    return typeof arguments;
  })(),
  (() => {
    try {
      return 1;
    } finally {
      console.log('F');
    }
  })(),
  isNaN(undefined),
  [1, 2, 3] == '1,2,3',
  0.1 + 0.2 === 0.3,
  9007199254740992 === 9007199254740993,
  [0] == false,
  null + 1,
  'b' + 'a' + +'a' + 'a',
  Math.max(...[]),
  [...'👍a'].length,
  '👍'.length,
  typeof NaN,
  018 - 015,
  '\0'.length,
);
