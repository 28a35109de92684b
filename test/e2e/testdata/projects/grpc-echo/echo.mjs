// A gRPC service without TLS: echo.Echo/Say answers with the message that it was sent.
import { createServer } from "node:http2";

createServer((request, answer) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const known = request.url === "/echo.Echo/Say";
    answer.writeHead(200, { "content-type": "application/grpc", trailer: "grpc-status" });
    if (known) answer.write(Buffer.concat(parts));
    answer.addTrailers({ "grpc-status": known ? "0" : "12" });
    answer.end();
  });
}).listen(50051);
