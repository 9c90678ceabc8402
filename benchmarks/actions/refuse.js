function main() {
  return { statusCode: 400 };
}
