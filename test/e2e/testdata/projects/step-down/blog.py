"""A blog that keeps its posts as files, as the user that it stepped down to."""

import http.server
import os
import pathlib
import urllib.parse

CONTENT = pathlib.Path("/var/www/html/content")


class Blog(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        posts = "".join(f"<article>{post.read_text()}</article>" for post in sorted(CONTENT.iterdir()))
        page = f"<!DOCTYPE html><title>Blog</title><h1>Blog of user {os.getuid()}</h1>{posts}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        (CONTENT / f"{len(list(CONTENT.iterdir())):04}").write_text(form["post"][0])
        self.do_GET()


http.server.ThreadingHTTPServer(("", 8080), Blog).serve_forever()
