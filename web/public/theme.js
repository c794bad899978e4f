// Before the first paint: the theme that was chosen last time. Without a choice the system's is followed.
try {
  const theme = localStorage.getItem("prag-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is right then.
}
