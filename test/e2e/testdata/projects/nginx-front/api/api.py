"""An API that the front alone reaches."""

import http.server
import time


class API(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"from behind {self.path}: {time.time():.0f}".encode())


http.server.ThreadingHTTPServer(("", 9000), API).serve_forever()
