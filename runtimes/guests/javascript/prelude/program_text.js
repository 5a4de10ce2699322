// The program's own text, for what node quotes from it.

let text = '';
const ASSERTING = /(^|\.)(assert|ok|strict)$/;
const CALL = /[\p{ID_Start}$_][\p{ID_Continue}$]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*(?=\s*\()/gu;
const REACH = 10000;

export function setProgramText(source) {
  text = source;
}

// Where the stack says that the program was: {line, column} from 1, or undefined.
export function placeOf(stack) {
  const match = /solution\.js:(\d+):(\d+)/.exec(stack);
  return match === null ? undefined : { line: Number(match[1]), column: Number(match[2]) };
}

export const lineOf = (number) => text.split('\n')[number - 1];

// Where the bracket closes that opens at `start`.
function closing(start) {
  let depth = 0;
  for (let index = start; index < text.length && index < start + REACH; index++) {
    const character = text[index];
    if ('\'"`'.includes(character)) {
      for (index++; index < text.length && text[index] !== character; index++) if (text[index] === '\\') index += 1;
    } else if (text.startsWith('//', index)) {
      index = text.indexOf('\n', index);
      if (index < 0) return -1;
    } else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character) && --depth === 0) return index;
  }
  return -1;
}

// The call of an assertion that was running, as it is written; undefined where it cannot be found.
export function assertionAt(stack) {
  const place = placeOf(stack);
  if (place === undefined || lineOf(place.line) === undefined) return undefined;
  const lines = text.split('\n').slice(0, place.line - 1);
  const offset = lines.reduce((sum, line) => sum + line.length + 1, 0) + place.column - 1;
  CALL.lastIndex = Math.max(0, offset - REACH);
  let found;
  for (let match = CALL.exec(text); match !== null && match.index <= offset; match = CALL.exec(text)) {
    const end = ASSERTING.test(match[0]) ? closing(text.indexOf('(', match.index + match[0].length)) : -1;
    if (end >= offset) found = text.slice(match.index, end + 1);
    if (end >= offset) break;
  }
  if (found === undefined) return undefined;
  const column = text.indexOf(found) - (text.lastIndexOf('\n', text.indexOf(found)) + 1);
  return found.replace(new RegExp(`\n {0,${column}}`, 'g'), '\n  ');
}
