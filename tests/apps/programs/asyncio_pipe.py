import asyncio
import os


async def main():
    loop = asyncio.get_running_loop()
    r, w = os.pipe()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(w, "wb"))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)

    async def produce():
        for i in range(1000):
            writer.write(b"%d\n" % i)
            await writer.drain()
        writer.close()

    task = asyncio.create_task(produce())
    total = 0
    while line := await reader.readline():
        total += int(line)
    await task
    print(total, await asyncio.wait_for(asyncio.sleep(0.01, "slept"), 1))
    print(await loop.run_in_executor(None, sum, range(100)))


asyncio.run(main())
