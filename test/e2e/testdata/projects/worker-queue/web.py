"""The web: POST /job?word=x puts a job, GET /job?word=x says how it is."""

import http.server
import urllib.parse

from link import Link


class Web(http.server.BaseHTTPRequestHandler):
    def answer(self, command):
        word = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("word", [""])[0]
        text = Link().ask(f"{command} {word}") if word else "A word, please: /job?word=tide"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("PUT")


http.server.ThreadingHTTPServer(("", 8000), Web).serve_forever()
