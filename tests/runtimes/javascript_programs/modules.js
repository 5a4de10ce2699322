// ===== path
const path = require('path');
console.log(
  path.join('/a', 'b', '../c', './d.txt'),
  path.resolve('/x', 'y', '..', 'z'),
  path.basename('/a/b.html'),
  path.basename('/a/b.html', '.html'),
  path.dirname('/a/b/c'),
  path.extname('x.tar.gz'),
  path.extname('.bashrc'),
  path.parse('/home/u/file.txt'),
  path.format({ dir: '/d', base: 'f.x' }),
  path.relative('/a/b/c', '/a/d'),
  path.normalize('/a//b/./../c/'),
  path.isAbsolute('a'),
  path.sep,
  path.join(''),
  path.dirname('a'),
  path.posix === path,
);

// ===== util.format and inspect of many
const util = require('node:util');
console.log(
  util.format('%s:%d', 'a', 5, 'x'),
  util.format({ a: 1 }, 'b'),
  util.inspect('a'),
  util.isDeepStrictEqual({ a: [1, 2] }, { a: [1, 2] }),
  util.isDeepStrictEqual([1], ['1']),
  util.types.isRegExp(/x/),
  util.types.isPromise(Promise.resolve()),
  util.types.isGeneratorFunction(function* () {}),
  util.types.isAsyncFunction(async () => {}),
  util.types.isProxy(new Proxy({}, {})),
  util.types.isTypedArray(new Uint8Array()),
  util.isArray([]),
  util.inspect(new Map([['a', { b: 1 }]]), { compact: false }),
  util.stripVTControlCharacters('\u001b[31mred\u001b[0m'),
);
function Old() {}
function Base() {}
Base.prototype.hi = () => 'hi';
util.inherits(Old, Base);
console.log(new Old().hi(), Old.super_ === Base);

// ===== assert passes
const assert = require('assert');
assert(true);
assert.ok(1);
assert.equal(1, '1');
assert.strictEqual('a', 'a');
assert.deepEqual({ a: 1 }, { a: '1' });
assert.deepStrictEqual([1, { b: new Map([[1, new Set([2])]]) }], [1, { b: new Map([[1, new Set([2])]]) }]);
assert.notStrictEqual(1, 2);
assert.notDeepStrictEqual({ a: 1 }, { a: 2 });
assert.throws(() => {
  throw new TypeError('bad value');
}, TypeError);
assert.throws(() => {
  throw new Error('msg here');
}, /msg/);
assert.throws(
  () => {
    throw new RangeError('r');
  },
  { name: 'RangeError', message: 'r' },
);
assert.doesNotThrow(() => {});
assert.match('abc', /b/);
assert.rejects(Promise.reject(new Error('x')), /x/).then(() => console.log('rejects ok'));
console.log('all passed');

// ===== assert failures
const assert = require('assert');
const tries = [
  () => assert(false, 'my message'),
  () => assert.strictEqual(1, 2),
  () => assert.strictEqual(1, 2, 'custom'),
  () => assert.equal(1, 2),
  () => assert.deepStrictEqual([1, 2, 3], [1, 2, 4]),
  () => assert.deepStrictEqual({ a: 1 }, { a: 2 }),
  () => assert.throws(() => {}),
  () => assert.throws(() => {}, TypeError),
  () => assert.notStrictEqual(1, 1),
  () => assert.fail('boom'),
  () => assert.fail(),
  () => assert.ifError(new Error('e')),
  () => assert.notEqual(1, 1),
  () => assert.strictEqual('hello world', 'hello there'),
  () => assert.deepEqual([1], [2]),
  () => assert.match('abc', /x/),
  () => assert.strictEqual(NaN, 0),
  () =>
    assert.doesNotThrow(() => {
      throw new Error('thrown');
    }),
  () => assert.strictEqual(true, false),
  () => assert.strictEqual(undefined, null),
  () => assert.strictEqual(1, '1'),
  () => assert.deepStrictEqual(new Set([1]), new Set([2])),
  () => assert.rejects,
];
for (const t of tries) {
  try {
    t();
    console.log('passed');
  } catch (e) {
    console.log(e.name, e.code, e.generatedMessage, '|', e.message.split('\n').join('~'));
  }
}

// ===== assert.ok shows that it failed
const assert = require('assert');
try {
  assert.ok(0, undefined);
} catch (e) {
  console.log(e instanceof assert.AssertionError, e.actual, e.expected, e.operator);
}
try {
  assert.deepStrictEqual({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] });
} catch (e) {
  console.log(e.actual, e.expected, e.operator);
}

// ===== buffer
const b = Buffer.from('héllo');
console.log(
  b,
  b.length,
  b.toString(),
  b.toString('hex'),
  b.toString('base64'),
  b[0],
  b.slice(1, 3),
  Buffer.concat([b, Buffer.from('!')]).toString(),
  Buffer.from('68656c6c6f', 'hex').toString(),
  Buffer.from('aGk=', 'base64').toString(),
  Buffer.alloc(4, 'ab'),
  b.equals(Buffer.from('héllo')),
  Buffer.compare(Buffer.from('a'), Buffer.from('b')),
  b.indexOf('l'),
  b.includes('lo'),
  JSON.stringify(Buffer.from([1, 2])),
  Buffer.isBuffer(b),
  Buffer.byteLength('é'),
  b.readUInt8(0),
  Buffer.from([0, 1, 0, 2]).readUInt16BE(2),
  [...Buffer.from('ab').entries()],
  b instanceof Uint8Array,
  Buffer.from([1, 2, 3]).map((x) => x * 2),
  b.subarray(0, 2).toString('latin1'),
  Buffer.from('abc').reverse().toString(),
  Buffer.from('ÿ', 'latin1'),
  Buffer.from('test').toString('utf8', 1, 3),
);
const w = Buffer.alloc(8);
w.writeInt32LE(-5, 0);
w.writeUInt16BE(513, 4);
w.write('hi', 6);
console.log(w, w.readInt32LE(0));
try {
  w.readInt32LE(6);
} catch (e) {
  console.log(e.code, e.name);
}

// ===== os, process, perf_hooks
const os = require('os');
console.log(
  JSON.stringify(os.EOL),
  typeof os.cpus().length,
  process.platform,
  process.argv.length,
  typeof process.version,
  process.version.split('.')[0],
  typeof process.memoryUsage().heapUsed,
  Array.isArray(process.hrtime()),
  typeof process.hrtime.bigint(),
  process.uptime() >= 0,
  typeof process.pid,
  process.exitCode,
  typeof process.cwd(),
  typeof performance.now(),
  require('perf_hooks').performance === performance,
  process.env.NOT_SET,
  'HOME_X' in process.env,
  typeof require('process').exit,
  process.nextTick.name,
);

// ===== crypto hashes
const crypto = require('crypto');
for (const h of ['md5', 'sha1', 'sha256'])
  console.log(
    crypto.createHash(h).update('hello').digest('hex'),
    crypto.createHash(h).update('').digest('base64'),
    crypto.createHash(h).update('a'.repeat(1000)).update('é').digest('hex'),
  );
console.log(
  crypto.createHmac('sha256', 'key').update('data').digest('hex'),
  crypto.randomUUID().length,
  crypto.randomBytes(4).length,
  crypto.randomInt(5) < 5,
  typeof crypto.getRandomValues,
  /^[0-9a-f-]{36}$/.test(crypto.randomUUID()),
);

// ===== string_decoder, querystring, url
const { StringDecoder } = require('string_decoder');
const d = new StringDecoder('utf8');
console.log(d.write(Buffer.from([0xe2, 0x82])), d.write(Buffer.from([0xac])), d.end());
const qs = require('querystring');
console.log(qs.parse('a=1&b=2&a=3'), qs.stringify({ x: [1, 2], y: 'z w' }));
const url = require('url');
console.log(url.parse('http://a.com:80/p?q=1#h').pathname, new url.URL('http://a.com/x').host);

// ===== require errors and unknown modules
for (const name of ['./local', 'lodash', '../up', 'nope/deep']) {
  try {
    require(name);
  } catch (e) {
    console.log(e.code, e.message.split('\n')[0].slice(0, 20));
  }
}
console.log(
  typeof require.resolve,
  typeof require.cache,
  require('node:fs') === require('fs'),
  module.exports === exports,
  module.id,
  __filename.endsWith('.js'),
);
try {
  require(5);
} catch (e) {
  console.log(e.code, e.name);
}

// ===== fs of things that do not exist
const fs = require('fs');
console.log(fs.existsSync('/no/such'), fs.existsSync('x.txt'));
for (const f of [
  () => fs.readFileSync('/no/such.txt', 'utf8'),
  () => fs.readdirSync('/no/dir'),
  () => fs.statSync('/no/stat'),
  () => fs.unlinkSync('/no/un'),
]) {
  try {
    f();
  } catch (e) {
    console.log(e.code, e.message, e.syscall, e.errno);
  }
}
try {
  fs.readFileSync(undefined);
} catch (e) {
  console.log(e.code, e.message);
}

// ===== module.exports and require.main
module.exports = { add: (a, b) => a + b };
if (require.main === module)
  console.log('main', module.exports.add(1, 2), typeof module.exports, exports !== module.exports);

// ===== streams
const { Readable, Transform, Writable, pipeline } = require('stream');
const up = new Transform({
  transform(c, e, cb) {
    cb(null, c.toString().toUpperCase());
  },
});
const out = new Writable({
  write(c, e, cb) {
    console.log('chunk', c.toString());
    cb();
  },
});
Readable.from(['a', 'b']).pipe(up).pipe(out);
(async () => {
  const got = [];
  for await (const c of Readable.from([1, 2, 3])) got.push(c);
  console.log(got);
})();

// ===== util.inspect on classes with errors
const err = new Error('shown');
err.stack = undefined;
console.log({ err });
const wrapped = new Error('outer', { cause: err });
wrapped.stack = 'Error: outer\n    at somewhere (file.js:1:1)';
console.log(wrapped);
class HttpError extends Error {
  constructor(s, m) {
    super(m);
    this.status = s;
    this.name = 'HttpError';
    this.stack = `HttpError: ${m}\n    at x (y.js:1:1)`;
  }
}
console.log(new HttpError(404, 'nf'));
console.log([new HttpError(500, 'x')]);

// ===== console on streams and errors as strings
const { Console } = require('console');
const c = new Console(process.stdout, process.stderr);
c.log('via console', { a: 1 });
console.log(`${new Error('text')}`, String(new TypeError('tt')), new Error('a') + '', [
  new Error('m').message,
]);
console.log(
  Object.prototype.toString.call(new Error('')),
  new Error('x') instanceof Error,
  Error('no new').message,
);
