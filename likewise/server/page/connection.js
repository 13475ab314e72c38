// Whether the server answers. While it does not, a notice says so and requests wait.

import { announce, button, find } from "./elements.js";

const SECONDS = 2; // between two polls
let waiting = null; // shared by all waiting requests

/** Whether the server answers at all. */
export async function reachable() {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Show the notice and wait until the server answers again. */
export function restored(signal) {
  waiting ??= untilBack().finally(() => {
    waiting = null;
  });
  return Promise.race([waiting, ended(signal)]);
}

async function untilBack() {
  if (await reachable()) return;
  const notice = find("#stopped");
  let retry = () => {};
  notice.replaceChildren(
    `The server at ${location.host} does not answer. Nothing is lost: `,
    "what you asked goes out again once it is back. ",
    button("Try again", { onclick: () => retry() }),
  );
  notice.hidden = false;
  do {
    await new Promise((resolve) => {
      retry = resolve;
      setTimeout(resolve, 1000 * SECONDS);
    });
  } while (!(await reachable()));
  notice.hidden = true;
  announce("The server answers again.");
}

function ended(signal) {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
