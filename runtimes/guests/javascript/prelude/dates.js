// Dates as text, in the zones and locales that programs use most.

import { localeOfDates } from './date_locales.js';
import { zoneAt, zoneName } from './zones.js';

const FIELDS = { d: 'day', M: 'month', L: 'month', y: 'year' };
const DATE_FIELDS = ['weekday', 'year', 'month', 'day'];
const TIME_FIELDS = ['hour', 'minute', 'second', 'fractionalSecondDigits', 'dayPeriod'];
const DATE_STYLES = {
  full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
  long: { year: 'numeric', month: 'long', day: 'numeric' },
  medium: { year: 'numeric', month: 'short', day: 'numeric' },
  short: { year: '2-digit', month: 'numeric', day: 'numeric' },
};
const TIME_STYLES = {
  full: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'long' },
  long: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' },
  short: { hour: 'numeric', minute: '2-digit' },
};
const two = (number) => String(number % 100).padStart(2, '0');
const literal = (value) => ({ type: 'literal', value });
const has = (options, fields) => fields.some((name) => options[name] !== undefined);

// What is wanted: 'date', 'time' or 'both' say what toLocale...String() adds, 'any' what a DateTimeFormat does.
function resolved(options, wanted) {
  const { dateStyle, timeStyle } = options;
  if (dateStyle || timeStyle) return { ...options, ...DATE_STYLES[dateStyle], ...TIME_STYLES[timeStyle] };
  const isGiven =
    (wanted !== 'time' && has(options, DATE_FIELDS)) || (wanted !== 'date' && has(options, TIME_FIELDS));
  if (isGiven) return options;
  const date = { year: 'numeric', month: 'numeric', day: 'numeric' };
  const time = { hour: 'numeric', minute: '2-digit', second: '2-digit' };
  if (wanted === 'time') return { ...options, ...time };
  return wanted === 'both' ? { ...options, ...date, ...time } : { ...options, ...date };
}

function monthName(date, locale, style) {
  const month = date.getUTCMonth();
  const name = (style === 'long' ? locale.months : locale.shortMonths).split(' ')[month];
  return style === 'narrow' ? name.slice(0, 1) : name;
}

function dayName(date, locale, style, isAlone) {
  const name = (style === 'long' ? locale.days : locale.shortDays).split(' ')[date.getUTCDay()];
  if (style === 'narrow') return name.slice(0, 1);
  return !isAlone && style === 'short' && locale.months.startsWith('Januar ') ? `${name}.` : name;
}

function filled(pattern, date, locale, options) {
  return pattern.split(/(d(?!e)d?|MM?|yy?|L)/).flatMap((token, index) => {
    if (index % 2 === 0) return token === '' ? [] : [literal(token)];
    const type = FIELDS[token[0]];
    if (token === 'L') return [{ type, value: monthName(date, locale, options.month) }];
    const number = { day: date.getUTCDate(), month: date.getUTCMonth() + 1, year: date.getUTCFullYear() }[type];
    const isShort = token.length === 2 || options[type] === '2-digit';
    return [{ type, value: isShort ? two(number) : String(number) }];
  });
}

// The pattern for the fields that are asked for: one of three, or the single field.
function patternOf({ year, month, day }, locale, isText, isLong) {
  const patterns = isText ? ((isLong && locale.longText) || locale.text) : locale.numeric;
  if (month && day) return year ? patterns[0] : patterns[1];
  if (year && month) return patterns[2];
  if (year && day) return 'd y';
  return year ? 'y' : month ? (isText ? 'L' : 'M') : day ? 'd' : '';
}

function dateParts(date, locale, options, style) {
  const { weekday, month, year, day } = options;
  const isText = month !== undefined && month !== 'numeric' && month !== '2-digit';
  const pattern = locale.styles[style] ?? patternOf(options, locale, isText, month === 'long');
  const parts = filled(pattern, date, locale, style === 'short' ? { ...options, year: undefined } : options);
  if (!weekday) return parts;
  const name = { type: 'weekday', value: dayName(date, locale, weekday, pattern === '') };
  if (pattern === '') return [name];
  if (day && !month && !year) return [...parts, literal(' '), name];
  if (locale.isDayLast) return [...parts, name];
  return [name, literal(locale.numeric[1] === 'dd/MM' && !year && !locale.isTwelve ? ' ' : locale.afterDay), ...parts];
}

function isTwelveHours(locale, { hour12, hourCycle }) {
  return hour12 ?? (hourCycle ? /^h1[12]$/.test(hourCycle) : locale.isTwelve);
}

function timeParts(date, name, locale, options) {
  const { hour, minute, second, fractionalSecondDigits } = options;
  const isTwelve = isTwelveHours(locale, options);
  const hours = date.getUTCHours();
  const isMidnight = options.hour12 === false && /^en-US$|^en$/.test(name) && hours === 0;
  const shown = isTwelve ? hours % 12 || 12 : isMidnight ? 24 : hours;
  const parts = [];
  const add = (type, value) => {
    if (parts.length > 0) parts.push(literal(':'));
    parts.push({ type, value });
  };
  if (hour !== undefined) add('hour', hour === '2-digit' || !isTwelve ? two(shown) : String(shown));
  const isLonely = hour === undefined && second === undefined;
  if (minute !== undefined) add('minute', isLonely ? String(date.getUTCMinutes()) : two(date.getUTCMinutes()));
  if (second !== undefined)
    add('second', minute === undefined ? String(date.getUTCSeconds()) : two(date.getUTCSeconds()));
  if (fractionalSecondDigits) {
    const value = String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, fractionalSecondDigits);
    parts.push(...(parts.length > 0 ? [literal('.')] : []), { type: 'fractionalSecond', value });
  }
  if (hour === undefined || !isTwelve) return parts;
  const half = { type: 'dayPeriod', value: options.dayPeriod ? partOfDay(hours) : locale.halves[hours < 12 ? 0 : 1] };
  return locale.isHalfFirst ? [half, literal(' '), ...parts] : [...parts, literal(' '), half];
}

function partOfDay(hours) {
  if (hours === 12) return 'noon';
  if (hours >= 6 && hours < 12) return 'in the morning';
  if (hours >= 12 && hours < 18) return 'in the afternoon';
  return hours >= 18 && hours < 21 ? 'in the evening' : 'at night';
}

export function partsOfDate(time, localeName, given, wanted) {
  const zone = zoneName(given.timeZone);
  if (Number.isNaN(time.getTime())) throw new RangeError('Invalid time value');
  const locale = localeOfDates(localeName);
  const options = resolved(given, wanted);
  const { offset, short, long } = zoneAt(zone, time.getTime());
  const date = new Date(time.getTime() + offset * 60000);
  const day = has(options, DATE_FIELDS) ? dateParts(date, locale, options, given.dateStyle) : [];
  const clock = has(options, TIME_FIELDS) ? timeParts(date, localeName, locale, options) : [];
  const isLong = options.month === 'long' || given.dateStyle === 'full' || given.dateStyle === 'long';
  const isWeekdayOnly = options.weekday && !options.year && !options.month && !options.day;
  const isNumeric = !day.some((part) => part.type === 'month' && /\D/.test(part.value));
  const glue = isLong && !isWeekdayOnly ? locale.beforeTime : isWeekdayOnly ? ' ' : isNumeric ? locale.glue : ', ';
  const parts = day.length > 0 && clock.length > 0 ? [...day, literal(glue), ...clock] : [...day, ...clock];
  if (options.era) parts.push(literal(' '), { type: 'era', value: date.getUTCFullYear() > 0 ? 'AD' : 'BC' });
  if (options.timeZoneName) {
    const value = options.timeZoneName === 'long' ? long : short;
    parts.push(literal(clock.length > 0 ? ' ' : ', '), { type: 'timeZoneName', value });
  }
  return parts;
}

export function formatDate(date, locale, given, wanted) {
  zoneName(given.timeZone);
  if (Number.isNaN(date.getTime())) return 'Invalid Date';
  return partsOfDate(date, locale, given, wanted)
    .map((part) => part.value)
    .join('');
}

// formatRange(): what both ends share at the beginning and the end is said once, in English.
export function formatDateRange(start, end, locale, given) {
  const first = partsOfDate(start, locale, given, 'any');
  const second = partsOfDate(end, locale, given, 'any');
  const text = (parts) => parts.map((part) => part.value).join('');
  if (text(first) === text(second)) return text(first);
  const differs = (type) => first.find((part) => part.type === type)?.value !== second.find((part) => part.type === type)?.value;
  const isNamed = first[0].type === 'month' && /\D/.test(first[0].value) && first.length === 5;
  if (!isNamed || differs('year')) return `${text(first)}\u2009–\u2009${text(second)}`;
  const [month, , day, , year] = first;
  const until = differs('month') ? `${second[0].value} ${second[2].value}` : second[2].value;
  return `${month.value} ${day.value}\u2009–\u2009${until}, ${year.value}`;
}

// The engine leaves out the zone's name.
export function installDates() {
  for (const name of ['toString', 'toTimeString']) {
    const native = Date.prototype[name];
    const value = {
      [name]() {
        const text = native.call(this);
        return text.endsWith('GMT+0000') ? `${text} (Coordinated Universal Time)` : text;
      },
    }[name];
    Object.defineProperty(Date.prototype, name, { value, writable: true, configurable: true, enumerable: false });
  }
}
