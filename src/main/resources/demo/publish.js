// Publishes by hand, as any backend could over HTTP.

/** @param {() => Promise<string>} token of a publisher */
export function publishing(token) {
  const element = (id) => document.getElementById(id);
  element('publish').onsubmit = async (event) => {
    event.preventDefault();
    element('published').textContent = await publish(element('channel').value, element('payload').value);
  };

  async function publish(channel, payload) {
    try {
      const answer = await fetch(`/api/channels/${encodeURIComponent(channel)}/messages`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${await token()}` },
        body: payload,
      });
      const said = await answer.json();
      return answer.ok ? `Redis has given it to ${said.receivers === 1 ? 'one pod' : `${said.receivers} pods`}.` : said.detail;
    } catch (error) {
      return `It was not published: ${error.message}`;
    }
  }
}
