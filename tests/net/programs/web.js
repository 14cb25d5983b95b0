// SPDX-License-Identifier: BSD-3-Clause
// An http server and its client with keep-alive, by loopback.
const http = require('http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const server = http.createServer((request, response) => {
    let size = 0;
    request.on('data', (part) => { size += part.length; });
    request.on('end', () => response.end('y'.repeat(Number(request.url.slice(1)) + size)));
});
const get = (port, size, body) => new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/' + size, method: body ? 'POST' : 'GET', agent };
    const request = http.request(options, (response) => {
        let got = 0;
        response.on('data', (part) => { got += part.length; });
        response.on('end', () => resolve(got));
    });
    request.on('error', reject);
    request.end(body);
});
server.listen(0, '127.0.0.1', async () => {
    const { port } = server.address();
    const sizes = [0, 1, 1000, 100000, 3000000];
    for (let round = 0; round < 10; round++)
        await Promise.all(sizes.map(async (size) => {
            if (await get(port, size) !== size) throw new Error('size ' + size);
        }));
    if (await get(port, 5, Buffer.alloc(1000000)) !== 1000005) throw new Error('post');
    agent.destroy();
    server.close(() => console.log('web: fine'));
});
