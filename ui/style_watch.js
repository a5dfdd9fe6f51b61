// Asks again and again whether the styles have changed, for as long as `element` is on the page.

const STYLES_EVERY_MS = 2000;

// `changed` is called with every answer: {version, resident}.
function watchStyles(element, changed) {
  element.stylesChanged = changed;
  element.stylesTimer ??= setInterval(async () => {
    if (!element.isConnected) return clearInterval(element.stylesTimer);
    if (document.hidden) return;
    try {
      const answer = await fetch("/app/static/styles");
      if (answer.ok) element.stylesChanged(await answer.json());
    } catch {
      // no network, or the studio is starting anew: the next time
    }
  }, STYLES_EVERY_MS);
}
