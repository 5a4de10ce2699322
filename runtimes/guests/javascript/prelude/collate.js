// String.prototype.localeCompare and Intl.Collator, for text in Latin letters as in the root collation.

const ORDER = '_-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz';
const RANKS = new Uint16Array(128);
[...ORDER].forEach((character, index) => {
  RANKS[character.charCodeAt(0)] = index + 10;
});
[...'\t\n\v\f\r '].forEach((character, index) => {
  RANKS[character.charCodeAt(0)] = index + 1;
});
for (let code = 65; code <= 90; code++) RANKS[code] = RANKS[code + 32];

const ASCII = /^[\x20-\x7e]*$/;
const MARKS = /\p{M}+/gu;
const LIGATURES = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ł: 'l', þ: 'th' };

const rank = (code) => (code < 128 ? RANKS[code] : code);

// Letters first, as if there were no case and no accents; a shorter text before its continuations.
function byLetters(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const difference = rank(a.charCodeAt(index)) - rank(b.charCodeAt(index));
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

// Then lower case before upper case.
function byCase(a, b) {
  for (let index = 0; index < a.length; index++) {
    const first = a.charCodeAt(index);
    const second = b.charCodeAt(index);
    if (first !== second) return first > second ? -1 : 1;
  }
  return 0;
}

const plain = (text) =>
  text
    .normalize('NFD')
    .replace(MARKS, '')
    .replace(/[ßæœøđłþ]/gi, (letter) => LIGATURES[letter.toLowerCase()] ?? letter);

function compareRunsOfDigits(a, b, compare) {
  const first = a.match(/\d+|\D+/g) ?? [];
  const second = b.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.min(first.length, second.length); index++) {
    const bothNumbers = /^\d/.test(first[index]) && /^\d/.test(second[index]);
    const order = bothNumbers
      ? Math.sign(Number(first[index]) - Number(second[index]))
      : compare(first[index], second[index]);
    if (order !== 0) return order;
  }
  return Math.sign(first.length - second.length);
}

export function compare(a, b, options) {
  if (a === b) return 0;
  if (options !== undefined) return compareWith(a, b, options);
  if (ASCII.test(a) && ASCII.test(b)) return byLetters(a, b) || byCase(a, b);
  return byAccents(a, b, 'variant');
}

function byAccents(a, b, sensitivity) {
  const first = plain(a);
  const second = plain(b);
  const letters = byLetters(first.toLowerCase(), second.toLowerCase());
  if (letters !== 0 || sensitivity === 'base') return letters;
  if (sensitivity !== 'case') {
    const accented = compareMarks(a.normalize('NFD'), b.normalize('NFD'));
    if (accented !== 0 || sensitivity === 'accent') return accented;
  }
  return first.length === second.length ? byCase(first, second) : Math.sign(first.length - second.length);
}

function compareMarks(a, b) {
  const marks = (text) =>
    [...text.toLowerCase()].map((character) => (/\p{M}/u.test(character) ? character.codePointAt(0) : 0));
  const first = marks(a);
  const second = marks(b);
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    const difference = (first[index] ?? 0) - (second[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

function compareWith(
  a,
  b,
  { numeric = false, sensitivity = 'variant', caseFirst = 'false', ignorePunctuation = false },
) {
  if (ignorePunctuation)
    return compareWith(a.replace(/[\p{P}\s]/gu, ''), b.replace(/[\p{P}\s]/gu, ''), { numeric, sensitivity, caseFirst });
  const base = (x, y) => byAccents(x, y, sensitivity === 'base' ? 'base' : sensitivity);
  const order = numeric
    ? compareRunsOfDigits(a, b, (x, y) => byAccents(x, y, 'base')) || compareRunsOfDigits(a, b, base)
    : base(a, b);
  return caseFirst === 'upper' && byAccents(a, b, 'accent') === 0 ? -order || 0 : order;
}
