// Time zones: offsets by today's rules, for the zones that programs name.

// Rule of daylight saving time: [month, which Sunday (-1: the last), hour] of its beginning and end; are they in UTC?
const RULES = {
  us: { begins: [2, 2, 2], ends: [10, 1, 2], isUTC: false },
  eu: { begins: [2, -1, 1], ends: [9, -1, 1], isUTC: true },
  au: { begins: [9, 1, 2], ends: [3, 1, 3], isUTC: false },
  nz: { begins: [8, -1, 2], ends: [3, 1, 3], isUTC: false },
};

// zone: [minutes ahead of UTC, rule, letter of the American abbreviation, long name without "Standard Time"]
const ZONES = {
  'America/New_York': [-300, 'us', 'E', 'Eastern'],
  'America/Toronto': [-300, 'us', 'E', 'Eastern'],
  'America/Detroit': [-300, 'us', 'E', 'Eastern'],
  'US/Eastern': [-300, 'us', 'E', 'Eastern'],
  'America/Chicago': [-360, 'us', 'C', 'Central'],
  'US/Central': [-360, 'us', 'C', 'Central'],
  'America/Denver': [-420, 'us', 'M', 'Mountain'],
  'America/Phoenix': [-420, '', 'M', 'Mountain'],
  'America/Los_Angeles': [-480, 'us', 'P', 'Pacific'],
  'America/Vancouver': [-480, 'us', 'P', 'Pacific'],
  'US/Pacific': [-480, 'us', 'P', 'Pacific'],
  'America/Anchorage': [-540, 'us', 'AK', 'Alaska'],
  'America/Halifax': [-240, 'us', 'A', 'Atlantic'],
  'Pacific/Honolulu': [-600, '', 'H', 'Hawaii-Aleutian'],
  'America/Sao_Paulo': [-180, '', '', 'Brasilia'],
  'America/Argentina/Buenos_Aires': [-180, '', '', 'Argentina'],
  'America/Bogota': [-300, '', '', 'Colombia'],
  'America/Mexico_City': [-360, '', 'C', 'Central'],
  'Europe/London': [0, 'eu', '', 'Greenwich Mean'],
  'Europe/Moscow': [180, '', '', 'Moscow'],
  'Europe/Istanbul': [180, '', '', 'Türkiye'],
  'Africa/Cairo': [120, '', '', 'Eastern European'],
  'Africa/Lagos': [60, '', '', 'West Africa'],
  'Africa/Johannesburg': [120, '', '', 'South Africa'],
  'Africa/Nairobi': [180, '', '', 'East Africa'],
  'Asia/Dubai': [240, '', '', 'Gulf'],
  'Asia/Karachi': [300, '', '', 'Pakistan'],
  'Asia/Kolkata': [330, '', '', 'India'],
  'Asia/Calcutta': [330, '', '', 'India'],
  'Asia/Kathmandu': [345, '', '', 'Nepal'],
  'Asia/Dhaka': [360, '', '', 'Bangladesh'],
  'Asia/Bangkok': [420, '', '', 'Indochina'],
  'Asia/Jakarta': [420, '', '', 'Western Indonesia'],
  'Asia/Shanghai': [480, '', '', 'China'],
  'Asia/Hong_Kong': [480, '', '', 'Hong Kong'],
  'Asia/Singapore': [480, '', '', 'Singapore'],
  'Asia/Manila': [480, '', '', 'Philippine'],
  'Asia/Taipei': [480, '', '', 'Taipei'],
  'Australia/Perth': [480, '', '', 'Australian Western'],
  'Asia/Tokyo': [540, '', '', 'Japan'],
  'Asia/Seoul': [540, '', '', 'Korean'],
  'Australia/Brisbane': [600, '', '', 'Australian Eastern'],
  'Australia/Sydney': [600, 'au', '', 'Australian Eastern'],
  'Australia/Melbourne': [600, 'au', '', 'Australian Eastern'],
  'Pacific/Auckland': [720, 'nz', '', 'New Zealand'],
};
const CENTRAL = 'Paris Berlin Madrid Rome Vienna Amsterdam Brussels Zurich Stockholm Oslo Copenhagen Prague Warsaw Budapest';
const EASTERN = 'Athens Helsinki Kiev Kyiv Bucharest Sofia';
for (const city of CENTRAL.split(' ')) ZONES[`Europe/${city}`] = [60, 'eu', '', 'Central European'];
for (const city of EASTERN.split(' ')) ZONES[`Europe/${city}`] = [120, 'eu', '', 'Eastern European'];
const UTC = ['utc', 'gmt', 'etc/utc', 'etc/gmt', 'universal', 'zulu', '+00:00'];
const NAMES = new Map(Object.keys(ZONES).map((name) => [name.toLowerCase(), name]));
for (const name of UTC) NAMES.set(name, 'UTC');

// The usual spelling of a zone's name; offsets such as +02:00 are zones too.
export function zoneName(zone) {
  if (zone === undefined) return 'UTC';
  const text = String(zone);
  const name = NAMES.get(text.toLowerCase()) ?? (/^[+-]\d\d:\d\d$/.test(text) ? text : undefined);
  if (name === undefined) throw new RangeError(`Invalid time zone specified: ${text}`);
  return name;
}

function instant(year, [month, which, hour]) {
  if (which < 0) {
    const last = new Date(Date.UTC(year, month + 1, 0));
    return Date.UTC(year, month, last.getUTCDate() - last.getUTCDay(), hour);
  }
  const first = new Date(Date.UTC(year, month, 1)).getUTCDay();
  return Date.UTC(year, month, 1 + ((7 - first) % 7) + 7 * (which - 1), hour);
}

function isSummer(time, offset, { begins, ends, isUTC }) {
  const year = new Date(time + offset * 60000).getUTCFullYear();
  const start = instant(year, begins) - (isUTC ? 0 : offset * 60000);
  const end = instant(year, ends) - (isUTC ? 0 : (offset + 60) * 60000);
  return start < end ? time >= start && time < end : time >= start || time < end;
}

// What a zone's clock shows: how far it is ahead, in minutes, and its short and long name.
export function zoneAt(name, time) {
  if (name === 'UTC') return { offset: 0, short: 'UTC', long: 'Coordinated Universal Time' };
  if (ZONES[name] === undefined) {
    const minutes = Number(name.slice(1, 3)) * 60 + Number(name.slice(4));
    const offset = name.startsWith('-') ? -minutes : minutes;
    return { offset, short: ahead(offset), long: ahead(offset) };
  }
  const [standard, rule, letter, title] = ZONES[name];
  const summer = rule !== '' && isSummer(time, standard, RULES[rule]);
  const offset = standard + (summer ? 60 : 0);
  const short = letter ? `${letter}${summer ? 'D' : 'S'}T` : ahead(offset);
  return { offset, short, long: longName(title, rule, summer) };
}

function ahead(offset) {
  if (offset === 0) return 'GMT';
  const size = Math.abs(offset);
  const minutes = size % 60 ? `:${String(size % 60).padStart(2, '0')}` : '';
  return `GMT${offset < 0 ? '-' : '+'}${Math.floor(size / 60)}${minutes}`;
}

function longName(title, rule, summer) {
  if (title === 'Greenwich Mean') return summer ? 'British Summer Time' : 'Greenwich Mean Time';
  if (summer) return `${title} ${rule === 'eu' ? 'Summer' : 'Daylight'} Time`;
  const isPlain = /^(East Africa|West Africa|Western Indonesia|Indochina|Nepal)$/.test(title);
  return `${title} ${isPlain ? '' : 'Standard '}Time`;
}
