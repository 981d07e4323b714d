// Publishes a message over HTTP, as any backend could.

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
      return answer.ok ? `Redis passed the message to ${said.receivers === 1 ? 'one pod' : `${said.receivers} pods`}.` : said.detail;
    } catch (error) {
      return `The message was not published: ${error.message}`;
    }
  }
}
