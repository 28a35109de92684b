"""How web and worker ask the queue."""

import socket


class Link:
    def __init__(self):
        self.stream = socket.create_connection(("jobs", 6400)).makefile("rw")

    def ask(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()
        return self.stream.readline().strip()
