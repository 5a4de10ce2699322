// ===== math to the last digit
let state = 12345;
const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
const many = (make) => Array.from({ length: 200 }, make).join(' ');
for (const name of ['exp', 'log', 'log10', 'log2', 'tanh', 'sqrt', 'cbrt', 'atan', 'tan'])
  console.log(name, many(() => Math[name](random() * 20 - (name.startsWith('log') ? 0 : 10))));
console.log(many(() => (random() * 10) ** (random() * 20 - 10)));
console.log(many(() => Math.pow(1 + random(), Math.floor(random() * 60) - 30)));
console.log(many(() => (-random() * 5) ** Math.floor(random() * 20 - 10)));
console.log(many(() => (random() * 1e9) ** (random() * 2e-3)), many(() => random() ** (random() * 400 - 200)));
console.log(many(() => Math.hypot(random(), random())), many(() => Math.hypot(random() * 9, -random(), random() * 1e5)));
console.log(Array.from({ length: 60 }, (_, i) => 10 ** (i - 30)), Array.from({ length: 60 }, (_, i) => 1.05 ** i));

// ===== special cases of math
const odd = [0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, 1e308, -1e308, 5e-324, Infinity, -Infinity, NaN, 1e-300, 2 ** 31, -1e10];
for (const x of odd) console.log(x, ...odd.map((y) => x ** y));
for (const name of ['exp', 'log', 'log10', 'tanh', 'hypot']) console.log(name, ...odd.map((x) => Math[name](x)));
console.log(Math.hypot(), Math.hypot(NaN, Infinity), Math.hypot(NaN, 1), Math.hypot(3, 4), Math.hypot(0, -0), Math.hypot(1e200, 1e200));
console.log(Math.hypot({ valueOf: () => 3 }, '4'), Math.exp(1) === Math.E, Math.log10(1000), Math.log(Math.E), 10 ** -5);

// ===== compound interest and statistics
for (let year = 1; year <= 12; year++) console.log(year, 1000 * 1.07 ** year, Math.exp(year / 3), Math.log(year + 0.5));
const mean = (list) => list.reduce((a, b) => a + b) / list.length;
const deviation = (list) => Math.sqrt(mean(list.map((x) => (x - mean(list)) ** 2)));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
console.log(deviation([1.1, 2.2, 3.3]), [1.1, 2.2, 3.3].map((x) => x ** 1.5), [-2, -1, 0, 1, 2].map(sigmoid));
console.log([0.1, 0.5, 1, 2, 3].map(Math.tanh), [1, 2, 3].map((x) => Math.log10(x * 7)));
