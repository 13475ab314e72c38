// A job: a large upload that the server checks in the background while the page polls it.
//
// Its id is stored for this tab, so a reloaded page continues to follow it.

import { ApiError, json, pathOf, pause, send } from "./api.js";

const NAME = "likewise-job";
const POLL = 300; // milliseconds between two polls

/** Send an upload and follow its job, as a stream like that of `bulkCheck`. */
export async function* startedJob(body, query, signal) {
  yield* followed(await json("POST", "/v1/jobs/check", { query, body, signal }), signal);
}

/** The job that this tab followed before a reload, as such a stream; null if there is none. */
export async function leftJob(signal) {
  const id = sessionStorage.getItem(NAME);
  if (id === null) return null;
  try {
    return followed(await json("GET", pathOf("jobs", id), { signal }), signal);
  } catch (error) {
    if (error.status === 404) sessionStorage.removeItem(NAME); // removed, or another server's
    return null;
  }
}

async function* followed(job, signal) {
  const path = pathOf("jobs", job.id);
  sessionStorage.setItem(NAME, job.id);
  try {
    while (job.state === "waiting" || job.state === "running") {
      yield { rows: [], done: job.done, total: job.total };
      await pause(POLL, signal);
      job = await json("GET", path, { signal });
    }
    if (job.state !== "done") throw ended(job);
    const rows = await rowsOf(path, signal);
    yield { rows, done: rows.length, total: rows.length };
  } finally {
    sessionStorage.removeItem(NAME);
    send("DELETE", path).catch(() => {}); // it may no longer exist
  }
}

async function rowsOf(path, signal) {
  const answer = await send("GET", `${path}/result`, { query: { format: "jsonl" }, signal });
  const lines = (await answer.text()).split("\n");
  return lines.filter(Boolean).map((line) => JSON.parse(line));
}

function ended(job) {
  return new ApiError(0, job.error ?? { message: `The job was ${job.state} before its end.` });
}
