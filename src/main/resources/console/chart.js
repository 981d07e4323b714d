// A tile with the current value of a metric and a chart of the last minutes.

import { duration } from './format.js';

const WIDTH = 300;
const MIN_SECONDS = 60;
const HEIGHT = 56;
/** The chart has a break between samples that are further apart. */
const HOLE_MS = 2_500;

/**
 * @typedef {object} Tile
 * @property {string} title
 * @property {((sample: any) => number | undefined)[]} series the main series and an optional second one
 * @property {boolean} [spikes] whether rare high values may leave the chart at the top
 * @property {(value: number) => string} format
 * @property {(sample: any) => string} now the current value of the main series
 * @property {(sample: any) => string} [second] the current value of the second series
 * @property {(sample: any) => string} [more] further text
 */

/** @param {Tile} tile @param {HTMLElement} place @returns {(samples: any[]) => void} redraws the tile */
export function chart(tile, place) {
  const figure = document.getElementById('tile').content.firstElementChild.cloneNode(true);
  const find = (selector) => figure.querySelector(selector);
  find('figcaption').textContent = tile.title;
  find('.key').hidden = !tile.second;
  place.append(figure);

  return (samples) => {
    const latest = samples.at(-1);
    const values = tile.series.flatMap((series) => samples.map(series)).filter((value) => value !== undefined);
    const highest = Math.max(0, ...values);
    const top = nice(tile.spikes ? withoutSpikes(values, highest) : highest);
    const [main, second] = tile.series.map((series) => path(samples, series, top));
    find('.now strong').textContent = tile.now(latest);
    find('.key').textContent = tile.second?.(latest) ?? '';
    find('.more').textContent = tile.more?.(latest) ?? '';
    find('.line:not(.second)').setAttribute('d', main.line);
    find('.area').setAttribute('d', main.area);
    find('.second').setAttribute('d', second?.line ?? '');
    find('.unsubscribed').setAttribute('d', path(samples, (sample) => (sample.live ? undefined : 1), 1).area);
    find('.top').textContent = top ? `${tile.format(top)}${highest > top ? `, highest ${tile.format(highest)}` : ''}` : '';
    find('.start').textContent = `${duration(Math.max(MIN_SECONDS, Math.round((latest.at - samples[0].at) / 1000)))} ago`;
    find('svg').setAttribute('aria-label', `${tile.title}: now ${tile.now(latest)}, at most ${tile.format(highest)}`);
  };
}

/** Returns the highest value that the chart must show: a few spikes would flatten everything else. @param {number[]} values @param {number} highest */
function withoutSpikes(values, highest) {
  const usual = values.toSorted((a, b) => a - b)[Math.floor(0.9 * (values.length - 1))] ?? 0;
  return usual > 0 ? Math.min(highest, 3 * usual) : highest;
}

/** Rounds up to the next of 1, 2, 5, 10, 20, … @param {number} value */
function nice(value) {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

/** @param {any[]} samples @param {(sample: any) => number | undefined} series @param {number} top */
function path(samples, series, top) {
  const now = samples.at(-1).at;
  const pixel = WIDTH / Math.max(MIN_SECONDS * 1000, now - samples[0].at);
  const runs = [];
  let before = -Infinity;
  for (const sample of samples) {
    const value = series(sample);
    if (value === undefined) continue;
    if (sample.at - before > HOLE_MS) runs.push([]);
    before = sample.at;
    const x = WIDTH - (now - sample.at) * pixel;
    const y = HEIGHT - 1 - (top ? Math.min(1, value / top) : 0) * (HEIGHT - 2);
    runs.at(-1).push(`${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  return {
    line: runs.map((run) => `M${run.join('L')}${run.length === 1 ? 'h1' : ''}`).join(''),
    area: runs.map((run) => `M${x(run[0])} ${HEIGHT}L${run.join('L')}L${x(run.at(-1))} ${HEIGHT}Z`).join(''),
  };
}

/** @param {string} point */
function x(point) {
  return point.split(' ')[0];
}
