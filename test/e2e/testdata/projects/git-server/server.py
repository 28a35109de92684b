"""A git server: repositories over HTTP for reading, and a port that greets as SSH does."""

import functools
import http.server
import socketserver
import threading


class SSH(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"SSH-2.0-forge\r\n")
        self.rfile.readline()


ssh = socketserver.ThreadingTCPServer(("", 22), SSH)
threading.Thread(target=ssh.serve_forever, daemon=True).start()
files = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/repositories")
http.server.ThreadingHTTPServer(("", 3000), files).serve_forever()
