// The hello of actions/hello.js in a bare server.
const http = require("http");

const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const params = JSON.parse(body);
    const answer = JSON.stringify({ greeting: `Hello, ${params.name}!` });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
    response.end(answer);
  });
});
server.keepAliveTimeout = 0;
server.listen(process.argv[2], () => console.log("ready"));
