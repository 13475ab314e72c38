// Takes pictures that are dropped, pasted or chosen, single files and whole folders.
//
// The result is always a list of {file, name}; the name is the path within the dropped folder.

/**
 * Take pictures that are dropped on an element.
 * @param {HTMLElement} element Has the class `over` while files are dragged over it.
 * @param {function(Array<{file: File, name: string}>): void} taken
 */
export function takeDrops(element, taken) {
  let depth = 0; // a child is entered before its parent is left
  const over = (change) => {
    depth = Math.max(0, depth + change);
    element.classList.toggle("over", depth > 0);
  };
  element.addEventListener("dragenter", (event) => {
    event.preventDefault();
    over(1);
  });
  element.addEventListener("dragleave", () => over(-1));
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", async (event) => {
    const isTaken = event.defaultPrevented; // by an element within this one
    event.preventDefault();
    over(-Infinity);
    if (isTaken) return;
    element.classList.add("reading"); // a folder of thousands takes a while
    const pictures = await dropped(event.dataTransfer);
    element.classList.remove("reading");
    if (pictures.length) taken(pictures);
  });
}

/** Take pasted pictures while `isMeant()` is true. */
export function takePastes(isMeant, taken) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || !isMeant(event)) return;
    event.preventDefault();
    taken(files.map((file) => ({ file, name: nameNow("pasted", file.name) })));
  });
}

/** Name a nameless picture uniquely, so that no later one replaces it in a gallery. */
export function nameNow(word, like = ".png") {
  const time = new Date().toISOString().replaceAll(":", "-").slice(0, -1);
  return `${word}-${time}${/\.\w+$/.exec(like)?.[0] ?? ""}`;
}

/** Take files chosen with an <input type="file">; the same files may be chosen twice. */
export function takeChoices(input, taken) {
  input.addEventListener("change", () => {
    const pictures = named([...input.files]);
    input.value = "";
    if (pictures.length) taken(pictures);
  });
}

/** Keep the browser from opening a dropped file in place of the page. */
export function ignoreStrayDrops() {
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => event.preventDefault());
  }
}

function named(files) {
  return files.map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return named([...transfer.files]);
  return (await Promise.all(entries.map(filesOf))).flat();
}

/** The files of an entry, ordered by name, without hidden ones. */
async function filesOf(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: entry.fullPath.replace(/^\//, "") }];
  }
  const inside = await children(entry.createReader());
  inside.sort((one, other) => (one.name < other.name ? -1 : 1));
  return (await Promise.all(inside.map(filesOf))).flat();
}

/** Read a folder, which comes in parts; an empty part ends it. */
async function children(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
