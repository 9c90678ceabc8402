/** Greet somebody. */
function main(params) {
  console.log(`greeting ${params.name || "nobody in particular"}`);
  return { message: `Hello, ${params.name || "world"}!`, node: process.version };
}
