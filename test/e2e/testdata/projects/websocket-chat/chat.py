"""A chat: what one says over its WebSocket, all hear."""

import asyncio
import base64
import hashlib
import pathlib

PAGE = pathlib.Path("/app/index.html").read_bytes()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
everybody = set()


async def frames(reader):
    while True:
        first, second = await reader.readexactly(2)
        length = second & 127
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        mask = await reader.readexactly(4)
        data = await reader.readexactly(length)
        if first & 15 == 8:
            return
        yield bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def talk(reader, writer, key):
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write((head + f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
    everybody.add(writer)
    try:
        async for word in frames(reader):
            for other in list(everybody):
                other.write(bytes([0x81, min(len(word), 125)]) + word[:125])
    except asyncio.IncompleteReadError:
        pass
    finally:
        everybody.discard(writer)


async def serve(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    if "sec-websocket-key" in headers:
        await talk(reader, writer, headers["sec-websocket-key"])
    else:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE)
        await writer.drain()
    writer.close()


async def main():
    async with await asyncio.start_server(serve, port=8000) as server:
        await server.serve_forever()


asyncio.run(main())
