// Intl.NumberFormat: English, and the separators of a few other locales.

const THIN = '\u202f';
const SEPARATORS = {
  en: [',', '.'],
  de: ['.', ','],
  es: ['.', ','],
  it: ['.', ','],
  nl: ['.', ','],
  id: ['.', ','],
  tr: ['.', ','],
  pt: ['.', ','],
  fr: [THIN, ','],
  ru: ['\u00a0', ','],
  pl: ['\u00a0', ','],
  sv: ['\u00a0', ','],
  'de-CH': ["'", '.'],
};
const CURRENCIES = {
  USD: '$',
  EUR: '€',
  GBP: '£',
  JPY: '¥',
  INR: '₹',
  CNY: 'CN¥',
  KRW: '₩',
  BRL: 'R$',
  CAD: 'CA$',
  AUD: 'A$',
  MXN: 'MX$',
};
const HOME = { 'en-CA': 'CAD', 'en-AU': 'AUD', 'ja-JP': 'JPY', 'zh-CN': 'CNY' };
const COMPACT = [
  [1e12, 'T', 'trillion'],
  [1e9, 'B', 'billion'],
  [1e6, 'M', 'million'],
  [1e3, 'K', 'thousand'],
];
const UNITS = {
  kilometer: 'km',
  meter: 'm',
  centimeter: 'cm',
  kilogram: 'kg',
  gram: 'g',
  liter: 'L',
  celsius: '°C',
  fahrenheit: '°F',
  second: 'sec',
  minute: 'min',
  hour: 'hr',
  day: 'day',
  byte: 'byte',
  kilobyte: 'kB',
  megabyte: 'MB',
  gigabyte: 'GB',
  percent: '%',
  'kilometer-per-hour': 'km/h',
  mile: 'mi',
};

export const localeOf = (locales) => String([locales ?? 'en-US'].flat()[0] ?? 'en-US');

// The decimal digits of a number, without an exponent.
function digitsOf(value) {
  if (typeof value === 'bigint') return String(value);
  const [mantissa, exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const [whole, part = ''] = mantissa.split('.');
  const shift = Number(exponent);
  if (shift >= 0) return whole + part.padEnd(shift, '0');
  return `0.${'0'.repeat(-shift - 1)}${whole}${part}`;
}

// Rounds half up on the decimal digits themselves, as ICU does.
function rounded(digits, places) {
  const [whole, part = ''] = digits.split('.');
  if (part.length <= places) return [whole, part];
  const number = BigInt(whole + part.slice(0, places)) + (part[places] >= '5' ? 1n : 0n);
  const text = String(number).padStart(places + 1, '0');
  return places === 0 ? [text, ''] : [text.slice(0, -places), text.slice(-places)];
}

function significant(digits, low, high) {
  const first = digits.replace('.', '').search(/[1-9]/);
  if (first < 0) return ['0', ''.padEnd(low - 1, '0')];
  const whole = digits.split('.')[0];
  const before = whole === '0' ? 0 : whole.length;
  const leading = whole === '0' ? first - 1 : 0;
  const places = high - before + leading;
  if (places < 0) {
    const unit = 10n ** BigInt(-places);
    const number = (BigInt(whole) + unit / 2n) / unit;
    return [String(number * unit), ''];
  }
  const [integer, part] = rounded(digits, places);
  const kept = Math.max(0, low - before + leading);
  return [integer, part.replace(/0+$/, '').padEnd(kept, '0')];
}

function grouped(whole, separator, isIndian) {
  const pattern = isIndian ? /\B(?=(\d{2})*\d{3}$)/g : /\B(?=(\d{3})+$)/g;
  return whole.replace(pattern, separator);
}

function checkRange(name, value, low, high) {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number >= low && number <= high)) throw new RangeError(`${name} value is out of range.`);
  return Math.floor(number);
}

function fractionOptions(options, style, currency) {
  const usual = style === 'currency' ? (currency === 'JPY' || currency === 'KRW' ? 0 : 2) : 0;
  const low = checkRange('minimumFractionDigits', options.minimumFractionDigits, 0, 100);
  const high = checkRange('maximumFractionDigits', options.maximumFractionDigits, 0, 100);
  if (low !== undefined && high !== undefined && low > high)
    throw new RangeError('maximumFractionDigits value is out of range.');
  const most = style === 'currency' ? usual : style === 'percent' ? 0 : 3;
  return {
    minimumFractionDigits: low ?? Math.min(usual, high ?? usual),
    maximumFractionDigits: high ?? Math.max(most, low ?? 0),
  };
}

function partType(text, style) {
  if (text === '-') return 'minusSign';
  if (text === '+') return 'plusSign';
  if (text === 'NaN') return 'nan';
  if (text === '∞') return 'infinity';
  if (/^\s+$/.test(text)) return 'literal';
  if (text === '%') return 'percentSign';
  return style === 'currency' ? 'currency' : style === 'unit' ? 'unit' : 'literal';
}

export class NumberFormat {
  #options;

  constructor(locales, options = {}) {
    const locale = localeOf(locales);
    const style = options.style ?? 'decimal';
    if (style === 'currency' && options.currency === undefined)
      throw new TypeError('Currency code is required with currency style.');
    const currency = options.currency?.toUpperCase();
    this.#options = {
      useGrouping: true,
      ...options,
      locale,
      style,
      currency,
      ...fractionOptions(options, style, currency),
    };
    if (options.notation === 'compact' && options.maximumFractionDigits === undefined)
      this.#options.maximumFractionDigits = undefined;
    this.format = this.format.bind(this);
  }

  format(value) {
    const number = typeof value === 'bigint' ? value : Number(value);
    const isNegative = number < 0 || Object.is(number, -0);
    const text = this.#decorated(this.#magnitude(isNegative ? -number : number));
    const isZero = !/[1-9∞N]/.test(text);
    const { signDisplay } = this.#options;
    if (signDisplay === 'never') return text;
    const isShown = isNegative && !((signDisplay === 'exceptZero' || signDisplay === 'negative') && isZero);
    if (isShown && this.#options.currencySign === 'accounting') return `(${text})`;
    if (isShown) return `-${text}`;
    return signDisplay === 'always' || (signDisplay === 'exceptZero' && !isZero) ? `+${text}` : text;
  }

  #magnitude(number) {
    if (Number.isNaN(number)) return 'NaN';
    if (number === Infinity) return '∞';
    if (this.#options.notation === 'compact') return this.#compact(Number(number));
    if (/^(scientific|engineering)$/.test(this.#options.notation)) return this.#scientific(Number(number));
    return this.#plain(digitsOf(this.#options.style === 'percent' ? Number(`${digitsOf(number)}e2`) : number));
  }

  #plain(digits) {
    const { locale, useGrouping, minimumIntegerDigits = 1 } = this.#options;
    const { minimumSignificantDigits: low, maximumSignificantDigits: high } = this.#options;
    const bySignificance = low !== undefined || high !== undefined;
    const [whole, part] = bySignificance ? significant(digits, low ?? 1, high ?? 21) : this.#fixed(digits);
    const [group, point] = SEPARATORS[locale] ?? SEPARATORS[locale.split('-')[0]] ?? SEPARATORS.en;
    const padded = whole.padStart(minimumIntegerDigits, '0');
    const isGrouped =
      useGrouping !== false && useGrouping !== 'false' && !(/^(es|pt-PT|pl|it)/.test(locale) && padded.length < 5);
    const integer = isGrouped ? grouped(padded, group, /-IN$/.test(locale)) : padded;
    return part === '' ? integer : integer + point + part;
  }

  #fixed(digits) {
    const { minimumFractionDigits: low, maximumFractionDigits: high } = this.#options;
    const [whole, part] = rounded(digits, high ?? 3);
    return [whole, part.replace(/0+$/, '').padEnd(low, '0')];
  }

  #scientific(number) {
    let exponent = number === 0 ? 0 : Math.floor(Math.log10(number));
    if (this.#options.notation === 'engineering') exponent = Math.floor(exponent / 3) * 3;
    return `${this.#plain(digitsOf(Number(`${number}e${-exponent}`)))}E${exponent}`;
  }

  #compact(number) {
    const { compactDisplay, maximumFractionDigits } = this.#options;
    let scale = COMPACT.find(([size]) => number >= size);
    let scaled = scale ? number / scale[0] : number;
    const places = maximumFractionDigits ?? (scaled < 100 ? Math.max(0, 2 - String(Math.floor(scaled)).length) : 0);
    const round = (value) => rounded(digitsOf(value), places).join('.').replace(/\.$/, '');
    if (Number(round(scaled)) >= 1000 && scale !== COMPACT[0]) {
      scale = COMPACT[(scale ? COMPACT.indexOf(scale) : COMPACT.length) - 1];
      scaled = number / scale[0];
    }
    const text = String(Number(round(scaled)));
    if (scale === undefined) return text;
    return compactDisplay === 'long' ? `${text} ${scale[2]}` : text + scale[1];
  }

  #decorated(text) {
    const { style, currency, currencyDisplay, locale, unit, unitDisplay } = this.#options;
    const isBehind = /^(de(?!-CH)|fr|es|it|ru|pl|sv)/.test(locale);
    if (style === 'percent') return isBehind && !/^(it|pl)/.test(locale) ? `${text}\u00a0%` : `${text}%`;
    if (style === 'unit') return this.#withUnit(text, unit, unitDisplay);
    if (style !== 'currency') return text;
    if (currencyDisplay === 'code') return `${currency}\u00a0${text}`;
    if (currencyDisplay === 'name')
      return `${text} ${currency === 'USD' ? 'US dollars' : currency === 'EUR' ? 'euros' : currency}`;
    const symbol =
      HOME[locale] === currency && currency ? CURRENCIES[currency].replace(/^[A-Z]+/, '') : CURRENCIES[currency];
    if (isBehind) return `${text}\u00a0${symbol ?? currency}`;
    if (/^pt/.test(locale)) return `${symbol ?? currency}\u00a0${text}`;
    return symbol === undefined ? `${currency}\u00a0${text}` : symbol + text;
  }

  #withUnit(text, unit, display = 'short') {
    if (display === 'long') return `${text} ${unit.replaceAll('-', ' ')}${text === '1' ? '' : 's'}`;
    const symbol = UNITS[unit] ?? unit;
    if (/^[°%]/.test(symbol)) return text + symbol;
    return `${text} ${symbol}${(unit === 'day' || unit === 'byte') && text !== '1' ? (unit === 'day' ? 's' : '') : ''}`;
  }

  formatToParts(value) {
    const { locale, style } = this.#options;
    const [group, point] = SEPARATORS[locale] ?? SEPARATORS[locale.split('-')[0]] ?? SEPARATORS.en;
    const parts = [];
    let type = 'integer';
    for (const [text] of this.format(value).matchAll(/\d+|NaN|[-+]|\s+|[^\d\s+-]+/g)) {
      const before = parts.at(-1)?.type;
      if (/^\d/.test(text)) parts.push({ type, value: text });
      else if (text === group && before === 'integer') parts.push({ type: 'group', value: text });
      else if (text === point && before === 'integer') {
        type = 'fraction';
        parts.push({ type: 'decimal', value: text });
      } else parts.push({ type: partType(text, style), value: text });
    }
    return parts;
  }

  resolvedOptions() {
    const { locale, style, currency, currencyDisplay, currencySign, unit, unitDisplay, ...options } = this.#options;
    const { minimumSignificantDigits, maximumSignificantDigits } = options;
    return {
      locale,
      numberingSystem: 'latn',
      style,
      ...(currency && { currency, currencyDisplay: currencyDisplay ?? 'symbol', currencySign: currencySign ?? 'standard' }),
      ...(unit && { unit, unitDisplay: unitDisplay ?? 'short' }),
      minimumIntegerDigits: options.minimumIntegerDigits ?? 1,
      minimumFractionDigits: options.minimumFractionDigits,
      maximumFractionDigits: options.maximumFractionDigits,
      ...(minimumSignificantDigits !== undefined && { minimumSignificantDigits }),
      ...(maximumSignificantDigits !== undefined && { maximumSignificantDigits }),
      useGrouping: options.useGrouping === true ? 'auto' : options.useGrouping,
      notation: options.notation ?? 'standard',
      ...(options.notation === 'compact' && { compactDisplay: options.compactDisplay ?? 'short' }),
      signDisplay: options.signDisplay ?? 'auto',
      roundingMode: 'halfExpand',
      roundingIncrement: 1,
      trailingZeroDisplay: 'auto',
      roundingPriority: 'auto',
    };
  }

  static supportedLocalesOf(locales) {
    return [locales].flat();
  }
}
