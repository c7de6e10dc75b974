// server - npm ws as a peer for tests: prints its port, serves until its stdin ends.
// node server.js [cert.pem key.pem]; the path of a connection says what happens, its query how it is compressed.
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('ws');

const [cert, key] = process.argv.slice(2);
const server = cert
  ? require('https').createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) })
  : require('http').createServer();

function deflateOptions(query) {
  if (!query.has('deflate')) return false;
  const options = { threshold: 0, concurrencyLimit: 4 };
  if (query.has('snct')) options.serverNoContextTakeover = true;
  if (query.has('cnct')) options.clientNoContextTakeover = true;
  if (query.has('swb')) options.serverMaxWindowBits = Number(query.get('swb'));
  if (query.has('cwb')) options.clientMaxWindowBits = Number(query.get('cwb'));
  return options;
}

function numbered(i) {
  return `{"i":${i},"p":"${'abcdefgh'.repeat((i * 7919) % 250)}"}`;
}

const scripts = {
  // Everything back as it came; the client closes.
  echo: (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })),
  burst: (ws, query) => {
    const n = Number(query.get('n'));
    for (let i = 0; i < n; i++) ws.send(numbered(i));
    ws.close(1000, 'done');
  },
  // Fragments with a ping in the middle; the pong's payload comes back as the last message.
  fragments: (ws) => {
    ws.on('pong', (data) => ws.send(`pong ${data}`, () => ws.close(4001, 'bye')));
    ws.send('one ', { fin: false });
    ws.ping('heart');
    ws.send('two ', { fin: false });
    ws.send('three', { fin: true });
  },
  // Closed by the client's code and reason, told back as the server's reason.
  closing: (ws) => ws.on('close', (code, reason) => console.log(`closed ${code} ${reason}`)),
  close: (ws, query) => ws.close(Number(query.get('code')), 'as asked \u00e4'),
  terminate: (ws) => { ws.send('x', () => ws.terminate()); },
  big: (ws, query) => { ws.send('z'.repeat(Number(query.get('size')))); ws.on('error', () => {}); },
};

server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://localhost');
  const name = url.pathname.slice(1);
  if (!scripts[name]) {
    socket.end('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: deflateOptions(url.searchParams),
    handleProtocols: (offered) => (offered.has('nightjar.test') ? 'nightjar.test' : false),
  });
  wss.handleUpgrade(request, socket, head, (ws) => {
    ws.on('error', (e) => console.log(`error ${e.message}`));
    scripts[name](ws, url.searchParams);
  });
});

server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
