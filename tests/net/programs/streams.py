# SPDX-License-Identifier: BSD-3-Clause
"""asyncio streams: many connections at once to an echo server, and datagrams."""
import asyncio


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def client(host, port, number):
    reader, writer = await asyncio.open_connection(host, port)
    data = bytes([number & 255]) * (1000 * number + 1)
    for _ in range(3):
        writer.write(data)
        await writer.drain()
        assert await reader.readexactly(len(data)) == data
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


class Answer(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data.upper(), address)


class Ask(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done

    def datagram_received(self, data, address):
        self.done.set_result(data)


async def main():
    loop = asyncio.get_running_loop()
    for host in ("127.0.0.1", "::1"):
        server = await asyncio.start_server(echo, host, 0)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(client(host, port, i) for i in range(50)))
        server.close()
        await server.wait_closed()
        answer, _ = await loop.create_datagram_endpoint(Answer, local_addr=(host, 0))
        done = loop.create_future()
        ask, _ = await loop.create_datagram_endpoint(
            lambda: Ask(done), remote_addr=answer.get_extra_info("sockname")[:2])
        ask.sendto(b"question")
        assert await asyncio.wait_for(done, 10) == b"QUESTION"
        ask.close()
        answer.close()
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except ConnectionRefusedError:
        print("streams: fine")


asyncio.run(main())
