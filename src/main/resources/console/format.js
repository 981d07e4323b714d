// Formats numbers and times.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' });

/** @param {number} value */
export function count(value) {
  return (value < 10 ? small : value < 10_000 ? whole : short).format(value);
}

/** @param {number} value */
export function bytes(value) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit ? Number(value.toPrecision(3)) : Math.round(value)} ${units[unit]}`;
}

/** @param {number | undefined} value milliseconds */
export function millis(value) {
  if (value === undefined) return '–';
  return value < 1000 ? `${Number(value.toPrecision(2))} ms` : `${Number((value / 1000).toPrecision(2))} s`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const units = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return '0 s';
  const [size, name] = units[first];
  const [smaller, smallerName] = units[first + 1] ?? [];
  const rest = smaller ? Math.floor((seconds % size) / smaller) : 0;
  return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${smallerName}` : ''}`;
}

/** The time since then; the browser's clock may differ slightly from the pod's. @param {string} time ISO 8601 */
export function since(time) {
  return duration(Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 1000)));
}

/** @param {string | number} time ISO 8601 or milliseconds since the epoch */
export function clock(time) {
  return new Date(time).toLocaleTimeString('en-GB');
}

/** A number and its noun, in singular or plural. @param {number} number @param {string} one */
export function many(number, one) {
  return `${count(number)} ${number === 1 ? one : `${one}s`}`;
}
