// How inspect() puts the pieces of one value on lines: one line, columns, or one piece a line.

import { width } from './quote.js';

const SHORT_PIECE = 6;
const SEPARATOR = 2;

const COLOR = /\u001b\[\d\d?m/g;

// What of a piece takes room.
const visible = (context, piece) => (context.colors ? piece.replace(COLOR, '') : piece);

// Arrays of more than six pieces stand in columns, as square as the pieces' widths allow.
function inColumns(context, pieces, value) {
  const hasMore = context.maxArrayLength < pieces.length;
  const count = hasMore ? pieces.length - 1 : pieces.length;
  const widths = pieces.slice(0, count).map((piece) => width(visible(context, piece)));
  const total = widths.reduce((sum, length) => sum + length + SEPARATOR, 0);
  const longest = Math.max(0, ...widths);
  const cell = longest + SEPARATOR;
  const fits = cell * 3 + context.indentation < context.breakLength;
  if (!fits || !(total / cell > 5 || longest <= SHORT_PIECE)) return pieces;
  const columns = columnCount(context, pieces.length, count, total, cell);
  if (columns <= 1) return pieces;
  const rows = rowsOf(pieces, widths, count, columns, alignsRight(value, pieces.length));
  if (hasMore) rows.push(pieces[count]);
  return rows;
}

function columnCount(context, all, count, total, cell) {
  const bias = Math.max(cell - 3 - Math.sqrt(cell - total / all), 1);
  return Math.min(
    Math.round(Math.sqrt(2.5 * bias * count) / bias),
    Math.floor((context.breakLength - context.indentation) / cell),
    context.compact * 4,
    15,
  );
}

function alignsRight(value, count) {
  if (value === undefined) return true;
  for (let index = 0; index < count; index++) {
    if (typeof value[index] !== 'number' && typeof value[index] !== 'bigint') return false;
  }
  return true;
}

function rowsOf(pieces, widths, count, columns, right) {
  const columnWidths = [];
  for (let column = 0; column < columns; column++) {
    let longest = 0;
    for (let index = column; index < count; index += columns) longest = Math.max(longest, widths[index]);
    columnWidths.push(longest + SEPARATOR);
  }
  const rows = [];
  for (let start = 0; start < count; start += columns) {
    const end = Math.min(start + columns, count);
    let row = '';
    for (let index = start; index < end; index++) {
      const isLast = index === end - 1;
      const text = isLast ? pieces[index] : `${pieces[index]}, `;
      const hidden = pieces[index].length - widths[index];
      const target = columnWidths[index - start] + hidden - (isLast ? SEPARATOR : 0);
      if (right) row += text.padStart(target);
      else row += isLast ? text : text.padEnd(target);
    }
    rows.push(row);
  }
  return rows;
}

function fitsOneLine(context, pieces, start, base) {
  let total = pieces.length + start;
  if (total + pieces.length > context.breakLength) return false;
  for (const piece of pieces) {
    total += visible(context, piece).length;
    if (total > context.breakLength) return false;
  }
  return base === '' || !base.includes('\n');
}

// `level` is how deep the value stands; up to three innermost levels may share a line.
export function arrange(context, pieces, base, braces, isList, level, value) {
  const before = base ? `${base} ` : '';
  if (context.compact === true) return `${before}${braces[0]} ${pieces.join(', ')} ${braces[1]}`;
  let output = pieces;
  if (context.compact >= 1 && isList && pieces.length > SHORT_PIECE) output = inColumns(context, pieces, value);
  if (context.deepest - level < context.compact && output === pieces) {
    const start = output.length + context.indentation + braces[0].length + base.length + 10;
    if (fitsOneLine(context, output, start, base)) {
      const joined = output.join(', ');
      if (!joined.includes('\n')) return `${before}${braces[0]} ${joined} ${braces[1]}`;
    }
  }
  const indent = `\n${' '.repeat(context.indentation)}`;
  return `${before}${braces[0]}${indent}  ${output.join(`,${indent}  `)}${indent}${braces[1]}`;
}
