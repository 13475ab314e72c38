// Dark or light: the system's setting, until the user changes it. Runs before the first paint, so
// it is not a module.

(() => {
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
})();
