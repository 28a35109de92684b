// The page, as a function of what is known of a request.

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(value) {
  return String(value).replace(/[&<>"']/g, (character) => entities[character]);
}

function rows(pairs) {
  return pairs
    .map(([name, value]) => `      <tr><th scope="row">${escape(name)}</th><td>${escape(value)}</td></tr>`)
    .join('\n');
}

// page returns the HTML for a request that describe() of server.js described.
export function page(request) {
  const facts = [
    ['Client', request.client],
    ['Protocol', request.protocol],
    ['Host', request.host],
    ['Prefix stripped by the proxy', request.prefix || '(none)'],
    ['Path seen by the app', request.path],
    ['Instance that answered', request.instance],
  ];
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Your request</title>
  <link rel="icon" href="${escape(request.prefix)}/assets/icon.svg">
  <link rel="stylesheet" href="${escape(request.prefix)}/assets/style.css">
</head>
<body>
<main>
  <h1>Your request</h1>
  <p class="lead">As it arrived here, behind the proxy. The same <a href="${escape(request.prefix)}/request.json">as JSON</a>.</p>
  <table>
    <caption>Where it came from</caption>
    <tbody>
${rows(facts)}
    </tbody>
  </table>
  <table>
    <caption>Its headers</caption>
    <tbody>
${rows(Object.entries(request.headers))}
    </tbody>
  </table>
</main>
</body>
</html>
`;
}
