// The error rates of each threshold, from the distances between the gallery's pairs.

import { whenReady } from "./api.js";

let loaded = null;

/** The gallery's distances, once the server has them; one request serves all views. */
export function distances() {
  loaded ??= whenReady("/v1/gallery/distances").catch((error) => {
    loaded = null;
    throw error;
  });
  return loaded;
}

/** Request the distances again, because the gallery has changed. */
export function forgetDistances() {
  loaded = null;
}

/**
 * The rates at a threshold: those of the largest measured threshold that does not exceed it.
 * @returns {{fmr: number|null, fnmr: number|null, fpir: number|null}}
 */
export function ratesAt(known, threshold) {
  if (!known) return { fmr: null, fnmr: null, fpir: null };
  const at = placeOf(known.thresholds, threshold);
  if (at < 0) return { fmr: 0, fnmr: 1, fpir: known.fpir ? 0 : null };
  return { fmr: known.fmr[at], fnmr: known.fnmr[at], fpir: known.fpir?.[at] ?? null };
}

/** The threshold at which both error rates are equal: the start where nothing was calibrated. */
export function equalErrorThreshold(known) {
  const at = known.thresholds.findIndex((_, place) => known.fmr[place] >= known.fnmr[place]);
  return known.thresholds[Math.max(at, 0)];
}

/** The distance that a given share of the pairs does not exceed. */
export function quantile(edges, shares, share) {
  let sum = 0;
  const at = shares.findIndex((part) => (sum += part) >= share);
  return edges[(at < 0 ? shares.length - 1 : at) + 1];
}

/** The last place whose value is at most `value`, by bisection; -1 if there is none. */
function placeOf(ascending, value) {
  let [low, high] = [-1, ascending.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ascending[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
