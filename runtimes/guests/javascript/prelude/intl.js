// A small Intl, and the methods of numbers, dates and texts that use it.

import { compare } from './collate.js';
import { DISPLAY_NAMES, ListFormat, PluralRules, RelativeTimeFormat } from './intl_words.js';
import { formatDate, formatDateRange, installDates, partsOfDate } from './dates.js';
import { localeOf, NumberFormat } from './number_format.js';
import { zoneName } from './zones.js';

class DateTimeFormat {
  #locale;
  #options;

  constructor(locales, options = {}) {
    this.#locale = localeOf(locales);
    this.#options = options ?? {};
    formatDate(new Date(0), this.#locale, this.#options, 'any');
    this.format = this.format.bind(this);
  }

  format(date = new Date()) {
    if (Number.isNaN(new Date(date).getTime())) throw new RangeError('Invalid time value');
    return formatDate(new Date(date), this.#locale, this.#options, 'any');
  }

  formatToParts(date = new Date()) {
    return partsOfDate(new Date(date), this.#locale, this.#options, 'any');
  }

  formatRange(start, end) {
    return formatDateRange(new Date(start), new Date(end), this.#locale, this.#options);
  }

  resolvedOptions() {
    const { timeZone, ...options } = this.#options;
    const usual = { year: 'numeric', month: 'numeric', day: 'numeric' };
    return {
      locale: this.#locale,
      calendar: 'gregory',
      numberingSystem: 'latn',
      timeZone: zoneName(timeZone),
      ...(Object.keys(options).length > 0 ? options : usual),
    };
  }

  static supportedLocalesOf(locales) {
    return [locales].flat();
  }
}

class Collator {
  #options;

  constructor(locales, options = {}) {
    this.#options = { locale: localeOf(locales), ...options };
    this.compare = (a, b) => compare(String(a), String(b), this.#options);
  }

  resolvedOptions() {
    return { locale: 'en-US', usage: 'sort', sensitivity: 'variant', numeric: false, ...this.#options };
  }
}

// Flags, emoji joined to others, letters with their marks.
const JOINED = '\\p{Emoji}(\\p{EMod}|\\ufe0f\\u20e3?)?(\\u200d\\p{Emoji}(\\p{EMod}|\\ufe0f)?)+';
const GRAPHEME = new RegExp(`\\p{RI}\\p{RI}|${JOINED}|\\P{M}\\p{M}*(\\ufe0f|\\p{EMod})?|\\p{M}+`, 'gsu');

const SEGMENTS = {
  grapheme: GRAPHEME,
  word: /[\p{L}\p{N}_]+(?:['’.,](?=[\p{L}\p{N}])[\p{L}\p{N}_]+)*|\s|[^\p{L}\p{N}_\s]/gu,
  sentence: /[^.!?\n]*[.!?\n]+\s*|[^.!?\n]+$/gu,
};

class Segmenter {
  #granularity;

  constructor(locales, options = {}) {
    this.#granularity = options.granularity ?? 'grapheme';
  }

  *segment(text) {
    const pattern = SEGMENTS[this.#granularity];
    for (const match of text.matchAll(pattern)) {
      yield { segment: match[0], index: match.index, input: text, isWordLike: /[\p{L}\p{N}]/u.test(match[0]) };
    }
  }
}

// A format can be called without `new`.
function callable(Class) {
  const format = function format(...values) {
    return Reflect.construct(Class, values, new.target ?? Class);
  };
  Object.defineProperty(format, 'name', { value: Class.name });
  format.prototype = Class.prototype;
  if (Class.supportedLocalesOf) format.supportedLocalesOf = Class.supportedLocalesOf;
  return format;
}

class DisplayNames {
  #type;

  constructor(locales, options) {
    if (options?.type === undefined) throw new TypeError('Required option "type" must not be undefined');
    this.#type = options.type;
  }

  of(code) {
    return DISPLAY_NAMES[this.#type]?.[code] ?? code;
  }
}

class Locale {
  constructor(tag) {
    const [language, ...rest] = String(tag).split('-');
    this.language = language.toLowerCase();
    this.script = rest.find((part) => part.length === 4);
    this.region = rest.find((part) => part.length === 2)?.toUpperCase();
    this.baseName = [this.language, this.script, this.region].filter(Boolean).join('-');
  }

  toString() {
    return this.baseName;
  }
}

const canonical = (tag) => new Locale(tag).toString();

export const Intl = {
  NumberFormat: callable(NumberFormat),
  DateTimeFormat: callable(DateTimeFormat),
  Collator: callable(Collator),
  PluralRules,
  ListFormat,
  RelativeTimeFormat,
  Segmenter,
  DisplayNames,
  Locale,
  getCanonicalLocales: (locales) => (locales === undefined ? [] : [locales].flat().map(canonical)),
  supportedValuesOf: () => [],
};
Object.defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });

function define(prototype, methods) {
  for (const name of Object.keys(methods)) {
    Object.defineProperty(prototype, name, {
      value: methods[name],
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }
}

export function installLocales() {
  installDates();
  define(Number.prototype, {
    toLocaleString(locales, options) {
      return new NumberFormat(locales, options).format(Number(this));
    },
  });
  define(BigInt.prototype, {
    toLocaleString(locales, options) {
      return new NumberFormat(locales, options).format(BigInt(this));
    },
  });
  define(Date.prototype, {
    toLocaleString(locales, options) {
      return formatDate(this, localeOf(locales), options ?? {}, 'both');
    },
    toLocaleDateString(locales, options) {
      return formatDate(this, localeOf(locales), options ?? {}, 'date');
    },
    toLocaleTimeString(locales, options) {
      return formatDate(this, localeOf(locales), options ?? {}, 'time');
    },
  });
  define(String.prototype, {
    localeCompare(other, locales, options) {
      return compare(String(this), String(other), options);
    },
  });
}
