async function main(params) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(`slept for ${params.name}`);
  return { slept: params.name };
}
