// ===== error printing with cause
const e = new Error('outer', { cause: new TypeError('inner') });
console.log(e.message, e.cause.message, e.cause instanceof TypeError, Object.keys(e));
console.log(String(e), e.toString(), `${e.cause}`);
console.log(Object.prototype.toString.call(e), JSON.stringify(e), JSON.stringify({ e }));
class ValidationError extends Error {
  constructor(field, message) {
    super(message);
    this.name = 'ValidationError';
    this.field = field;
  }
}
try {
  throw new ValidationError('age', 'must be positive');
} catch (err) {
  console.log(err.name, err.field, err.message, err instanceof ValidationError, err instanceof Error);
  console.log(`${err}`);
  console.log(err.stack.split('\n')[0]);
}
const agg = new AggregateError([new Error('a'), new RangeError('b')], 'many');
console.log(agg.errors.map(String), agg.message, agg.name);
Promise.any([Promise.reject(new Error('x')), Promise.reject(new Error('y'))]).catch((e) =>
  console.log(e.constructor.name, e.errors.length, e.message),
);

// ===== uncaught custom error
class HttpError extends Error {
  constructor(s, m) {
    super(m);
    this.name = 'HttpError';
    this.status = s;
  }
}
console.log('before');
function handler() {
  throw new HttpError(404, 'Not found');
}
handler();
console.log('never');

// ===== uncaught in promise
console.log('start');
setTimeout(() => console.log('timer should not run'), 10);
(async () => {
  await null;
  throw new Error('async failure');
})();

// ===== exit code via exitCode and exit handler
process.on('exit', (c) => {
  console.log('exit', c, process.exitCode);
});
process.exitCode = 3;
setTimeout(() => console.log('work'), 1);

// ===== uncaughtException handler
process.on('uncaughtException', (err, origin) => {
  console.log('caught', err.message, origin);
});
setTimeout(() => console.log('still alive'), 5);
throw new Error('boom');

// ===== unhandledRejection handler
process.on('unhandledRejection', (reason, p) => {
  console.log('unhandled', reason.message, p instanceof Promise);
});
Promise.reject(new Error('nope'));
setTimeout(() => console.log('later'), 5);

// ===== regex workout
const text = 'John: 555-1234, Jane: 555-9876; john@x.com';
console.log(
  text.match(/\d{3}-\d{4}/g),
  text.match(/(?<name>\w+): (?<num>[\d-]+)/).groups,
  text.match(/zzz/),
  text.search(/Jane/),
);
console.log(
  [...text.matchAll(/(\w+): ([\d-]+)/g)].map((m) => [m[1], m[2], m.index]),
  text.replace(/(\w+): (\S+)/g, '$2=$1'),
  text.replaceAll('5', '*'),
);
console.log(
  '2024-01-15'.replace(/(?<y>\d+)-(?<m>\d+)-(?<d>\d+)/, '$<d>/$<m>/$<y>'),
  'aBc'.replace(/[a-z]/gi, (c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())),
);
console.log(
  /^[\w.+-]+@[\w-]+\.[\w.]+$/.test('a.b+c@d.co'),
  /(\d+)\s\1/.exec('12 12'),
  /(?<=\$)\d+/.exec('cost $42')[0],
  /(?<!\$)\b\d+/.exec('$42 17')[0],
);
console.log(
  'a1b2c3'.split(/\d/),
  'a1b2c3'.split(/(\d)/),
  'abc'.split(''),
  ''.split(''),
  ''.split(','),
  'a,b,,c'.split(',', 3),
);
console.log(
  /\p{Lu}/u.test('É'),
  'ñandú'.match(/\p{L}+/u)[0],
  '😀x'.match(/./u)[0].length,
  /a.c/s.test('a\nc'),
  'A\nB'.match(/^B$/m).index,
);
const re = /o/g;
console.log(re.test('foo'), re.lastIndex, re.test('foo'), re.lastIndex, re.test('foo'), re.lastIndex);
console.log(
  /x/y.sticky,
  /x/dgimsuy.flags,
  new RegExp('a/b').source,
  String(new RegExp('')),
  RegExp('\\d+', 'g'),
  /[/]/.source,
);
console.log(
  'camelCaseString'.replace(/([A-Z])/g, ' $1').toLowerCase(),
  'snake_case_here'.replace(/_(\w)/g, (_, c) => c.toUpperCase()),
  '  trim me '.trim() + '|',
);
console.log(
  'x'.replace('x', '$&$&'),
  'x'.replace('x', '$$'),
  'abc'.replace('b', "[$`|$']"),
  'aaa'.replace('a', 'b'),
  'aaa'.lastIndexOf('a'),
);
for (const bad of [
  '(',
  '[',
  '*',
  'a{2,1}',
  '\\',
  '(?<n>a)(?<n>b)',
  '[b-a]',
  'a**',
  '(?<a',
  ')',
  '{1}',
  '\\k<x>(?<y>.)',
]) {
  try {
    new RegExp(bad);
    console.log('ok', bad);
  } catch (e) {
    console.log(e.name + ': ' + e.message);
  }
}
for (const bad of ['\\u{110000}', '\\p{Foo}', '{', '\\-', '(?:a']) {
  try {
    new RegExp(bad, 'u');
    console.log('ok', bad);
  } catch (e) {
    console.log(e.name + ': ' + e.message);
  }
}
try {
  new RegExp('a', 'gg');
} catch (e) {
  console.log(e.message);
}
try {
  'a'.replaceAll(/a/, 'b');
} catch (e) {
  console.log(e.message);
}
try {
  'a'.matchAll(/a/);
} catch (e) {
  console.log(e.message);
}
console.log(/(a)|(b)/.exec('b'), /a(?=b)/d.exec('ab').indices[0], 'x-1.5e3y'.match(/[+-]?\d+(\.\d+)?(e\d+)?/i));

// ===== json edge cases
console.log(
  JSON.stringify({
    a: undefined,
    b: () => {},
    c: Symbol('x'),
    d: NaN,
    e: -0,
    f: new Date(0),
    g: [undefined, () => {}],
    h: new Map([[1, 2]]),
    i: Infinity,
    j: null,
    k: Object(1),
    l: 'é\u2028',
  }),
);
console.log(
  JSON.stringify([1, { a: [2, {}], b: [] }], null, 2),
  JSON.stringify({ a: 1, b: [1, 2] }, null, '--'),
  JSON.stringify({ a: 1, b: 2, c: { a: 3, d: 4 } }, ['a', 'c']),
  JSON.stringify({ a: 5, b: 'x' }, (k, v) => (typeof v === 'number' ? v * 2 : v)),
);
console.log(
  JSON.parse('{"a":[1,2,{"b":null}],"c":"\\u0041\\n"}', (k, v) => (Array.isArray(v) ? v.length : v)),
  JSON.parse(' [1e3, -0, 1.5E-2] '),
  JSON.parse('{"__proto__":1}'),
  JSON.stringify(undefined),
  JSON.stringify(null),
  JSON.stringify('a"b\\c\n\t\u0007'),
  JSON.stringify({
    toJSON() {
      return 'custom';
    },
  }),
);
for (const s of [
  '',
  '{',
  '{a:1}',
  "{'a':1}",
  '[1,]',
  '{"a":1,}',
  'undefined',
  '01',
  '1 2',
  '"\n"',
  'tru',
  '{"a" 1}',
  '[1 2]',
  'NaN',
  '"abc',
  '{"a":}',
  '\u00a01',
  '-',
  '1.',
  '{"a":1}}',
  '[',
  'nul',
  '"\\x"',
  '<html>',
  '{"name": "x", "list": [1, 2, oops]}',
]) {
  try {
    console.log(JSON.parse(s));
  } catch (e) {
    console.log(e.name, e.message);
  }
}
const circ = { name: 'root', child: { items: [] } };
circ.child.items.push({ parent: circ });
try {
  JSON.stringify(circ);
} catch (e) {
  console.log(e.message);
}
console.log(
  JSON.stringify(Object.create({ x: 1 }, { y: { value: 2, enumerable: true } })),
  JSON.stringify([new Set([1]), new Error('e'), /x/, new Uint8Array([1, 2])]),
  JSON.stringify({ date: new Date(NaN) }),
  JSON.stringify('😀'),
  JSON.stringify([NaN, null, , 1]),
);

// ===== common type errors
const und = undefined,
  nul = null,
  obj = { a: {}, s: 'str', arr: [1] };
const fs_ = [
  () => und.x,
  () => nul.x,
  () => und.x.y,
  () => obj.b.c,
  () => obj.b.c(),
  () => obj.f(),
  () => obj.a.f(),
  () => obj.s.foo(),
  () => und(),
  () => obj(),
  () => obj.arr.mapp((x) => x),
  () => und[0],
  () => obj.b[0],
  () => {
    und.x = 1;
  },
  () => {
    nul['k'] = 1;
  },
  () => {
    const z = 1;
    z = 2;
  },
  () => undefinedVar,
  () => new und(),
  () => new obj.a(),
  () => new (() => {})(),
  () => [...und],
  () => {
    const [a] = null;
  },
  () => {
    const { a } = null;
  },
  () => {
    const { a } = undefined;
  },
  () => {
    for (const x of obj);
  },
  () => Symbol() + '',
  () => 'x' in 'str',
  () => null[Symbol.iterator],
  () => Object.defineProperty(1, 'x', {}),
  () => new Array(-1),
  () => 'x'.repeat(-1),
  () => (1).toFixed(101),
  () => (1).toString(1),
  () => String.fromCodePoint(-1),
  () => decodeURIComponent('%'),
  () => [].reduce((a, b) => a),
  () => JSON.parse('{bad'),
  () => structuredClone(Symbol('s')),
  () => {
    'use strict';
    Object.freeze([1]).push(2);
  },
  () => {
    'use strict';
    Object.freeze({ a: 1 }).a = 2;
  },
  () => {
    'use strict';
    undefined_var = 1;
  },
  () => {
    'use strict';
    delete Object.freeze({ a: 1 }).a;
  },
  () => {
    'use strict';
    Object.seal({}).n = 1;
  },
  () => {
    let q = q + 1;
  },
  () => {
    class A {
      #p;
      static t(o) {
        return o.#p;
      }
    }
    A.t({});
  },
  () => {
    ({
      get x() {
        return 1;
      },
    }).x = 2;
  },
  () => {
    'use strict';
    ({
      get x() {
        return 1;
      },
    }).x = 2;
  },
  () => Object.setPrototypeOf(Object.preventExtensions({}), {}),
  () => new Proxy({}, null),
  () => Promise(),
  () => new Promise(),
  () => [].at.call(null),
  () => null.foo`x`,
  () => (void 0)?.x.y.z,
  () => obj?.b.c,
  () => obj.a.b.c.d,
  () => fnn(),
  () => {
    obj.arr.forEach(5);
  },
  () => [3, 1].sort(5),
  () => new Date('x').toISOString(),
  () => BigInt('1.5'),
  () => parseInt(Symbol()),
  () => super_,
  () => Object.fromEntries([1]),
  () => Object.fromEntries(5),
  () => Array.from({ length: -1 }),
  () => 'abc'.localeCompare(),
  () => Number.parseFloat(),
  () => (123.456).toPrecision(0),
  () => async.x,
  () => obj['a'].b.c(),
  () => obj.arr[5].x,
  () => obj.arr[0](),
  () => this.x.y,
  () => globalThis.foo.bar,
  () => Math.foo(),
  () => console.foo(),
  () => 'str'.x.y,
  () => ({}).x.y(),
];
for (const f of fs_) {
  try {
    const v = f();
    console.log('ok', v);
  } catch (e) {
    console.log(`${e.name}: ${e.message}`);
  }
}

// ===== bank account errors
class InsufficientFundsError extends Error {
  constructor(balance, amount) {
    super(`Insufficient funds: balance ${balance}, requested ${amount}`);
    this.name = this.constructor.name;
    this.balance = balance;
    Error.captureStackTrace?.(this, InsufficientFundsError);
  }
}
class Account {
  #balance = 0;
  static #next = 1;
  constructor(owner) {
    this.owner = owner;
    this.id = Account.#next++;
  }
  deposit(a) {
    if (a <= 0) throw new RangeError('Deposit must be positive');
    this.#balance += a;
    return this;
  }
  withdraw(a) {
    if (a > this.#balance) throw new InsufficientFundsError(this.#balance, a);
    this.#balance -= a;
    return this;
  }
  get balance() {
    return this.#balance;
  }
  toJSON() {
    return { id: this.id, owner: this.owner, balance: this.#balance };
  }
}
const acc = new Account('Zed').deposit(100).withdraw(30);
console.log(acc, acc.balance, JSON.stringify(acc));
for (const f of [
  () => acc.withdraw(500),
  () => acc.deposit(-1),
  () => {
    acc.balance = 5;
    return acc.balance;
  },
  () => acc.nope(),
  () => Account.prototype.deposit.call({}, 5),
]) {
  try {
    console.log('ok', f());
  } catch (e) {
    console.log(`${e.name}: ${e.message}`, e instanceof InsufficientFundsError, Object.keys(e));
  } finally {
    console.log('--');
  }
}

// ===== assertion messages
const assert = require('assert');
const t = (f) => {
  try {
    f();
    console.log('pass');
  } catch (e) {
    console.log(e.name, e.code, e.message);
  }
};
t(() => assert(true));
t(() => assert.ok(0, 'zero'));
t(() => assert.strictEqual(1, 2));
t(() => assert.strictEqual('a\nb', 'a\nc'));
t(() => assert.deepStrictEqual([1, 2, { a: 1 }], [1, 2, { a: 2 }]));
t(() => assert.deepEqual({ a: 1 }, { a: '1' }));
t(() => assert.notStrictEqual(1, 1));
t(() =>
  assert.throws(() => {
    throw new TypeError('bad');
  }, TypeError),
);
t(() =>
  assert.throws(() => {
    throw new TypeError('bad');
  }, /good/),
);
t(() => assert.throws(() => {}));
t(() => assert.rejects);
t(() => assert.equal(NaN, NaN));
t(() => assert.match('abc', /x/));
t(() => assert.fail('failed'));
t(() => assert.deepStrictEqual(new Map([[1, 2]]), new Map([[1, 3]])));
t(() => assert.strictEqual(NaN, NaN));
t(() => assert.ifError(null));
t(() =>
  assert.doesNotThrow(() => {
    throw new Error('x');
  }),
);
t(() => assert.deepStrictEqual(new Set([1]), new Set([1])));
t(() => assert.strictEqual({ a: 1 }, { a: 1 }));
t(() => assert.notDeepStrictEqual({ a: 1 }, { a: 1 }));

// ===== uncaught error objects printing
console.log('a');
process.on('exit', (c) => console.log('code', c));
const err = new Error('top', { cause: new Error('root') });
err.code = 'E_X';
err.details = { a: [1, 2] };
throw err;

// ===== error inspection
const show = (e) =>
  console.log(
    require('util')
      .inspect(e)
      .split('\n')
      .filter((l) => !/^\s+at /.test(l))
      .join('\n'),
  );
show(new Error('plain'));
show(Object.assign(new Error('props'), { code: 'E', n: { a: 1 } }));
show(new Error('cs', { cause: 'text' }));
show(new AggregateError([new Error('1'), new RangeError('2')], 'agg'));
class MyErr extends Error {}
show(new MyErr('sub'));
class Named extends Error {
  constructor(m) {
    super(m);
    this.name = 'Renamed';
    this.extra = 1;
  }
}
show(new Named('nm'));
show([new Error('in array')]);
show({ e: new Error('in obj') });
const noStack = new Error('ns');
noStack.stack = undefined;
show(noStack);
const custom = new Error('cst');
custom.stack = 'custom stack';
show(custom);
const nm = new Error('x');
nm.name = 'Changed';
show(nm);
const ms = new Error('orig');
ms.message = 'changed';
show(ms);
console.log(
  `${new MyErr('str')}`,
  String(new Named('q')),
  new MyErr('z').toString(),
  Object.prototype.toString.call(new MyErr()),
  new Error('a') + '',
  [new Error('e1')] + '',
  new Error(undefined).message === '',
  new Error({}).message,
  'message' in new Error(),
  Object.keys(new Error('x')),
  JSON.stringify(new Error('x')),
  new DOMException('d', 'AbortError').name,
  new DOMException('d', 'AbortError').code,
);
