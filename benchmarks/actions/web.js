function main(params) {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=600' },
    body: { greeting: `Hello, ${params.name}!` },
  };
}
