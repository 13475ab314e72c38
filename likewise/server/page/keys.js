// The key: requested when the server requires one, stored for this tab only, forgotten on demand.

import { find } from "./elements.js";

const NAME = "likewise-key";
let asking = null; // one dialog, shared by all requests that wait for the key

export function currentKey() {
  return sessionStorage.getItem(NAME);
}

/** Ask for a key, or for another one; resolves to whether there is one to try now. */
export function askForKey() {
  asking ??= opened(currentKey() ? "The server does not know this key." : "").finally(() => {
    asking = null;
  });
  return asking;
}

/** Wire the key's button and dialog; `changed` is called when another key is in use. */
export function startKeys(changed) {
  find("#key-button").addEventListener("click", async () => {
    if (await opened("")) changed();
  });
  find("#key-forget").addEventListener("click", () => {
    sessionStorage.clear();
    location.reload(); // nothing that the key gave access to stays
  });
  find("#key-cancel").addEventListener("click", () => find("#key-dialog").close());
  showButton();
}

function opened(problem) {
  const dialog = find("#key-dialog");
  const input = find("#key-input");
  input.value = "";
  find("#key-error").textContent = problem;
  input.toggleAttribute("aria-invalid", Boolean(problem));
  find("#key-forget").hidden = !currentKey();
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(taken(dialog, input)), { once: true });
  });
}

function taken(dialog, input) {
  const key = input.value.trim();
  input.value = "";
  if (dialog.returnValue !== "use" || !key) return false;
  sessionStorage.setItem(NAME, key);
  showButton();
  return true;
}

function showButton() {
  find("#key-button").hidden = !currentKey();
}
