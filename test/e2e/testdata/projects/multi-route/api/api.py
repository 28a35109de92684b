"""An API with a route of its own."""

import http.server


class API(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"the other of two, at {self.path}".encode())


http.server.ThreadingHTTPServer(("", 9000), API).serve_forever()
