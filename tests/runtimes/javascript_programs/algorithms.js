// ===== fizzbuzz and primes
for (let i = 1; i <= 15; i++)
  console.log(i % 15 === 0 ? 'FizzBuzz' : i % 5 === 0 ? 'Buzz' : i % 3 === 0 ? 'Fizz' : i);
const sieve = (n) => {
  const c = new Uint8Array(n + 1);
  const p = [];
  for (let i = 2; i <= n; i++) {
    if (c[i]) continue;
    p.push(i);
    for (let j = i * i; j <= n; j += i) c[j] = 1;
  }
  return p;
};
console.log(sieve(100), sieve(100000).length);

// ===== dynamic programming
const lcs = (a, b) => {
  const d = Array.from({ length: a.length + 1 }, () => Array(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      d[i][j] = a[i - 1] === b[j - 1] ? d[i - 1][j - 1] + 1 : Math.max(d[i - 1][j], d[i][j - 1]);
  return d[a.length][b.length];
};
console.log(lcs('AGGTAB', 'GXTXAYB'));
const knap = (w, v, c) => {
  const d = Array(c + 1).fill(0);
  w.forEach((wi, i) => {
    for (let j = c; j >= wi; j--) d[j] = Math.max(d[j], d[j - wi] + v[i]);
  });
  return d[c];
};
console.log(knap([1, 3, 4, 5], [1, 4, 5, 7], 7));
const edit = (s, t) => {
  let prev = [...Array(t.length + 1).keys()];
  for (let i = 1; i <= s.length; i++) {
    const cur = [i];
    for (let j = 1; j <= t.length; j++)
      cur[j] = Math.min(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (s[i - 1] !== t[j - 1]));
    prev = cur;
  }
  return prev[t.length];
};
console.log(edit('kitten', 'sitting'));
const coin = (cs, a) => {
  const d = Array(a + 1).fill(Infinity);
  d[0] = 0;
  for (const c of cs) for (let i = c; i <= a; i++) d[i] = Math.min(d[i], d[i - c] + 1);
  return d[a];
};
console.log(coin([1, 5, 10, 25], 63));
const memo = new Map();
const fib = (n) => (n < 2n ? n : (memo.get(n) ?? (memo.set(n, fib(n - 1n) + fib(n - 2n)), memo.get(n))));
console.log(fib(100n));
const lis = (a) => {
  const t = [];
  for (const x of a) {
    let l = 0,
      r = t.length;
    while (l < r) {
      const m = (l + r) >> 1;
      if (t[m] < x) l = m + 1;
      else r = m;
    }
    t[l] = x;
  }
  return t.length;
};
console.log(lis([10, 9, 2, 5, 3, 7, 101, 18]));

// ===== graphs
const g = { A: { B: 1, C: 4 }, B: { C: 2, D: 5 }, C: { D: 1 }, D: {} };
function dijkstra(g, s) {
  const dist = Object.fromEntries(Object.keys(g).map((k) => [k, Infinity]));
  dist[s] = 0;
  const q = new Set(Object.keys(g));
  while (q.size) {
    const u = [...q].reduce((a, b) => (dist[a] <= dist[b] ? a : b));
    q.delete(u);
    for (const [v, w] of Object.entries(g[u])) dist[v] = Math.min(dist[v], dist[u] + w);
  }
  return dist;
}
console.log(dijkstra(g, 'A'));
const bfs = (grid, [sr, sc], [er, ec]) => {
  const q = [[sr, sc, 0]],
    seen = new Set([`${sr},${sc}`]);
  while (q.length) {
    const [r, c, d] = q.shift();
    if (r === er && c === ec) return d;
    for (const [dr, dc] of [
      [0, 1],
      [1, 0],
      [0, -1],
      [-1, 0],
    ]) {
      const nr = r + dr,
        nc = c + dc;
      if (grid[nr]?.[nc] === '.' && !seen.has(`${nr},${nc}`)) {
        seen.add(`${nr},${nc}`);
        q.push([nr, nc, d + 1]);
      }
    }
  }
  return -1;
};
console.log(bfs(['....', '.##.', '....'], [0, 0], [2, 3]));
const topo = (n, e) => {
  const deg = Array(n).fill(0),
    adj = Array.from({ length: n }, () => []);
  for (const [a, b] of e) {
    adj[a].push(b);
    deg[b]++;
  }
  const q = deg.flatMap((d, i) => (d ? [] : [i])),
    out = [];
  while (q.length) {
    const u = q.shift();
    out.push(u);
    for (const v of adj[u]) if (!--deg[v]) q.push(v);
  }
  return out.length === n ? out : null;
};
console.log(
  topo(6, [
    [5, 2],
    [5, 0],
    [4, 0],
    [4, 1],
    [2, 3],
    [3, 1],
  ]),
  topo(2, [
    [0, 1],
    [1, 0],
  ]),
);
class UF {
  constructor(n) {
    this.p = [...Array(n).keys()];
    this.c = n;
  }
  find(x) {
    return this.p[x] === x ? x : (this.p[x] = this.find(this.p[x]));
  }
  union(a, b) {
    a = this.find(a);
    b = this.find(b);
    if (a === b) return false;
    this.p[a] = b;
    this.c--;
    return true;
  }
}
const uf = new UF(5);
console.log(uf.union(0, 1), uf.union(1, 2), uf.union(0, 2), uf.c, uf);

// ===== heap and priority queue
class Heap {
  constructor(cmp = (a, b) => a - b) {
    this.h = [];
    this.cmp = cmp;
  }
  get size() {
    return this.h.length;
  }
  push(v) {
    this.h.push(v);
    let i = this.h.length - 1;
    while (i > 0) {
      const p = (i - 1) >> 1;
      if (this.cmp(this.h[i], this.h[p]) >= 0) break;
      [this.h[i], this.h[p]] = [this.h[p], this.h[i]];
      i = p;
    }
    return this;
  }
  pop() {
    const top = this.h[0],
      last = this.h.pop();
    if (this.h.length) {
      this.h[0] = last;
      let i = 0;
      for (;;) {
        let l = 2 * i + 1,
          m = i;
        if (l < this.h.length && this.cmp(this.h[l], this.h[m]) < 0) m = l;
        if (++l < this.h.length && this.cmp(this.h[l], this.h[m]) < 0) m = l;
        if (m === i) break;
        [this.h[i], this.h[m]] = [this.h[m], this.h[i]];
        i = m;
      }
    }
    return top;
  }
}
const h = new Heap();
[5, 3, 8, 1, 9, 2].forEach((x) => h.push(x));
const out = [];
while (h.size) out.push(h.pop());
console.log(out);
const tasks = new Heap((a, b) => b.pri - a.pri);
tasks.push({ n: 'lo', pri: 1 }).push({ n: 'hi', pri: 9 });
console.log(tasks.pop(), tasks);

// ===== sorting algorithms
const quick = (a) =>
  a.length < 2
    ? a
    : [...quick(a.slice(1).filter((x) => x < a[0])), a[0], ...quick(a.slice(1).filter((x) => x >= a[0]))];
const merge = (a) => {
  if (a.length < 2) return a;
  const m = a.length >> 1,
    l = merge(a.slice(0, m)),
    r = merge(a.slice(m)),
    o = [];
  while (l.length && r.length) o.push(l[0] <= r[0] ? l.shift() : r.shift());
  return [...o, ...l, ...r];
};
let seed = 42;
const rnd = () => (seed = (seed * 1664525 + 1013904223) % 4294967296);
const arr = Array.from({ length: 200 }, () => rnd() % 1000);
console.log(
  String(quick(arr)) === String([...arr].sort((a, b) => a - b)),
  String(merge(arr)) === String(quick(arr)),
  quick(arr).slice(0, 10),
);
const count = {};
for (const ch of 'mississippi') count[ch] = (count[ch] || 0) + 1;
console.log(
  count,
  Object.entries(count).sort(([a, x], [b, y]) => y - x || a.localeCompare(b)),
);

// ===== parsing and interpreters
function tokenize(s) {
  return s.match(/\d+\.?\d*|[-+*/()^]/g);
}
function evaluate(s) {
  const t = tokenize(s);
  let i = 0;
  const expr = () => {
    let v = term();
    while ('+-'.includes(t[i] ?? '?')) v = t[i++] === '+' ? v + term() : v - term();
    return v;
  };
  const term = () => {
    let v = pow();
    while ('*/'.includes(t[i] ?? '?')) v = t[i++] === '*' ? v * pow() : v / pow();
    return v;
  };
  const pow = () => {
    const b = atom();
    return t[i] === '^' ? (i++, b ** pow()) : b;
  };
  const atom = () => {
    if (t[i] === '(') {
      i++;
      const v = expr();
      i++;
      return v;
    }
    if (t[i] === '-') {
      i++;
      return -atom();
    }
    return parseFloat(t[i++]);
  };
  return expr();
}
console.log(evaluate('2+3*(4-1)^2/3'), evaluate('-(1.5+2)*2'), evaluate('2^3^2'));
const brainf = (p, inp = '') => {
  const m = {};
  let d = 0,
    o = '',
    ip = 0;
  for (let i = 0; i < p.length; i++) {
    switch (p[i]) {
      case '>':
        d++;
        break;
      case '<':
        d--;
        break;
      case '+':
        m[d] = ((m[d] ?? 0) + 1) & 255;
        break;
      case '-':
        m[d] = ((m[d] ?? 0) + 255) & 255;
        break;
      case '.':
        o += String.fromCharCode(m[d] ?? 0);
        break;
      case ',':
        m[d] = inp.charCodeAt(ip++) || 0;
        break;
      case '[':
        if (!m[d])
          for (let k = 1; k;) {
            i++;
            if (p[i] === '[') k++;
            if (p[i] === ']') k--;
          }
        break;
      case ']':
        if (m[d])
          for (let k = 1; k;) {
            i--;
            if (p[i] === ']') k++;
            if (p[i] === '[') k--;
          }
    }
  }
  return o;
};
console.log(
  brainf(
    '++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.--------.>>+.',
  ),
);
const parseCsv = (t) =>
  t
    .split('\n')
    .map((l) =>
      [...l.matchAll(/("([^"]*(?:""[^"]*)*)"|[^,]*)(,|$)/g)]
        .slice(0, -1)
        .map((m) => (m[2] !== undefined ? m[2].replace(/""/g, '"') : m[1])),
    );
console.log(parseCsv('a,"b ""q"" c",d\n1,,3'));
const roman = (n) =>
  [
    [1000, 'M'],
    [900, 'CM'],
    [500, 'D'],
    [400, 'CD'],
    [100, 'C'],
    [90, 'XC'],
    [50, 'L'],
    [40, 'XL'],
    [10, 'X'],
    [9, 'IX'],
    [5, 'V'],
    [4, 'IV'],
    [1, 'I'],
  ].reduce(
    (s, [v, r]) =>
      s +
      r
        .repeat(Math.floor(n / v) - Math.floor((n % v) / v) * 0 || 0)
        .slice(0, (n = n) && Math.floor(n / v) * r.length) +
      ((n %= v), ''),
    '',
  );
console.log(roman(1994), roman(49));

// ===== simulations
const life = (g) =>
  g.map((r, y) =>
    r.map((c, x) => {
      let n = 0;
      for (let dy = -1; dy < 2; dy++)
        for (let dx = -1; dx < 2; dx++)
          if (dy || dx) n += g[(y + dy + g.length) % g.length][(x + dx + r.length) % r.length];
      return +(n === 3 || (c && n === 2));
    }),
  );
let w = Array.from({ length: 8 }, () => Array(8).fill(0));
[
  [1, 2],
  [2, 3],
  [3, 1],
  [3, 2],
  [3, 3],
].forEach(([y, x]) => (w[y][x] = 1));
for (let i = 0; i < 4; i++) w = life(w);
console.log(w.map((r) => r.map((c) => '.#'[c]).join('')).join('\n'));
class Bank {
  #accounts = new Map();
  open(n, b = 0) {
    this.#accounts.set(n, b);
    return this;
  }
  transfer(f, t, a) {
    const fb = this.#accounts.get(f);
    if (fb === undefined || !this.#accounts.has(t))
      throw new Error(`No account: ${fb === undefined ? f : t}`);
    if (fb < a) throw new RangeError(`Insufficient funds: ${fb} < ${a}`);
    this.#accounts.set(f, fb - a);
    this.#accounts.set(t, this.#accounts.get(t) + a);
    return this;
  }
  report() {
    return Object.fromEntries(this.#accounts);
  }
}
const bank = new Bank().open('a', 100).open('b');
bank.transfer('a', 'b', 30);
for (const t of [
  ['a', 'b', 500],
  ['a', 'z', 1],
])
  try {
    bank.transfer(...t);
  } catch (e) {
    console.log(e.name, e.message);
  }
console.log(bank.report(), bank);

// ===== linked list, tree, trie
class N {
  constructor(v, n = null) {
    this.v = v;
    this.n = n;
  }
}
let list = null;
for (const v of [3, 2, 1]) list = new N(v, list);
console.log(list);
const rev = (l, p = null) => (l ? rev(l.n, new N(l.v, p)) : p);
console.log(rev(list), JSON.stringify(rev(list)));
class BST {
  insert(v, n = this.root ?? (this.root = { v, l: null, r: null })) {
    if (v < n.v) n.l ? this.insert(v, n.l) : (n.l = { v, l: null, r: null });
    else if (v > n.v) n.r ? this.insert(v, n.r) : (n.r = { v, l: null, r: null });
    return this;
  }
  *walk(n = this.root) {
    if (n) {
      yield* this.walk(n.l);
      yield n.v;
      yield* this.walk(n.r);
    }
  }
  height(n = this.root) {
    return n ? 1 + Math.max(this.height(n.l), this.height(n.r)) : 0;
  }
}
const t = new BST();
[5, 3, 8, 1, 4, 9].forEach((v) => t.insert(v));
console.log([...t.walk()], t.height(), t);
class Trie {
  root = {};
  add(w) {
    let n = this.root;
    for (const c of w) n = n[c] ??= {};
    n.$ = true;
  }
  find(p) {
    let n = this.root;
    for (const c of p) if (!(n = n[c])) return [];
    const o = [];
    (function go(n, s) {
      if (n.$) o.push(s);
      for (const c in n) if (c !== '$') go(n[c], s + c);
    })(n, p);
    return o;
  }
}
const tr = new Trie();
['car', 'card', 'care', 'dog'].forEach((x) => tr.add(x));
console.log(tr.find('car'), tr.root);
class LRU {
  constructor(c) {
    this.c = c;
    this.m = new Map();
  }
  get(k) {
    if (!this.m.has(k)) return -1;
    const v = this.m.get(k);
    this.m.delete(k);
    this.m.set(k, v);
    return v;
  }
  put(k, v) {
    this.m.delete(k);
    this.m.set(k, v);
    if (this.m.size > this.c) this.m.delete(this.m.keys().next().value);
  }
}
const lru = new LRU(2);
lru.put(1, 1);
lru.put(2, 2);
lru.get(1);
lru.put(3, 3);
console.log(lru.get(2), lru.get(1), lru);

// ===== backtracking and combinatorics
const perms = (a) =>
  a.length ? a.flatMap((x, i) => perms([...a.slice(0, i), ...a.slice(i + 1)]).map((p) => [x, ...p])) : [[]];
console.log(perms([1, 2, 3]), perms([...'abcd']).length);
const subsets = (a) => a.reduce((s, x) => [...s, ...s.map((y) => [...y, x])], [[]]);
console.log(subsets(['a', 'b', 'c']));
const queens = (n) => {
  let c = 0;
  (function place(r, cols, d1, d2) {
    if (r === n) {
      c++;
      return;
    }
    for (let i = 0; i < n; i++) {
      const a = 1 << i,
        b = 1 << (r + i),
        d = 1 << (r - i + n);
      if (cols & a || d1 & b || d2 & d) continue;
      place(r + 1, cols | a, d1 | b, d2 | d);
    }
  })(0, 0, 0, 0);
  return c;
};
console.log(queens(6), queens(8));
const hanoi = (n, a, b, c) => (n ? hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a) : 0);
console.log(hanoi(10, 'A', 'B', 'C'));
function solve(b) {
  for (let r = 0; r < 4; r++)
    for (let c = 0; c < 4; c++)
      if (!b[r][c]) {
        for (let v = 1; v <= 4; v++) {
          if (b[r].includes(v) || b.some((x) => x[c] === v)) continue;
          b[r][c] = v;
          if (solve(b)) return true;
          b[r][c] = 0;
        }
        return false;
      }
  return true;
}
const bd = [
  [1, 0, 0, 4],
  [0, 0, 1, 0],
  [0, 1, 0, 0],
  [4, 0, 0, 1],
];
console.log(solve(bd), bd);

// ===== strings and text processing
const isPal = (s) => {
  const t = s.toLowerCase().replace(/[^a-z0-9]/g, '');
  return t === [...t].reverse().join('');
};
console.log(isPal('A man, a plan, a canal: Panama'), isPal('no'));
const caesar = (s, k) =>
  s.replace(/[a-z]/gi, (c) =>
    String.fromCharCode(((c.charCodeAt(0) - (c < 'a' ? 65 : 97) + k + 26) % 26) + (c < 'a' ? 65 : 97)),
  );
console.log(caesar('Hello, World!', 3), caesar(caesar('abc XYZ', 5), -5));
const anagrams = ['eat', 'tea', 'tan', 'ate', 'nat', 'bat'];
console.log(Object.values(anagrams.reduce((m, w) => ((m[[...w].sort().join('')] ||= []).push(w), m), {})));
const wc = {};
'the cat and the hat and the bat'.split(/\s+/).forEach((w) => (wc[w] = -~wc[w]));
console.log(Object.entries(wc).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
const rle = (s) => s.replace(/(.)\1*/g, (m, c) => c + m.length);
console.log(
  rle('aaabbc'),
  rle('aaabbc').replace(/(.)(\d+)/g, (_, c, n) => c.repeat(n)),
);
const wrap = (t, n) => t.match(new RegExp(`.{1,${n}}(\\s|$)`, 'g')).map((l) => l.trim());
console.log(wrap('The quick brown fox jumps over the lazy dog', 12));
const kmp = (t, p) => {
  const f = [0];
  for (let i = 1, k = 0; i < p.length; i++) {
    while (k && p[i] !== p[k]) k = f[k - 1];
    if (p[i] === p[k]) k++;
    f[i] = k;
  }
  const o = [];
  for (let i = 0, k = 0; i < t.length; i++) {
    while (k && t[i] !== p[k]) k = f[k - 1];
    if (t[i] === p[k]) k++;
    if (k === p.length) {
      o.push(i - k + 1);
      k = f[k - 1];
    }
  }
  return o;
};
console.log(kmp('abababcabab', 'abab'));
console.log(
  [...'hello'].map((c, i, a) => (a.indexOf(c) === i ? c : '')).join(''),
  'title case me'.replace(/\b\w/g, (c) => c.toUpperCase()),
  'a-b_c d'
    .split(/[-_ ]/)
    .map((w, i) => (i ? w[0].toUpperCase() + w.slice(1) : w))
    .join(''),
);

// ===== matrices and numbers
const mul = (a, b) => a.map((r) => b[0].map((_, j) => r.reduce((s, x, k) => s + x * b[k][j], 0)));
console.log(
  mul(
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ),
);
const T = (m) => m[0].map((_, i) => m.map((r) => r[i]));
console.log(
  T([
    [1, 2, 3],
    [4, 5, 6],
  ]),
);
const spiral = (m) => {
  const o = [];
  m = m.map((r) => [...r]);
  while (m.length) {
    o.push(...m.shift());
    m = m.length ? T(m).reverse() : [];
  }
  return o;
};
console.log(
  spiral([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]),
);
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
console.log(gcd(48, 18), (48 * 18) / gcd(48, 18));
const powmod = (b, e, m) => {
  let r = 1n;
  b %= m;
  while (e) {
    if (e & 1n) r = (r * b) % m;
    b = (b * b) % m;
    e >>= 1n;
  }
  return r;
};
console.log(powmod(2n, 1000n, 1000000007n));
console.log(
  [1, 2, 3, 4].reduce((a, b) => a * b),
  Array.from({ length: 10 }, (_, i) => i ** 2).filter((x) => x % 2),
  (255).toString(2).padStart(10, '0'),
  parseInt('11111111', 2),
  [0.1, 0.2, 0.3].reduce((a, b) => a + b).toFixed(2),
  Math.max(...[3, 9, 2]),
  [3, 1, 2].sort().join('<'),
);
const collatz = (n) => {
  const s = [n];
  while (n > 1) s.push((n = n % 2 ? 3 * n + 1 : n / 2));
  return s;
};
console.log(collatz(27).length, collatz(6));
const det = (m) =>
  m.length === 1
    ? m[0][0]
    : m[0].reduce(
        (s, x, j) => s + (j % 2 ? -1 : 1) * x * det(m.slice(1).map((r) => r.filter((_, k) => k !== j))),
        0,
      );
console.log(
  det([
    [2, 0, 1],
    [1, 3, 2],
    [1, 1, 4],
  ]),
);
const pascal = Array.from({ length: 6 }, (_, i) => {
  let v = 1;
  return Array.from({ length: i + 1 }, (_, j) => {
    const r = v;
    v = (v * (i - j)) / (j + 1);
    return r;
  });
});
console.log(pascal);

// ===== functional helpers
const compose =
  (...f) =>
  (x) =>
    f.reduceRight((a, g) => g(a), x);
const pipe =
  (...f) =>
  (x) =>
    f.reduce((a, g) => g(a), x);
const curry = (f) =>
  function c(...a) {
    return a.length >= f.length ? f(...a) : (...b) => c(...a, ...b);
  };
console.log(
  compose(
    (x) => x + 1,
    (x) => x * 2,
  )(5),
  pipe(
    (x) => x + 1,
    (x) => x * 2,
  )(5),
  curry((a, b, c) => a + b + c)(1)(2, 3),
);
const groupBy = (a, k) => a.reduce((m, x) => ({ ...m, [x[k]]: [...(m[x[k]] ?? []), x] }), {});
console.log(
  groupBy(
    [
      { t: 'a', v: 1 },
      { t: 'b', v: 2 },
      { t: 'a', v: 3 },
    ],
    't',
  ),
);
const flatten = (o, p = '') =>
  Object.entries(o).reduce(
    (r, [k, v]) => (v && typeof v === 'object' ? { ...r, ...flatten(v, `${p}${k}.`) } : { ...r, [p + k]: v }),
    {},
  );
console.log(flatten({ a: 1, b: { c: 2, d: { e: 3 } } }));
const deepClone = (o) =>
  Array.isArray(o)
    ? o.map(deepClone)
    : o && typeof o === 'object'
      ? Object.fromEntries(Object.entries(o).map(([k, v]) => [k, deepClone(v)]))
      : o;
const orig = { x: [1, { y: 2 }] };
const cp = deepClone(orig);
cp.x[1].y = 9;
console.log(orig, cp);
const chunk = (a, n) => Array.from({ length: Math.ceil(a.length / n) }, (_, i) => a.slice(i * n, i * n + n));
console.log(
  chunk([1, 2, 3, 4, 5], 2),
  [...new Set([1, 1, 2])],
  Object.entries({ a: 1 })
    .map(([k, v]) => `${k}=${v}`)
    .join('&'),
);
const zip = (...a) => a[0].map((_, i) => a.map((r) => r[i]));
console.log(zip([1, 2], ['a', 'b']));
const memoize =
  (f, c = {}) =>
  (n) =>
    (c[n] ??= f(n));
let calls = 0;
const sq = memoize((n) => (calls++, n * n));
sq(4);
sq(4);
console.log(sq(4), calls);

// ===== event queue simulation
const events = [
  { t: 5, n: 'e' },
  { t: 1, n: 'a' },
  { t: 3, n: 'c' },
];
events.sort((a, b) => a.t - b.t);
while (events.length) {
  const { t, n } = events.shift();
  console.log(`[t=${t}] ${n}`);
  if (n === 'a') {
    events.push({ t: 2, n: 'b' });
    events.sort((a, b) => a.t - b.t);
  }
}
class VM {
  constructor() {
    this.s = [];
  }
  run(p) {
    for (const [op, arg] of p)
      ({
        push: () => this.s.push(arg),
        add: () => this.s.push(this.s.pop() + this.s.pop()),
        mul: () => this.s.push(this.s.pop() * this.s.pop()),
        print: () => console.log(this.s.at(-1)),
      })[op]?.();
    return this.s;
  }
}
console.log(new VM().run([['push', 2], ['push', 3], ['add'], ['push', 4], ['mul'], ['print']]));
const inv = [
  { item: 'apple', price: 1.25, qty: 4 },
  { item: 'bread', price: 2.5, qty: 1 },
];
console.log(
  inv.map(({ item, price, qty }) => `${item.padEnd(10)}${(price * qty).toFixed(2).padStart(8)}`).join('\n'),
);
console.table(inv);

// ===== deep recursion
function depth(n) {
  return n === 0 ? 0 : 1 + depth(n - 1);
}
console.log(depth(9000));
let caught = 0;
(function forever() {
  try {
    forever();
  } catch (e) {
    if (!caught++) console.log(e instanceof RangeError, e.message);
  }
})();
const isEven = (n) => (n === 0 ? true : isOdd(n - 1)),
  isOdd = (n) => (n === 0 ? false : isEven(n - 1));
console.log(isEven(5000));
