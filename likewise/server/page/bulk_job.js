// A job: a large upload that the server works through while the page follows it.
//
// Its id is kept for this tab, so that a page that is loaded again goes on following it.

import { ApiError, json, pathOf, pause, send } from "./api.js";

const NAME = "likewise-job";
const POLL = 300; // milliseconds between two looks

/** Send an upload and follow what comes of it, as `bulkCheck` gives it. */
export async function* startedJob(body, query, signal) {
  yield* followed(await json("POST", "/v1/jobs/check", { query, body, signal }), signal);
}

/** What this tab followed when it was loaded again, as the same stream; null if there is none. */
export async function leftJob(signal) {
  const id = sessionStorage.getItem(NAME);
  if (id === null) return null;
  try {
    return followed(await json("GET", pathOf("jobs", id), { signal }), signal);
  } catch (error) {
    if (error.status === 404) sessionStorage.removeItem(NAME); // removed, or of another server
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
    send("DELETE", path).catch(() => {}); // it may be gone already
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
