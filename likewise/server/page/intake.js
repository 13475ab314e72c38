// Pictures that come from outside: dropped, pasted or chosen, single files and whole folders.
//
// What comes out is always a list of {file, name}; the name is the path within what was dropped.

/**
 * Take what is dropped on an element.
 * @param {HTMLElement} element Has the class `over` while something is held above it.
 * @param {function(Array<{file: File, name: string}>): void} taken
 */
export function takeDrops(element, taken) {
  let depth = 0; // entering a child comes before leaving its parent
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

/** Take what is pasted while `isMeant` says that it is meant for this place. */
export function takePastes(isMeant, taken) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || !isMeant(event)) return;
    event.preventDefault();
    taken(files.map((file) => ({ file, name: nameNow("pasted", file.name) })));
  });
}

/** Name something that has no name of its own, so that no later one replaces it in a gallery. */
export function nameNow(word, like = ".png") {
  const time = new Date().toISOString().replaceAll(":", "-").slice(0, -1);
  return `${word}-${time}${/\.\w+$/.exec(like)?.[0] ?? ""}`;
}

/** Take what is chosen with an <input type="file">; the same files may be chosen twice. */
export function takeChoices(input, taken) {
  input.addEventListener("change", () => {
    const pictures = named([...input.files]);
    input.value = "";
    if (pictures.length) taken(pictures);
  });
}

/** A dropped file is not to take the page's place. */
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

/** Give the files of an entry in the order of their names; hidden ones are left out. */
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

/** A reader gives a folder in parts; an empty part is the end. */
async function children(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
