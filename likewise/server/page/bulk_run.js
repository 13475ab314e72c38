// A running bulk check, as a stream of {rows, done, total}: new rows, and the progress so far.
//
// A few hundred pictures are sent in parts, so that rows appear at once; more, or an archive, are
// sent as one job that the server checks in the background.

import { formOf, json } from "./api.js";
import { startedJob } from "./bulk_job.js";

const AT_ONCE = 64; // pictures in one request
const FEW = 512; // pictures; at most this many are sent in parts
const LONGEST = 200; // characters of a job's name
const ARCHIVES = { zip: "application/zip", csv: "text/csv" };

/**
 * Check pictures.
 * @param {Array<{file: File, name: string}>} pictures Or a single zip or CSV.
 * @param {object} query Query of POST /v1/check.
 * @param {object} limits Limits of the server, from GET /v1/gallery.
 * @param {AbortSignal} signal Cancels, on the server too.
 * @returns {AsyncGenerator<{rows: Array<object>, done: number, total: number|null}>}
 */
export function bulkCheck(pictures, query, limits, signal) {
  const inParts = !isArchive(pictures) && pictures.length <= FEW;
  return inParts
    ? parts(pictures, query, limits, signal)
    : startedJob(bodyOf(pictures), { ...query, name: nameOf(pictures) }, signal);
}

/** Whether this is a single file of many pictures. */
export function isArchive(pictures) {
  return pictures.length === 1 && archiveType(pictures[0]) !== undefined;
}

async function* parts(pictures, query, limits, signal) {
  let done = 0;
  for (const some of split(pictures, limits)) {
    const rows = await check(some, query, signal);
    done += rows.length;
    yield { rows, done, total: pictures.length };
  }
}

/** Split into requests of similar size within the server's limits, none with a single picture. */
function* split(pictures, { images = AT_ONCE, bytes = Infinity }) {
  const most = Math.ceil(pictures.length / Math.ceil(pictures.length / Math.min(images, AT_ONCE)));
  let [some, size] = [[], 0];
  for (const picture of pictures) {
    if (some.length && (some.length >= most || size + picture.file.size > bytes / 2)) {
      yield some;
      [some, size] = [[], 0];
    }
    some.push(picture);
    size += picture.file.size;
  }
  if (some.length) yield some;
}

async function check(some, query, signal) {
  try {
    return (await json("POST", "/v1/check", { query, body: formOf(some), signal })).rows;
  } catch (error) {
    if (some.length > 1 || error.code !== "not_an_image") throw error;
    return [unreadable(some[0], error)];
  }
}

/** The row of a single picture that cannot be read: the server answers with an error instead. */
export function unreadable({ name }, { message }) {
  const nothing = { label: null, distance: null, runner_up_label: null, neighbours: [] };
  return { id: name, decision: "error", reason: message, ...nothing };
}

/** The name of an archive, with which the server speaks of it; null for many files. */
function nameOf(pictures) {
  return isArchive(pictures) ? pictures[0].name.slice(0, LONGEST) : null;
}

function bodyOf(pictures) {
  if (!isArchive(pictures)) return formOf(pictures);
  return new Blob([pictures[0].file], { type: archiveType(pictures[0]) });
}

function archiveType({ name }) {
  return ARCHIVES[name.toLowerCase().split(".").at(-1)];
}
