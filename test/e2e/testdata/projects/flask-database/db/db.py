"""A small database server: SQL in lines of JSON, with a password."""

import json
import os
import socket
import socketserver
import sqlite3
import sys

PASSWORD = os.environ["DATABASE_PASSWORD"]


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            message = json.loads(line)
            if message["password"] != PASSWORD:
                return
            with sqlite3.connect("/var/lib/db/rows.db") as database:
                rows = database.execute(message["sql"], message["arguments"]).fetchall()
            self.wfile.write(json.dumps({"rows": rows}).encode() + b"\n")


if "ping" in sys.argv:
    socket.create_connection(("127.0.0.1", 5433), timeout=2).close()
    sys.exit()
with sqlite3.connect("/var/lib/db/rows.db") as first:
    first.execute("CREATE TABLE IF NOT EXISTS visitors (name TEXT)")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", 5433), Client).serve_forever()
