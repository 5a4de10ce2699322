// Intl in words: plurals, lists, times from now, names of regions and currencies; in English.

const LIST_WORDS = { de: ['und', 'oder'], fr: ['et', 'ou'], es: ['y', 'o'], it: ['e', 'o'], pt: ['e', 'ou'], nl: ['en', 'of'] };
const SHORT_UNITS = {
  second: 'sec.',
  minute: 'min.',
  hour: 'hr.',
  day: 'day',
  week: 'wk.',
  month: 'mo.',
  quarter: 'qtr.',
  year: 'yr.',
};
const SHORT_PLURALS = { day: 'days', quarter: 'qtrs.' };
const UNITS = new Set(Object.keys(SHORT_UNITS));

export const DISPLAY_NAMES = {
  region: {
    US: 'United States',
    GB: 'United Kingdom',
    DE: 'Germany',
    FR: 'France',
    ES: 'Spain',
    IT: 'Italy',
    JP: 'Japan',
    CN: 'China',
    IN: 'India',
    BR: 'Brazil',
    CA: 'Canada',
    AU: 'Australia',
    MX: 'Mexico',
    KR: 'South Korea',
    RU: 'Russia',
  },
  currency: {
    USD: 'US Dollar',
    EUR: 'Euro',
    GBP: 'British Pound',
    JPY: 'Japanese Yen',
    CNY: 'Chinese Yuan',
    INR: 'Indian Rupee',
    CAD: 'Canadian Dollar',
    AUD: 'Australian Dollar',
    CHF: 'Swiss Franc',
  },
  language: {
    en: 'English',
    'en-US': 'American English',
    'en-GB': 'British English',
    fr: 'French',
    de: 'German',
    es: 'Spanish',
    it: 'Italian',
    pt: 'Portuguese',
    ja: 'Japanese',
    zh: 'Chinese',
    ru: 'Russian',
    ko: 'Korean',
    ar: 'Arabic',
    hi: 'Hindi',
    nl: 'Dutch',
  },
};

export class PluralRules {
  #locale;
  #type;

  constructor(locales, options = {}) {
    this.#locale = String([locales ?? 'en-US'].flat()[0] ?? 'en-US');
    this.#type = options.type ?? 'cardinal';
  }

  select(number) {
    const language = this.#locale.split('-')[0];
    if (this.#type === 'cardinal') {
      if (/^(ja|zh|ko|th|vi|id)$/.test(language)) return 'other';
      if (/^(pl|ru|uk)$/.test(language)) return slavicPlural(number, language);
      return number === 1 || (/^(fr|pt)$/.test(language) && number >= 0 && number < 2) ? 'one' : 'other';
    }
    const [last, teens] = [number % 10, number % 100];
    if (last === 1 && teens !== 11) return 'one';
    if (last === 2 && teens !== 12) return 'two';
    return last === 3 && teens !== 13 ? 'few' : 'other';
  }

  resolvedOptions() {
    const pluralCategories = this.#type === 'ordinal' ? ['few', 'one', 'two', 'other'] : ['one', 'other'];
    return {
      locale: this.#locale,
      type: this.#type,
      minimumIntegerDigits: 1,
      minimumFractionDigits: 0,
      maximumFractionDigits: 3,
      pluralCategories,
    };
  }
}

function slavicPlural(number, language) {
  const [last, teens] = [number % 10, number % 100];
  if (!Number.isInteger(number)) return 'other';
  if (language === 'pl' ? number === 1 : last === 1 && teens !== 11) return 'one';
  return last >= 2 && last <= 4 && (teens < 12 || teens > 14) ? 'few' : 'many';
}

export class ListFormat {
  #options;
  #locale;

  constructor(locales, options = {}) {
    this.#locale = String([locales ?? 'en-US'].flat()[0] ?? 'en-US');
    this.#options = { type: 'conjunction', style: 'long', ...options };
  }

  format(items) {
    return this.formatToParts(items)
      .map((part) => part.value)
      .join('');
  }

  formatToParts(items) {
    const list = [...items];
    const { type, style } = this.#options;
    const [and, or] = LIST_WORDS[this.#locale.split('-')[0]] ?? ['and', 'or'];
    const word = type === 'disjunction' ? or : style === 'long' || and !== 'and' ? and : style === 'short' ? '&' : '';
    const last = (text) => (word === '' ? ', ' : `${text}${word} `);
    const hasComma = /^en(-US)?$/.test(this.#locale);
    const gap = type === 'unit' && style === 'narrow' ? ' ' : ', ';
    return list.flatMap((value, index) => {
      const item = { type: 'element', value };
      if (index === 0) return [item];
      if (index < list.length - 1 || type === 'unit') return [{ type: 'literal', value: gap }, item];
      return [{ type: 'literal', value: last(list.length > 2 && hasComma ? ', ' : ' ') }, item];
    });
  }
}

export class RelativeTimeFormat {
  #numeric;
  #style;

  constructor(locales, options = {}) {
    this.#numeric = options.numeric ?? 'always';
    this.#style = options.style ?? 'long';
  }

  format(value, unit) {
    const name = String(unit).replace(/s$/, '');
    if (!UNITS.has(name)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
    if (this.#numeric === 'auto') {
      if (name === 'second' && value === 0) return 'now';
      if (name === 'day' && Math.abs(value) <= 1) return ['yesterday', 'today', 'tomorrow'][value + 1];
      if (!/^(second|minute|hour)$/.test(name) && Math.abs(value) <= 1)
        return [`last ${this.#unit(name, 1)}`, `this ${this.#unit(name, 1)}`, `next ${this.#unit(name, 1)}`][value + 1];
      if (value === 0) return `this ${name}`;
    }
    const size = Math.abs(value);
    const text = `${size.toLocaleString('en-US')} ${this.#unit(name, size)}`;
    return value < 0 || Object.is(value, -0) ? `${text} ago` : `in ${text}`;
  }

  #unit(name, size) {
    if (this.#style === 'long') return size === 1 ? name : `${name}s`;
    return size === 1 ? SHORT_UNITS[name] : (SHORT_PLURALS[name] ?? SHORT_UNITS[name]);
  }
}
