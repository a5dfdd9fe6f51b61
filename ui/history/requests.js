// What the page asks of web/history.py. An answer that is none becomes an Error with a sentence to show.

const HISTORY = "/app/static/history";

function newRequests({ language, words }) {
  const ask = async (path, options = {}) => {
    let answer;
    try {
      answer = await fetch(path, options);
    } catch (error) {
      throw error.name === "AbortError" ? error : new Error(words.cut);
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error || words.cut);
    return told;
  };
  const send = (path, body, more = {}) =>
    ask(`${HISTORY}/${path}?lang=${language}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      ...more,
    });
  return {
    page: (query, cursor, limit, signal) => ask(`${HISTORY}/page?${asParameters(query, { cursor, limit, lang: language })}`, { signal }),
    facets: () => ask(`${HISTORY}/facets?lang=${language}`),
    entry: (id) => ask(`${HISTORY}/entry/${id}?lang=${language}`),
    verification: (id, job) => ask(`${HISTORY}/verification/${id}?job=${job}&lang=${language}`),
    send,
  };
}

// Only what says something; a list gives its name as often as it has members.
function asParameters(query, more = {}) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, ...more })) {
    for (const one of Array.isArray(value) ? value : [value]) if (one || one === 0) found.append(name, one === true ? 1 : one);
  }
  return found;
}

// Why there is no picture to be seen of it.
function absence({ state, error }, words) {
  return error || { done: words.gone, cancelled: words.cancelled }[state] || words.failed;
}

function thumbOf(card) {
  return card.has ? `/app/static/thumb/${card.id}` : "";
}
