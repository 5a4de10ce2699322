// ===== readFileSync of 0
// stdin: "3\n1 2 3\n"
const lines = require('fs').readFileSync(0, 'utf8').split('\n');
const n = Number(lines[0]);
console.log(
  n,
  lines[1]
    .split(' ')
    .map(Number)
    .reduce((a, b) => a + b, 0),
  lines.length,
);

// ===== readFileSync of /dev/stdin
// stdin: "5 7\n"
const [a, b] = require('fs').readFileSync('/dev/stdin').toString().trim().split(' ').map(Number);
console.log(a * b);

// ===== readFileSync with options
// stdin: "héllo wörld 日本\n"
const text = require('node:fs').readFileSync(0, { encoding: 'utf-8' });
console.log(text.length, text.trim(), Buffer.byteLength(text));

// ===== empty stdin
console.log(JSON.stringify(require('fs').readFileSync(0, 'utf8')));
process.stdin.on('data', () => console.log('never')).on('end', () => console.log('end'));

// ===== data and end events
// stdin: "a\nb\nc\n"
let data = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (c) => (data += c));
process.stdin.on('end', () => {
  console.log(data.split('\n').length, data.trim().split('\n').reverse().join());
});
console.log('waiting');

// ===== data events as buffers
// stdin: "xyz"
const chunks = [];
process.stdin
  .on('data', (c) => chunks.push(c))
  .on('end', () => {
    const all = Buffer.concat(chunks);
    console.log(all, all.length, all.toString());
  })
  .on('close', () => console.log('closed'));

// ===== resume and pipe-like loops
// stdin: "1\n2\n"
process.stdin.resume();
process.stdin.setEncoding('ascii');
var input = '';
process.stdin.on('data', function (chunk) {
  input += chunk;
});
process.stdin.on('end', function () {
  main();
});
function main() {
  console.log(
    input
      .split('\n')
      .filter(Boolean)
      .map(Number)
      .reduce((a, b) => a + b),
  );
}

// ===== readable event
// stdin: "one\ntwo"
process.stdin.setEncoding('utf8');
let s = '';
process.stdin.on('readable', () => {
  let c;
  while ((c = process.stdin.read()) !== null) s += c;
});
process.stdin.on('end', () => console.log(s.toUpperCase()));

// ===== async iteration over stdin
// stdin: "l1\nl2\n"
(async () => {
  let all = '';
  for await (const chunk of process.stdin) all += chunk;
  console.log(all.split('\n'));
})();

// ===== readline line and close events
// stdin: "first\nsecond\r\nthird"
const rl = require('readline').createInterface({
  input: process.stdin,
  output: process.stdout,
  terminal: false,
});
const seen = [];
rl.on('line', (l) => seen.push(l));
rl.on('close', () => {
  console.log(seen, seen.length);
});
console.log('created');

// ===== readline async iterator
// stdin: "10\n20\n\n30\n"
const readline = require('readline');
(async () => {
  const rl = readline.createInterface({ input: process.stdin });
  let i = 0;
  for await (const line of rl) console.log(i++, JSON.stringify(line));
  console.log('done');
})();

// ===== readline question
// stdin: "Ann\n42\n"
const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });
rl.question('Name? ', (name) => {
  rl.question('Age? ', (age) => {
    console.log(`${name} is ${age}`);
    rl.close();
  });
});
rl.on('close', () => console.log('closed'));

// ===== readline promises question
// stdin: "blue\n"
const rlp = require('readline/promises').createInterface({ input: process.stdin, output: process.stdout });
(async () => {
  const a = await rlp.question('Color? ');
  console.log('got ' + a);
  rlp.close();
})();

// ===== readline prompt
// stdin: "x\ny\n"
const rl = require('readline').createInterface({
  input: process.stdin,
  output: process.stdout,
  prompt: '$ ',
});
rl.prompt();
rl.on('line', (l) => {
  console.log('cmd', l);
  rl.prompt();
}).on('close', () => {
  console.log('bye');
  process.exit(0);
});

// ===== readline once and removeListener
// stdin: "2\n3 4\n5 6\n"
const rl = require('readline').createInterface({ input: process.stdin });
let count = 0;
rl.once('line', (n) => {
  count = +n;
  rl.on('line', (l) => {
    console.log(l.split(' ').reduce((a, b) => +a + +b));
    if (--count === 0) rl.close();
  });
});

// ===== readSync in a loop
// stdin: "hello world, this is a longer line\n"
const fs = require('fs');
const buf = Buffer.alloc(8);
let out = '',
  k;
while ((k = fs.readSync(0, buf, 0, 8, null)) > 0) out += buf.toString('utf8', 0, k);
console.log(out.trim(), out.length);

// ===== read lines lazily by a generator
// stdin: "4\n1 2\n3 4\n5 6\n7 8\n"
const it = require('fs').readFileSync(0, 'utf8').split('\n')[Symbol.iterator]();
const next = () => it.next().value;
let t = +next();
while (t--) {
  const [a, b] = next().split(' ').map(Number);
  console.log(a + b);
}

// ===== large input
// stdin: "0123456789abcdefghijklmnopqrstuvwxyz\n0123456789abcdefghijklmnopqrstuvwxyz\n"
let total = 0;
process.stdin
  .on('data', (d) => {
    total += d.length;
  })
  .on('end', () => console.log(total));

// ===== fs.readFile with a callback and promises
// stdin: "async text"
const fs = require('fs');
fs.readFile(0, 'utf8', (err, text) => {
  console.log(err, text);
  fs.promises.readFile('/nope/x').catch((e) => {
    console.log(e.code, e.message);
    fs.readFile('/missing.txt', (e) => console.log(e.code, e.syscall, e.path, e.errno));
  });
});

// ===== stdin after readline closes early
// stdin: "a\nb\nc\n"
const rl = require('readline').createInterface({ input: process.stdin });
rl.on('line', (l) => {
  console.log(l);
  rl.close();
});
rl.on('close', () => console.log('close'));

// ===== writing to stdout in every way
process.stdout.write('no newline');
process.stdout.write('\n');
console.log(process.stdout.write('x\n'));
require('fs').writeSync(1, 'sync\n');
require('fs').writeFileSync('/dev/stdout', 'file\n');
process.stdout.write(Buffer.from('buf\n'));
process.stdout.write('cb\n', () => console.log('written'));
process.stdout.write(new Uint8Array([65, 10]));
console.log(process.stdout.isTTY, process.stdin.isTTY, process.stdout.columns);
try {
  process.stdout.write(5);
} catch (e) {
  console.log(e.code);
}
