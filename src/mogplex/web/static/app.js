// What pages do beyond what the server drew: local times, copying, asking before what can't be undone.
(() => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const short = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

  const localise = (root) => {
    for (const each of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(each.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      each.dataset.local = "";
      each.title = moment.toISOString().replace("T", " ").replace("Z", " UTC");
      const shape = each.dataset.shape;
      each.textContent = (shape === "time" ? short : shape === "short" ? day : format).format(moment);
    }
  };

  const tick = () => {
    for (const each of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(each.dataset.since)));
      const minutes = Math.floor(seconds / 60);
      const hours = Math.floor(minutes / 60);
      each.textContent = hours ? `${hours} h ${minutes % 60} min` : minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
    }
  };

  const copy = async (button) => {
    const text = button.dataset.copy ?? document.getElementById(button.dataset.copyOf)?.textContent ?? "";
    const told = button.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copy it by hand";
    }
    setTimeout(() => { button.textContent = told; }, 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-of]");
    if (button) copy(button);
    for (const menu of document.querySelectorAll(".who details[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.ask ?? event.submitter?.dataset.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll(".who details[open]")) menu.open = false;
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); }
  });

  // A bar of the timeline leads to what it stands for: show that unfolded.
  const unfold = () => {
    const found = location.hash && document.getElementById(location.hash.slice(1));
    if (found) found.closest("details")?.setAttribute("open", "");
  };

  // Rows of links that are wider than a phone: show where one is.
  const showPlace = () => {
    for (const here of document.querySelectorAll(".top nav [aria-current], .tabs [aria-current]")) {
      const row = here.parentElement;
      if (row.scrollWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
    }
  };

  const open = () => {
    showPlace();
    for (const each of document.querySelectorAll("[data-copy], [data-copy-of]")) each.hidden = false;
    unfold();
    localise(document);
    tick();
  };
  document.addEventListener("htmx:after:swap", () => localise(document));
  document.addEventListener("htmx:sse:after:message", () => localise(document));
  document.addEventListener("htmx:sse:error", () => document.documentElement.setAttribute("data-offline", ""));
  document.addEventListener("htmx:sse:after:connection", () => document.documentElement.removeAttribute("data-offline"));
  window.addEventListener("hashchange", unfold);
  setInterval(tick, 1000);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", open);
  else open();
})();
