export default {
  async fetch(request) {
    const params = await request.json();
    return Response.json({ greeting: `Hello, ${params.name}!` });
  },
};
