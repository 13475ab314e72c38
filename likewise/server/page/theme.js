// Dark or light: as the system says, until the user says otherwise. Runs before the first paint,
// so it is no module.

(() => {
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
})();
