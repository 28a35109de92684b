// Shows a request as the app received it, through whatever proxy is in front: as a page and as JSON.
import { hostname } from 'node:os';
import express from 'express';
import { page } from './page.js';

const port = Number(process.env.PORT) || 3000;
const drainMilliseconds = 8000;
const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization']);

const app = express();
app.disable('x-powered-by');
// One proxy is in front, and nothing else reaches this port: its X-Forwarded headers are true.
app.set('trust proxy', 1);

// prefixOf returns the path that the proxy stripped, '' where there is none or where it is not a plain path.
function prefixOf(request) {
  const prefix = request.get('X-Forwarded-Prefix') ?? '';
  return /^(\/[A-Za-z0-9._~-]+)+$/.test(prefix) ? prefix : '';
}

// describe returns what is known of a request. Secrets are named but not shown.
function describe(request) {
  const headers = Object.entries(request.headers)
    .map(([name, value]) => [name, secretHeaders.has(name) ? '(hidden)' : String(value)])
    .sort(([one], [other]) => one.localeCompare(other));
  return {
    method: request.method,
    path: request.path,
    prefix: prefixOf(request),
    host: request.hostname,
    protocol: request.protocol,
    client: request.ip?.replace(/^::ffff:/, ''),
    instance: hostname(),
    headers: Object.fromEntries(headers),
  };
}

app.use((request, response, next) => {
  response.set('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'");
  response.set('X-Content-Type-Options', 'nosniff');
  next();
});
app.use('/assets', express.static('public', { maxAge: '1h', index: false }));
app.get('/health', (request, response) => response.type('text').send('ok\n'));
app.get('/request.json', (request, response) => response.set('Cache-Control', 'no-store').json(describe(request)));
app.get('/', (request, response) => response.set('Cache-Control', 'no-store').send(page(describe(request))));
app.use((request, response) => response.status(404).type('text').send('There is nothing here.\n'));

const server = app.listen(port, () => console.log(`listening on ${port}`));

// What is under way may finish; idle connections are closed at once.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(1), drainMilliseconds).unref();
});
