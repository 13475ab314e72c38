// Requests to the server that this page came from.
//
// It hides three things from the views: the user is asked for a key when the server requires one,
// a request waits while the server is down and is then sent again, and every other failure is an
// ApiError with one sentence.

import { reachable, restored } from "./connection.js";
import { askForKey, currentKey } from "./keys.js";

const READY_SECONDS = 2; // between two polls, unless the server names the time

const OF_THE_API = /\b(GET|POST) \/|\/v1\/|\?\w+=/; // hints for programs: paths and options

/** An error response. `message` and `hint` are sentences for people. */
export class ApiError extends Error {
  constructor(status, { code = "internal", message, hint = null }) {
    super(message);
    Object.assign(this, { status, code, hint: OF_THE_API.test(hint ?? "") ? null : hint });
  }
}

/** The path of something with an id; ids may hold slashes. */
export function pathOf(collection, id) {
  return `/v1/${collection}/${encodeURIComponent(id)}`;
}

/**
 * Send a request and return its response, if it succeeds.
 * @param {string} method
 * @param {string} path
 * @param {object} options `query`: parameters, without those that are null; `body`: a Blob,
 *     FormData or plain object, which is sent as JSON; `signal`: ends it.
 * @returns {Promise<Response>}
 * @throws {ApiError} Or an AbortError.
 */
export async function send(method, path, { query = {}, body, signal } = {}) {
  for (let failures = 0; ;) {
    const key = currentKey();
    let answer;
    try {
      answer = await fetch(addressOf(path, query), { method, signal, ...contentOf(body, key) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      failures += 1;
      if (failures > 1 && (await reachable())) throw cutOff();
      await restored(signal);
      continue;
    }
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (problem.status !== 401 || !(await anotherKey(key))) throw problem;
  }
}

/** Send a request and read its answer as JSON. */
export async function json(method, path, options) {
  const answer = await send(method, path, options);
  return answer.status === 204 ? null : answer.json();
}

/** GET something that the server may still be computing: poll until it is ready. */
export async function whenReady(path, { signal, waiting = () => {} } = {}) {
  for (;;) {
    try {
      return await json("GET", path, { signal });
    } catch (error) {
      if (error.status !== 503) throw error;
      waiting();
      await pause(1000 * (error.seconds || READY_SECONDS), signal);
    }
  }
}

/** Pictures as a multipart body, each under the id of its row. */
export function formOf(pictures, field = "images") {
  const form = new FormData();
  for (const picture of pictures) form.append(field, picture.file, picture.name);
  return form;
}

/** Wait, unless `signal` ends it. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Whether there is another key than the refused one; asks the user if necessary. */
async function anotherKey(refused) {
  return currentKey() !== refused || askForKey();
}

function addressOf(path, query) {
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return set.length ? `${path}?${new URLSearchParams(set)}` : path;
}

function contentOf(body, key) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body === undefined || body instanceof Blob || body instanceof FormData)
    return { headers, body };
  return {
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function problemOf(answer) {
  const content = await answer.json().catch(() => ({}));
  const message =
    content.message ?? `The server answered ${answer.status} ${answer.statusText}`.trim() + ".";
  const problem = new ApiError(answer.status, { ...content, message });
  problem.seconds = Number(answer.headers.get("Retry-After"));
  return problem;
}

function cutOff() {
  return new ApiError(0, {
    code: "cut_off",
    message: "The server ended the connection while the pictures were being sent.",
    hint: "They may be too large, or a file changed on your disk: choose fewer, or choose them again.",
  });
}
