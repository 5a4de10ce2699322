// ===== streams transform pipeline
const { Readable, Writable, Transform, pipeline } = require('stream');
const up = new Transform({ transform(chunk, enc, cb) { cb(null, chunk.toString().toUpperCase()); } });
const out = [];
const w = new Writable({ write(chunk, enc, cb) { out.push(chunk.toString()); cb(); } });
pipeline(Readable.from(['a', 'b', 'c']), up, w, (err) => { console.log('done', err, out); });

// ===== streams writable events and backpressure
const { Writable } = require('stream');
const w = new Writable({ highWaterMark: 3, write(chunk, enc, cb) { console.log('write', chunk, enc); setImmediate(cb); }, final(cb) { console.log('final'); cb(); } });
console.log(w.write('ab'), w.write('cd'), w.writableLength, w.writableNeedDrain);
w.on('drain', () => { console.log('drain'); w.end('x', () => console.log('end cb')); });
w.on('finish', () => console.log('finish', w.writableFinished, w.writableEnded));
w.on('close', () => console.log('close'));

// ===== streams classes by extends
const { Readable, Transform, Writable } = require('node:stream');
class Counter extends Readable {
  constructor(max) { super({ objectMode: true }); this.n = 0; this.max = max; }
  _read() { this.push(this.n < this.max ? this.n++ : null); }
}
class Doubler extends Transform {
  constructor() { super({ objectMode: true }); }
  _transform(x, e, cb) { this.push(x * 2); cb(); }
  _flush(cb) { this.push('end'); cb(); }
}
class Sink extends Writable {
  constructor() { super({ objectMode: true }); this.all = []; }
  _write(x, e, cb) { this.all.push(x); cb(); }
}
const s = new Sink();
new Counter(5).pipe(new Doubler()).pipe(s).on('finish', () => console.log(s.all));

// ===== streams promises and for await
const { Readable, PassThrough } = require('stream');
const { pipeline, finished } = require('stream/promises');
(async () => {
  const r = Readable.from([1, 2, 3]);
  let t = 0;
  for await (const x of r) t += x;
  console.log(t, r.destroyed, r.readableEnded);
  const p = new PassThrough();
  p.write('hello '); p.end('world');
  const chunks = [];
  for await (const c of p) chunks.push(c);
  console.log(Buffer.concat(chunks).toString());
  await pipeline(Readable.from(['x', 'y']), async function* (src) { for await (const c of src) yield c + '!'; }, async (src) => { for await (const c of src) console.log('got', c); });
  try {
    await pipeline(Readable.from((function* () { yield 'a'; throw new Error('boom'); })()), new PassThrough());
  } catch (e) { console.log('caught', e.message); }
  const q = Readable.from(['one']);
  q.resume();
  await finished(q);
  console.log('finished');
  console.log(await Readable.from([1, 2, 3, 4]).filter((x) => x % 2).map((x) => x * 10).toArray());
})();

// ===== streams readable push and read
const { Readable } = require('stream');
const r = new Readable({ read() {} });
r.push('abc'); r.push('def'); r.push(null);
r.setEncoding('utf8');
r.on('readable', () => { let c; while ((c = r.read(2)) !== null) console.log('chunk', c); });
r.on('end', () => console.log('end'));
r.on('close', () => console.log('close'));

// ===== streams error events
const { Readable, Writable, Transform } = require('stream');
const r = new Readable({ read() { this.destroy(new Error('bad read')); } });
r.on('error', (e) => console.log('error', e.message));
r.on('close', () => console.log('closed'));
r.on('data', () => {});
const w = new Writable({ write(c, e, cb) { cb(new Error('bad write')); } });
w.on('error', (e) => console.log('w error', e.message));
w.on('close', () => console.log('w closed', w.destroyed));
w.write('x', (e) => console.log('cb', e && e.message));
const t = new Transform({ transform(c, e, cb) { cb(new Error('bad transform')); } });
t.on('error', (e) => console.log('t error', e.message));
t.write('x');

// ===== stream write after end
const { Writable } = require('stream');
const w = new Writable({ write(c, e, cb) { cb(); } });
w.on('error', (e) => console.log(e.code, e.message));
w.end('a');
w.write('b');

// ===== stream duplex and instanceof
const { Stream, Readable, Writable, Duplex, Transform, PassThrough } = require('stream');
const EventEmitter = require('events');
const d = new Duplex({ read() { this.push('r'); this.push(null); }, write(c, e, cb) { console.log('w', String(c)); cb(); } });
console.log(d instanceof Readable, d instanceof Writable, d instanceof Stream, d instanceof EventEmitter, new Transform() instanceof Duplex, new PassThrough() instanceof Transform);
d.on('data', (c) => console.log('d', String(c))); d.on('end', () => console.log('end')); d.write('hi'); d.end();
console.log(process.stdout instanceof Writable, process.stdin instanceof Readable);
console.log(typeof require('stream') , require('stream') === Stream);

// ===== stream split lines transform over stdin
// stdin: "first line\nsecond line\nthird"
const { Transform } = require('stream');
class Lines extends Transform {
  constructor() { super({ readableObjectMode: true }); this.rest = ''; }
  _transform(chunk, enc, cb) { const parts = (this.rest + chunk).split('\n'); this.rest = parts.pop(); for (const p of parts) this.push(p); cb(); }
  _flush(cb) { if (this.rest) this.push(this.rest); cb(); }
}
process.stdin.pipe(new Lines()).on('data', (l) => console.log('[' + l + ']')).on('end', () => console.log('EOF'));

// ===== pipe stdin to stdout
// stdin: "hello\nworld\n"
process.stdin.pipe(process.stdout);

// ===== pipe stdin via uppercase
// stdin: "hello\nworld\n"
const { Transform } = require('stream');
process.stdin.pipe(new Transform({ transform(c, e, cb) { this.push(c.toString().toUpperCase()); cb(); } })).pipe(process.stdout);

// ===== events more
const EventEmitter = require('events');
class My extends EventEmitter { constructor() { super(); this.x = 1; } }
const e = new My();
console.log(e);
e.on('a', function () { console.log(this === e, arguments.length); });
e.once('b', (...args) => console.log(args));
e.emit('a', 1, 2); e.emit('b', 3); console.log(e.emit('b'));
console.log(e.listenerCount('a'), e.eventNames(), e.listeners('a'), e.rawListeners('a'));
e.prependListener('a', () => console.log('first'));
e.emit('a');
try { e.emit('error', new Error('oops')); } catch (err) { console.log(err.message); }
try { e.emit('error', 'str'); } catch (err) { console.log(err.message, err.code, err.context); }
try { e.on('x', 5); } catch (err) { console.log(err.message, err.code); }
e.on('error', (x) => console.log('handled', x)); e.emit('error', 7);
(async () => {
  setTimeout(() => e.emit('later', 1, 2), 5);
  console.log(await EventEmitter.once(e, 'later'));
  setTimeout(() => { e.emit('it', 1); e.emit('it', 2); }, 1);
  let n = 0;
  for await (const [v] of EventEmitter.on(e, 'it')) { console.log(v); if (++n === 2) break; }
  console.log(EventEmitter.defaultMaxListeners, e.getMaxListeners());
  const et = new EventTarget(); et.addEventListener('foo', (ev) => console.log(ev.type, ev instanceof Event)); et.dispatchEvent(new Event('foo'));
})();

// ===== events captureRejections and symbols
const { EventEmitter, errorMonitor, captureRejectionSymbol } = require('events');
const e = new EventEmitter();
e.on(errorMonitor, (err) => console.log('monitor', err.message));
e.on('error', (err) => console.log('err', err.message));
e.emit('error', new Error('q'));
const f = new EventEmitter({ captureRejections: true });
f.on('go', async () => { throw new Error('async'); });
f.on('error', (x) => console.log('captured', x.message));
f.emit('go');

// ===== readline interface object use
// stdin: "3\n1 2\n3 4\n5 6\n"
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout, terminal: false });
const lines = [];
rl.on('line', (l) => lines.push(l)).on('close', () => { const n = +lines[0]; for (let i = 1; i <= n; i++) { const [a, b] = lines[i].split(' ').map(Number); console.log(a + b); } process.exit(0); });

// ===== readline events once
// stdin: "a\nb\nc"
const readline = require('readline'); const { once } = require('events');
(async () => { const rl = readline.createInterface({ input: process.stdin, crlfDelay: Infinity }); rl.on('line', (l) => console.log('>', l)); await once(rl, 'close'); console.log('closed'); })();

// ===== readline async question chain
// stdin: "Bob\n42\n"
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });
const ask = (q) => new Promise((r) => rl.question(q, r));
(async () => { const n = await ask('Name? '); const a = await ask('Age? '); console.log(`Hello ${n}, ${a}`); rl.close(); })();

// ===== readline promises
// stdin: "5\nx\n"
const rp = require('node:readline/promises');
(async () => { const rl = rp.createInterface({ input: process.stdin, output: process.stdout }); const a = await rl.question('n: '); console.log(a * 2); const b = await rl.question('m: '); console.log(b); rl.close(); })();

// ===== readline question at EOF
// stdin: "only\n"
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });
rl.question('A ', (a) => { console.log('[' + a + ']'); rl.question('B ', (b) => console.log('never', b)); });
rl.on('close', () => console.log('closed'));

// ===== iterator over rl with manual next
// stdin: "2\nfoo\nbar\nrest\n"
const rl = require('readline').createInterface({ input: process.stdin });
const it = rl[Symbol.asyncIterator]();
(async () => { const n = +(await it.next()).value; for (let i = 0; i < n; i++) console.log((await it.next()).value.toUpperCase()); console.log(await it.next()); console.log(await it.next()); })();

// ===== stdin on data string concat
// stdin: "5 6\n7"
let s = ''; process.stdin.setEncoding('utf-8'); process.stdin.on('data', (c) => (s += c)); process.stdin.on('end', () => { console.log(s.split(/\s+/).map(Number).reduce((a, b) => a + b)); });
process.stdin.resume();

// ===== for await stdin chunks
// stdin: "über\nx\n"
(async () => { const b = []; for await (const c of process.stdin) b.push(c); const t = Buffer.concat(b).toString('utf8'); console.log(t.length, t.trim().split('\n')); })();

// ===== readable with read null loop
// stdin: "abc def"
process.stdin.on('readable', () => { const c = process.stdin.read(); if (c !== null) process.stdout.write(`got ${c}\n`); });
process.stdin.on('end', () => process.stdout.write('end\n'));
