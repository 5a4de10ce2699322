// Dates as text, in UTC: English, and the short forms of a few other locales.

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
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
// Order and separator of all-numeric dates: [fields, separator, two-digit day and month?]
const NUMERIC = {
  'en-US': ['mdy', '/', false],
  'en-GB': ['dmy', '/', true],
  'en-CA': ['ymd', '-', true],
  'sv-SE': ['ymd', '-', true],
  'en-AU': ['dmy', '/', true],
  'en-IN': ['dmy', '/', false],
  'de-DE': ['dmy', '.', false],
  'fr-FR': ['dmy', '/', true],
  'es-ES': ['dmy', '/', false],
  'it-IT': ['dmy', '/', false],
  'pt-BR': ['dmy', '/', true],
  'nl-NL': ['dmy', '-', false],
  'ja-JP': ['ymd', '/', false],
  'zh-CN': ['ymd', '/', false],
  'ru-RU': ['dmy', '.', true],
};
const ZONES = ['utc', 'gmt', 'etc/utc', 'etc/gmt', 'universal', 'zulu', '+00:00'];
const two = (number) => String(number).padStart(2, '0');

function checkZone(zone) {
  if (zone === undefined || ZONES.includes(String(zone).toLowerCase())) return;
  throw new RangeError(`Invalid time zone specified: ${zone} (the sandbox knows UTC only)`);
}

function resolved(options, defaults) {
  const { dateStyle, timeStyle } = options;
  if (dateStyle || timeStyle) return { ...options, ...DATE_STYLES[dateStyle], ...TIME_STYLES[timeStyle], styled: true };
  const hasDate = ['weekday', 'year', 'month', 'day'].some((name) => options[name] !== undefined);
  const hasTime = ['hour', 'minute', 'second', 'fractionalSecondDigits', 'dayPeriod'].some(
    (name) => options[name] !== undefined,
  );
  if (
    defaults === 'both'
      ? hasDate || hasTime
      : defaults === 'date'
        ? hasDate || (hasTime && options.fromFormat)
        : hasTime
  )
    return options;
  const date = { year: 'numeric', month: 'numeric', day: 'numeric' };
  const time = { hour: 'numeric', minute: '2-digit', second: '2-digit' };
  if (defaults === 'date') return { ...options, ...date };
  return defaults === 'time' ? { ...options, ...time } : { ...options, ...date, ...time };
}

function number(value, style) {
  return style === '2-digit' ? two(value % 100) : String(value);
}

function dateText(date, locale, options) {
  const { weekday, year, month, day } = options;
  const name =
    weekday &&
    (weekday === 'long' ? DAYS[date.getUTCDay()] : DAYS[date.getUTCDay()].slice(0, weekday === 'narrow' ? 1 : 3));
  const isNumeric = month === undefined || month === 'numeric' || month === '2-digit';
  const text = isNumeric ? numericDate(date, locale, options) : namedDate(date, locale, options);
  if (!name) return text;
  if (text === '') return name;
  if (year === undefined && month === undefined && day !== undefined) return `${text} ${name}`;
  return `${name}, ${text}`;
}

function numericDate(date, locale, { year, month, day }) {
  const [order, separator, isPadded] = NUMERIC[locale] ?? NUMERIC['en-US'];
  const whole = year !== undefined && month !== undefined && day !== undefined;
  const style = (given) => (isPadded && whole ? '2-digit' : given);
  const fields = {
    y: year && number(date.getUTCFullYear(), year),
    m: month && number(date.getUTCMonth() + 1, style(month)),
    d: day && number(date.getUTCDate(), style(day)),
  };
  return [...order]
    .map((field) => fields[field])
    .filter(Boolean)
    .join(separator);
}

function namedDate(date, locale, { year, month, day }) {
  const full = MONTHS[date.getUTCMonth()];
  const name = month === 'long' ? full : full.slice(0, month === 'narrow' ? 1 : 3);
  const dayText = day && number(date.getUTCDate(), day);
  const yearText = year && number(date.getUTCFullYear(), year);
  if (!/^en/.test(locale) || locale === 'en-US' || locale === 'en-CA') {
    const monthDay = day ? `${name} ${dayText}` : name;
    if (!year) return monthDay;
    return day ? `${monthDay}, ${yearText}` : `${monthDay} ${yearText}`;
  }
  return [dayText, name, yearText].filter(Boolean).join(' ');
}

function timeText(date, locale, options) {
  const { hour, minute, second, fractionalSecondDigits, timeZoneName } = options;
  const isTwelve =
    options.hour12 ?? (options.hourCycle ? /^h1[12]$/.test(options.hourCycle) : /^en(?!-GB)/.test(locale));
  const hours = date.getUTCHours();
  const parts = [];
  if (hour !== undefined) {
    const shown = isTwelve
      ? hours % 12 || 12
      : options.hour12 === false && locale === 'en-US' && hours === 0
        ? 24
        : hours;
    parts.push(hour === '2-digit' || !isTwelve ? two(shown) : String(shown));
  }
  if (minute !== undefined)
    parts.push(hour === undefined && second === undefined ? String(date.getUTCMinutes()) : two(date.getUTCMinutes()));
  if (second !== undefined) parts.push(minute === undefined ? String(date.getUTCSeconds()) : two(date.getUTCSeconds()));
  let text = parts.join(':');
  if (fractionalSecondDigits)
    text += `.${String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, fractionalSecondDigits)}`;
  if (hour !== undefined && isTwelve) text += ` ${hours < 12 ? 'AM' : 'PM'}`;
  if (timeZoneName) text += timeZoneName === 'long' ? ' Coordinated Universal Time' : ' UTC';
  return text;
}

export function formatDate(date, locale, given, defaults) {
  checkZone(given.timeZone);
  if (Number.isNaN(date.getTime())) return 'Invalid Date';
  const options = resolved(given, defaults);
  const day = dateText(date, locale, options);
  const hasTime = ['hour', 'minute', 'second', 'fractionalSecondDigits'].some((name) => options[name] !== undefined);
  if (!hasTime) return options.timeZoneName ? `${day}, UTC` : day;
  const time = timeText(date, locale, options);
  if (day === '') return time;
  const isLong = options.styled && (given.dateStyle === 'full' || given.dateStyle === 'long');
  if (isLong) return `${day} at ${time}`;
  const isOnlyWeekday = options.weekday && !options.year && !options.month && !options.day;
  return `${day}${isOnlyWeekday || /^(sv|fr)/.test(locale) ? ' ' : ', '}${time}`;
}

export function partsOfDate(date, locale, given) {
  const options = resolved(given, 'date');
  const month =
    options.month === 'long' || options.month === 'short'
      ? namedDate(date, 'en-US', { month: options.month })
      : options.month && number(date.getUTCMonth() + 1, options.month);
  const fields = {
    weekday: options.weekday && dateText(date, locale, { weekday: options.weekday }),
    month,
    day: options.day && number(date.getUTCDate(), options.day),
    year: options.year && number(date.getUTCFullYear(), options.year),
    hour:
      options.hour &&
      timeText(date, locale, { hour: options.hour, hour12: options.hour12, hourCycle: options.hourCycle }).replace(
        /\D+$/,
        '',
      ),
    minute: options.minute && two(date.getUTCMinutes()),
    second: options.second && two(date.getUTCSeconds()),
  };
  const shown = formatDate(date, locale, given, 'date');
  const parts = [];
  let rest = shown;
  const order = Object.entries(fields)
    .filter(([, value]) => value)
    .sort((a, b) => shown.indexOf(a[1]) - shown.indexOf(b[1]));
  for (const [type, value] of order) {
    const at = rest.indexOf(value);
    if (at < 0) continue;
    if (at > 0) parts.push({ type: 'literal', value: rest.slice(0, at) });
    parts.push({ type, value });
    rest = rest.slice(at + value.length);
  }
  if (rest !== '')
    parts.push(/[AP]M/.test(rest) ? { type: 'dayPeriod', value: rest.trim() } : { type: 'literal', value: rest });
  return parts;
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
