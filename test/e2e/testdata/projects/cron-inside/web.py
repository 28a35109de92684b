"""Says how often the job ran."""

import http.server
import pathlib


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        count = pathlib.Path("/tmp/count")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"runs: {count.read_text().strip() if count.exists() else 0}".encode())


http.server.ThreadingHTTPServer(("", 8000), Web).serve_forever()
