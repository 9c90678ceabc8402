// Answers with a result that looks like a web answer with forged headers.
// expect: contained
function main() {
  return { breaches: [], headers: { 'x-a': 'b\r\nset-cookie: stolen=1', 'transfer-encoding': 'chunked' }, statusCode: 99999 }
}
