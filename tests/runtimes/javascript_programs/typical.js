// ===== two sum
const twoSum = (nums, target) => {
  const seen = new Map();
  for (let i = 0; i < nums.length; i++) {
    const j = seen.get(target - nums[i]);
    if (j !== undefined) return [j, i];
    seen.set(nums[i], i);
  }
  return [];
};
console.log(twoSum([2, 7, 11, 15], 9));
console.log(twoSum([3, 3], 6));
console.log(twoSum([1], 5));

// ===== balanced brackets with tests
function isValid(s) {
  const stack = [];
  const pairs = { ')': '(', ']': '[', '}': '{' };
  for (const c of s) {
    if ('([{'.includes(c)) stack.push(c);
    else if (stack.pop() !== pairs[c]) return false;
  }
  return !stack.length;
}
const cases = [
  ['()', true],
  ['([)]', false],
  ['{[]}', true],
  ['(', false],
];
for (const [input, expected] of cases)
  console.log(
    `${isValid(input) === expected ? 'PASS' : 'FAIL'}: isValid(${JSON.stringify(input)}) -> ${isValid(input)}`,
  );

// ===== merge intervals
const merge = (iv) =>
  iv
    .sort((a, b) => a[0] - b[0])
    .reduce((r, [s, e]) => {
      const last = r.at(-1);
      if (last && s <= last[1]) last[1] = Math.max(last[1], e);
      else r.push([s, e]);
      return r;
    }, []);
console.log(
  merge([
    [1, 3],
    [2, 6],
    [8, 10],
    [15, 18],
  ]),
  merge([
    [1, 4],
    [4, 5],
  ]),
  JSON.stringify(merge([])),
);

// ===== temperature report
const temps = { Mon: 20.5, Tue: 22, Wed: 19.75 };
let sum = 0;
for (const day in temps) {
  console.log(`${day}: ${temps[day].toFixed(1)}°C (${((temps[day] * 9) / 5 + 32).toFixed(1)}°F)`);
  sum += temps[day];
}
console.log('Average:', (sum / Object.keys(temps).length).toFixed(2));
console.log(
  'Max:',
  Object.entries(temps).reduce((a, b) => (b[1] > a[1] ? b : a)),
);

// ===== shopping cart class
class Cart {
  constructor() {
    this.items = [];
  }
  add(name, price, qty = 1) {
    this.items.push({ name, price, qty });
    return this;
  }
  get total() {
    return this.items.reduce((t, { price, qty }) => t + price * qty, 0);
  }
  print() {
    this.items.forEach(({ name, price, qty }, i) =>
      console.log(`${i + 1}. ${name} x${qty} @ $${price.toFixed(2)}`),
    );
    console.log(`Total: $${this.total.toFixed(2)}`);
  }
}
const cart = new Cart().add('Pen', 1.5, 3).add('Book', 12.99);
cart.print();
console.log(cart);

// ===== inventory grouped
const items = [
  { type: 'fruit', name: 'apple', n: 3 },
  { type: 'veg', name: 'leek', n: 1 },
  { type: 'fruit', name: 'fig', n: 7 },
];
const grouped = items.reduce((acc, it) => {
  (acc[it.type] = acc[it.type] || []).push(it);
  return acc;
}, {});
console.log(grouped);
console.log(Object.keys(grouped).map((k) => `${k}: ${grouped[k].length}`));
console.log(new Map(Object.entries(grouped)));

// ===== binary search
const bs = (a, x) => {
  let [lo, hi] = [0, a.length - 1];
  while (lo <= hi) {
    const mid = Math.floor((lo + hi) / 2);
    if (a[mid] === x) return mid;
    a[mid] < x ? (lo = mid + 1) : (hi = mid - 1);
  }
  return -1;
};
console.log(
  [1, 4, 9].map((x) => bs([1, 3, 4, 7, 9], x)),
  bs([], 1),
);

// ===== matrix printing
const m = [
  [1, 20, 300],
  [4000, 5, 66],
];
console.log(m.map((r) => r.map((x) => String(x).padStart(5)).join(' ')).join('\n'));
console.log('-'.repeat(20));
for (let i = 1; i <= 5; i++) console.log(' '.repeat(5 - i) + '*'.repeat(2 * i - 1));
for (let i = 1; i <= 3; i++)
  console.log(Array.from({ length: 3 }, (_, j) => `${i}x${j + 1}=${i * (j + 1)}`).join('\t'));

// ===== event log with dates
const log = [
  ['2024-01-15T10:30:00Z', 'start'],
  ['2024-01-15T11:45:30Z', 'stop'],
];
for (const [t, e] of log) {
  const d = new Date(t);
  console.log(`[${d.toISOString().slice(0, 19).replace('T', ' ')}] ${e.toUpperCase()}`);
}
const ms = new Date(log[1][0]) - new Date(log[0][0]);
console.log(`${Math.floor(ms / 3600000)}h ${Math.floor((ms % 3600000) / 60000)}m ${(ms % 60000) / 1000}s`);
console.log(
  [new Date(log[0][0])],
  new Date(2024, 1, 29).getDay(),
  ['Sun', 'Mon'][new Date(Date.UTC(2024, 0, 15)).getUTCDay()],
);

// ===== validation with custom errors
class ValidationError extends Error {
  constructor(field, message) {
    super(message);
    this.name = 'ValidationError';
    this.field = field;
  }
}
const validate = (u) => {
  if (!u.name) throw new ValidationError('name', 'Name is required');
  if (!/^\S+@\S+\.\S+$/.test(u.email ?? '')) throw new ValidationError('email', `Invalid email: ${u.email}`);
  return true;
};
for (const u of [{ name: 'A', email: 'a@b.co' }, {}, { name: 'B', email: 'nope' }]) {
  try {
    console.log('valid:', validate(u));
  } catch (e) {
    if (e instanceof ValidationError) console.log(`${e.name} on ${e.field}: ${e.message}`);
    else throw e;
  }
}

// ===== rate limiter with the clock
let now = 0;
class Limiter {
  constructor(limit, per) {
    Object.assign(this, { limit, per, hits: [] });
  }
  ok() {
    this.hits = this.hits.filter((t) => t > now - this.per);
    if (this.hits.length >= this.limit) return false;
    this.hits.push(now);
    return true;
  }
}
const l = new Limiter(2, 10);
console.log(
  [0, 1, 2, 11, 12].map((t) => {
    now = t;
    return l.ok();
  }),
  l,
);

// ===== observer and state machine
const machine = {
  state: 'idle',
  transitions: {
    idle: { start: 'running' },
    running: { pause: 'paused', stop: 'idle' },
    paused: { resume: 'running' },
  },
  dispatch(a) {
    const next = this.transitions[this.state][a];
    console.log(next ? `${this.state} --${a}--> ${next}` : `invalid: ${a} in ${this.state}`);
    if (next) this.state = next;
  },
};
['start', 'pause', 'stop', 'resume', 'stop'].forEach((a) => machine.dispatch(a));
console.log(machine.state, machine);

// ===== async pipeline
const delay = (ms) => new Promise((r) => setTimeout(r, ms));
async function fetchUser(id) {
  await delay(10);
  if (id > 2) throw new Error(`User ${id} not found`);
  return { id, name: `User${id}` };
}
(async () => {
  console.log('Fetching...');
  const users = await Promise.all([1, 2].map(fetchUser));
  console.log(users);
  try {
    await fetchUser(3);
  } catch (e) {
    console.error(e);
    console.log('Error:', e.message);
  }
  for (const r of await Promise.allSettled([fetchUser(1), fetchUser(9)]))
    console.log(r.status, r.value ?? r.reason.message);
})().finally(() => console.log('done'));

// ===== word frequencies from input
// stdin: "the quick brown the\nlazy Quick dog the\n"
const input = require('fs').readFileSync(0, 'utf-8');
const freq = input
  .toLowerCase()
  .match(/\w+/g)
  .reduce((m, w) => m.set(w, (m.get(w) || 0) + 1), new Map());
const sorted = [...freq].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
console.log(sorted);
console.log(freq);
for (const [w, n] of sorted) console.log(`${w.padEnd(8, '.')}${n}`);

// ===== grid from input
// stdin: "3 4\n#..#\n.##.\n####\n"
const rl = require('readline').createInterface({ input: process.stdin });
const lines = [];
rl.on('line', (line) => lines.push(line)).on('close', () => {
  const [h, w] = lines[0].split(' ').map(Number);
  const grid = lines.slice(1).map((r) => [...r]);
  let walls = 0;
  grid.forEach((r) => r.forEach((c) => (walls += c === '#')));
  console.log(h, w, walls);
  console.log(grid);
});

// ===== number formats
console.log(
  (1234.5).toFixed(2),
  (0.1).toFixed(20),
  1e21 + 1,
  (123.456).toPrecision(4),
  Number('1_000'),
  parseFloat('1.5abc'),
  017 === 15,
  [1.0, 2.5, 3.14159],
  100000000000000000000,
  1e-7,
  0.000001,
  -1e-7,
  123e-20,
  2 ** 53,
  2 ** 53 + 1,
  0.1 + 0.2,
  1.1 * 3,
  4.35 * 100,
  (1.15).toFixed(1),
  (1e21).toLocaleString(),
  (25).toString(2),
  ~~-5.7,
  -5 % 3,
  Math.round(-1.5),
  Math.round(1.5),
  +(1.005).toFixed(2),
);

// ===== iterating objects and maps
const o = { b: 2, a: 1, 10: 'x', 9: 'y' };
for (const k in o) console.log(k, o[k]);
Object.entries(o).forEach(([k, v], i) => console.log(i, k, v));
const map = new Map(Object.entries(o));
map.forEach((v, k, m) => console.log(k, v, m.size));
console.log(
  [...map].length,
  Array.from(map.values()),
  Object.fromEntries([...map].filter(([k]) => isNaN(k))),
  new Set(Object.values(o)),
);

// ===== default parameters, optional chaining and nullish
const cfg = { db: { host: 'h', port: 0 } };
console.log(
  cfg?.db?.port ?? 5432,
  cfg.db.port || 5432,
  cfg.cache?.ttl ?? 'none',
  cfg.db.connect?.(),
  cfg['db']?.['host'],
);
function greet(name = 'World', { loud = false, mark = loud ? '!!!' : '!' } = {}) {
  return `Hello, ${loud ? name.toUpperCase() : name}${mark}`;
}
console.log(greet(), greet('Bob', { loud: true }), greet(undefined, { mark: '?' }), greet(null));

// ===== closures and IIFE modules
const counter = (() => {
  let n = 0;
  return {
    inc: (by = 1) => (n += by),
    reset() {
      n = 0;
    },
    get n() {
      return n;
    },
  };
})();
counter.inc();
counter.inc(5);
console.log(counter.n, counter);
counter.reset();
console.log(counter.n);
const adders = [1, 2, 3].map((x) => (y) => x + y);
console.log(
  adders.map((f) => f(10)),
  adders,
);

// ===== text banner and table
const rows = [
  ['Name', 'Qty', 'Price'],
  ['Apple', 3, 1.2],
  ['Watermelon', 1, 4],
];
const widths = rows[0].map((_, c) => Math.max(...rows.map((r) => String(r[c]).length)));
const line = '+' + widths.map((w) => '-'.repeat(w + 2)).join('+') + '+';
console.log(line);
for (const r of rows)
  console.log(
    '|' +
      r
        .map((v, c) => ` ${typeof v === 'number' ? String(v).padStart(widths[c]) : v.padEnd(widths[c])} `)
        .join('|') +
      '|',
  );
console.log(line);
console.log('='.repeat(10) + ' DONE ' + '='.repeat(10));

// ===== JSON round trip and pretty printing
const data = {
  id: 1,
  tags: ['a', 'b'],
  nested: { ok: true, none: null, list: [{ x: 1 }, { x: 2 }] },
  when: new Date(0),
};
console.log(JSON.stringify(data, null, 2));
console.log(JSON.parse(JSON.stringify(data)));
try {
  JSON.parse('{ "a": 1, }');
} catch (e) {
  console.log(`${e.name}: ${e.message}`);
}
try {
  JSON.parse('not json');
} catch (e) {
  console.log(e.message);
}
const cyc = { name: 'c' };
cyc.self = cyc;
try {
  JSON.stringify(cyc);
} catch (e) {
  console.log(e.message);
}

// ===== process.stdout progress
for (let i = 0; i <= 4; i++) process.stdout.write(`${i * 25}%${i < 4 ? ' ' : '\n'}`);
process.stdout.write(['a', 'b', 'c'].join('\n') + '\n');
console.log([1, 2, 3].join('\n'));
console.log('tab\tsep', 'a\\b', "it's", `multi\nline`);

// ===== calling undefined methods
try {
  const user = {};
  user.profile.name;
} catch (e) {
  console.log(e instanceof TypeError, e.message);
}
try {
  [].foo.bar();
} catch (e) {
  console.log(e.message);
}
try {
  const api = { get: 5 };
  api.get('x');
} catch (e) {
  console.log(e.message);
}
try {
  nope();
} catch (e) {
  console.log(e.name + ': ' + e.message);
}
try {
  const x = 1;
  x = 2;
} catch (e) {
  console.log(e.message);
}
try {
  'abc'.toFixed(2);
} catch (e) {
  console.log(e.message);
}
try {
  (void 0).x;
} catch (e) {
  console.log(e.message);
}
try {
  const f = () => {};
  new f();
} catch (e) {
  console.log(e.message);
}

// ===== recursion with memo and big numbers
const fact = (n) => (n <= 1n ? 1n : n * fact(n - 1n));
console.log(fact(25n), String(fact(30n)).length);
const ack = (m, n) => (m === 0 ? n + 1 : n === 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)));
console.log(ack(2, 3));
const sumDigits = (n) => (n < 10 ? n : (n % 10) + sumDigits(Math.floor(n / 10)));
console.log(sumDigits(987654321));
const flat = (a) => a.reduce((r, x) => (Array.isArray(x) ? [...r, ...flat(x)] : [...r, x]), []);
console.log(flat([1, [2, [3, [4, [5]]]]]));
const pow = (b, e) => (e === 0 ? 1 : e % 2 ? b * pow(b, e - 1) : pow(b * b, e / 2));
console.log(pow(2, 30), pow(3, 13));
