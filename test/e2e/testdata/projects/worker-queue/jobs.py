"""The queue: PUT a job, TAKE one, DONE with its result, GET the result."""

import queue
import socketserver

waiting, results = queue.Queue(), {}


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            command, _, rest = line.decode().strip().partition(" ")
            answer = "ok"
            if command == "PUT":
                waiting.put(rest)
            elif command == "TAKE":
                answer = waiting.get()
            elif command == "DONE":
                job, _, result = rest.partition(" ")
                results[job] = result
            else:
                answer = results.get(rest, "waiting")
            self.wfile.write(answer.encode() + b"\n")


socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("", 6400), Client).serve_forever()
