// ===== dates in many locales
const d = new Date(Date.UTC(2024, 2, 5, 14, 7, 9));
console.log(d.toLocaleDateString('de-DE'), d.toLocaleString('de-DE'), d.toLocaleTimeString('de-DE'));
console.log(d.toLocaleDateString('de-DE', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
console.log(d.toLocaleDateString('de-DE', { month: 'short', day: 'numeric' }), d.toLocaleDateString('de-DE', { month: 'long' }), d.toLocaleDateString('de-DE', { weekday: 'short' }));
console.log(d.toLocaleDateString('fr-FR', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
console.log(d.toLocaleDateString('es-ES', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
console.log(d.toLocaleDateString('it-IT', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
console.log(d.toLocaleDateString('pt-BR', { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }));
for (const l of ['en-US', 'en-GB', 'de-DE', 'fr-FR', 'es-ES', 'ja-JP', 'zh-CN', 'ko-KR', 'ru-RU', 'sv-SE', 'nl-NL', 'pt-BR', 'it-IT', 'pl-PL', 'en-CA', 'en-AU', 'en-IN', 'tr-TR'])
  console.log(l, d.toLocaleDateString(l), '|', d.toLocaleTimeString(l), '|', d.toLocaleString(l));

// ===== dates by every option
const d = new Date(Date.UTC(2024, 2, 5, 14, 7, 9, 45));
const f = (o, l = 'en-US') => console.log(JSON.stringify(o), new Intl.DateTimeFormat(l, o).format(d));
for (const dateStyle of ['full', 'long', 'medium', 'short']) { f({ dateStyle });
for (const timeStyle of ['full', 'long', 'medium', 'short']) f({ dateStyle, timeStyle }); }
for (const timeStyle of ['full', 'long', 'medium', 'short']) f({ timeStyle });
f({ hour: 'numeric' });
f({ hour: '2-digit', minute: '2-digit' });
f({ hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
f({ hour: 'numeric', minute: 'numeric', hourCycle: 'h23' });
f({ weekday: 'short', hour: 'numeric' });
f({ month: '2-digit', day: '2-digit', year: 'numeric' });
f({ month: 'short', year: 'numeric' });
f({ month: 'long', day: 'numeric' });
f({ year: '2-digit', month: 'numeric' });
f({ era: 'short', year: 'numeric' });
f({ timeZoneName: 'short' });
f({ timeZone: 'America/New_York' });
f({ hour: 'numeric', timeZone: 'Asia/Tokyo', timeZoneName: 'short' });
f({ fractionalSecondDigits: 3, second: 'numeric' });
f({ minute: '2-digit', second: '2-digit' });
f({ dayPeriod: 'long', hour: 'numeric' });
f({ dateStyle: 'full' }, 'en-GB');
f({ dateStyle: 'medium' }, 'en-GB');
f({ dateStyle: 'long', timeStyle: 'short' }, 'en-GB');
console.log(new Intl.DateTimeFormat('en-US').formatToParts(d));
console.log(new Intl.DateTimeFormat('en-US', { dateStyle: 'long' }).formatRange(d, new Date(+d + 864e5 * 3)));

// ===== numbers in many locales
const n = (v, o, l = 'en-US') => console.log(l, JSON.stringify(o), new Intl.NumberFormat(l, o).format(v));
for (const l of ['en-US', 'de-DE', 'fr-FR', 'es-ES', 'en-IN', 'ja-JP', 'pt-BR', 'ru-RU', 'sv-SE', 'pl-PL', 'it-IT', 'hi-IN']) { n(1234567.891, {}, l);
n(1234.5, { style: 'currency', currency: 'EUR' }, l);
n(0.256, { style: 'percent', maximumFractionDigits: 1 }, l); }
n(1234.5, { style: 'currency', currency: 'USD' });
n(-1234.5, { style: 'currency', currency: 'USD', currencySign: 'accounting' });
n(1234.5, { style: 'currency', currency: 'JPY' });
n(1e9, { notation: 'compact' });
n(12345, { notation: 'compact', compactDisplay: 'long' });
n(12345, { notation: 'scientific' });
n(12345, { notation: 'engineering' });
n(5, { minimumIntegerDigits: 3 });
n(3.14159, { maximumSignificantDigits: 3 });
n(50, { style: 'unit', unit: 'kilometer-per-hour' });
n(16, { style: 'unit', unit: 'liter', unitDisplay: 'long' });
n(1.005, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
n(2.5, { maximumFractionDigits: 0 });
n(3.5, { maximumFractionDigits: 0, roundingMode: 'halfEven' });
n(1, { signDisplay: 'always' });
n(1234, { useGrouping: false });
n(1e21, {});
n(123456789012345678901234567890n, {});
n(0.000001234, {});
n(NaN, {});
n(Infinity, {});
n(-0, {});
n(1234.5, { style: 'currency', currency: 'USD', minimumFractionDigits: 0 });
n(99.99, { style: 'currency', currency: 'USD', maximumFractionDigits: 0 });
n(5, { style: 'currency', currency: 'USD', currencyDisplay: 'name' });
n(5, { style: 'currency', currency: 'GBP' }, 'en-GB');
console.log(new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' }).formatToParts(-1234.5));
console.log(new Intl.NumberFormat('en-US').formatToParts(1234.5));
console.log(new Intl.NumberFormat().resolvedOptions());

// ===== plurals, lists, relative times, names
console.log(new Intl.PluralRules('en-US').select(1), new Intl.PluralRules('en-US', { type: 'ordinal' }).select(22), new Intl.PluralRules('en').resolvedOptions().pluralCategories);
console.log(new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-1, 'day'), new Intl.RelativeTimeFormat('en').format(3, 'months'), new Intl.RelativeTimeFormat('en', { style: 'short' }).format(-2, 'hour'));
console.log(new Intl.ListFormat('en', { style: 'long', type: 'conjunction' }).format(['a', 'b', 'c']), new Intl.ListFormat('en', { style: 'narrow', type: 'unit' }).format(['a', 'b']), new Intl.ListFormat('en-GB').format(['a', 'b', 'c']), new Intl.ListFormat('de').format(['a', 'b', 'c']));
console.log(['ä', 'a', 'z', 'Z', 'é', 'e', 'B', '10', '2', '_', ' '].sort(new Intl.Collator('en').compare), ['10', '9', '2', '1'].sort(new Intl.Collator(undefined, { numeric: true }).compare));
console.log('a'.localeCompare('b'), 'a'.localeCompare('A'), 'résumé'.localeCompare('resume'), 'a'.localeCompare('á', 'en', { sensitivity: 'base' }), 'A'.localeCompare('a', undefined, { sensitivity: 'accent' }), 'a'.localeCompare('A', 'en', { caseFirst: 'upper' }));
console.log([...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment('👨‍👩‍👧é')].map((s) => s.segment), [...new Intl.Segmenter('en', { granularity: 'word' }).segment('Hello, world! It\'s 3.5')].filter((s) => s.isWordLike).map((s) => s.segment), [...new Intl.Segmenter('en', { granularity: 'sentence' }).segment('Hi there. How are you? Fine.')].map((s) => s.segment));
console.log(Intl.DateTimeFormat().resolvedOptions().timeZone, Intl.DateTimeFormat().resolvedOptions().locale, Intl.getCanonicalLocales('EN-us'), new Intl.DisplayNames('en', { type: 'region' }).of('US'), Intl.NumberFormat.supportedLocalesOf(['en-US']));
console.log(new Intl.Locale('en-Latn-US').language, new Intl.DisplayNames(['en'], { type: 'currency' }).of('USD'), new Intl.DisplayNames(['en'], { type: 'language' }).of('fr'));
console.log([1234.5, new Date(0)].toLocaleString('en-US'), (1234.567).toLocaleString(), (0.5).toLocaleString('en', { style: 'percent' }), 12345678901234567890n.toLocaleString('de-DE'));

// ===== default locale strings and parsed dates
const d = new Date('2024-12-25T00:05:00Z');
console.log(d.toLocaleString(), d.toLocaleDateString(), d.toLocaleTimeString(), d.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }), d.toLocaleTimeString('en-US', { hour12: false }), d.toLocaleDateString(undefined, { dateStyle: 'medium' }), d.toLocaleDateString('en-GB', { day: '2-digit', month: 'short', year: 'numeric' }));
console.log(d.toString(), d.toDateString(), d.toTimeString(), d.toUTCString(), d.toGMTString(), d.toISOString(), d.toJSON(), String(new Date(NaN)));
for (const s of ['2024-01-01', '2024-01-01T10:00', '2024-01-01 10:00', 'Jan 5, 2024', '5 January 2024', '2024/3/4', '03/04/2024', 'Mon, 05 Feb 2024 10:00:00 GMT', '2024-02-30', '2024-13-01', 'invalid', '2024', '2024-1-5', 'Tue Mar 05 2024 10:00:00 GMT+0200', '12:00', '2024-01-01T10:00:00+05:30', '+012024-01-01T00:00:00Z', 'March 7', '2024-01-01T24:00:00', '1/2/99', '20240105', 'Jan 1 2024 3:04 PM', '2024-06-15T12:34:56.789123Z', 'Thu, 01 Jan 1970 00:00:00 EST', '2024-1-1 5:6:7', '2024.05.06', '', ' 2024-01-01', 'May 2024', '1 Feb', 'Sept 5 2024', '2024-W05', '25 Dec 1995 13:30 GMT+01:00', '-000001-01-01T00:00:00Z'])
  console.log(JSON.stringify(s), Date.parse(s));
console.log(new Date(2024, 0, 31, 25).toISOString(), new Date(99, 1).getFullYear(), Date.UTC(2024), new Date(2024, 1, 29).getDay(), new Date(8.64e15 + 1).getTime(), new Date(null).getTime(), new Date(undefined).getTime(), new Date('2024-03-10').getTimezoneOffset());

// ===== time zones through the year
const zones = 'America/New_York America/Chicago America/Denver America/Phoenix America/Los_Angeles America/Anchorage Pacific/Honolulu America/Halifax America/Sao_Paulo America/Bogota America/Mexico_City America/Argentina/Buenos_Aires Europe/London Europe/Paris Europe/Berlin Europe/Madrid Europe/Athens Europe/Helsinki Europe/Moscow Europe/Istanbul Africa/Lagos Africa/Johannesburg Africa/Nairobi Asia/Dubai Asia/Karachi Asia/Kolkata Asia/Kathmandu Asia/Dhaka Asia/Bangkok Asia/Jakarta Asia/Shanghai Asia/Hong_Kong Asia/Singapore Asia/Manila Asia/Tokyo Asia/Seoul Australia/Perth Australia/Brisbane Australia/Sydney Pacific/Auckland UTC'.split(' ');
const instants = ['2024-01-15T12:00:00Z', '2024-03-10T06:59:59Z', '2024-03-10T07:00:00Z', '2024-03-31T00:59:59Z', '2024-03-31T01:00:00Z', '2024-04-06T15:59:59Z', '2024-04-06T16:00:00Z', '2024-07-04T23:30:00Z', '2024-10-05T15:59:59Z', '2024-10-05T16:00:00Z', '2024-10-27T01:00:00Z', '2024-11-03T05:59:59Z', '2024-11-03T06:00:00Z', '2023-12-31T18:30:00Z'];
for (const timeZone of zones) console.log(timeZone, instants.map((text) => new Date(text).toLocaleString('en-US', { timeZone, timeZoneName: 'short' })).join(' | '));
for (const timeZone of zones) console.log(timeZone, [0, 7].map((i) => new Date(instants[i]).toLocaleTimeString('en-US', { timeZone, timeZoneName: 'long' })).join(' | '));
try { new Intl.DateTimeFormat('en-US', { timeZone: 'Mars/Olympus' }); } catch (e) { console.log(e.name, e.message); }
console.log(new Intl.DateTimeFormat('en-US', { timeZone: 'asia/tokyo' }).resolvedOptions().timeZone);
