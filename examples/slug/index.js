const slugify = require("slugify");

/** Turn a title into what a URL may end with; an action with an npm dependency. */
exports.main = ({ title = "Adobe I/O Runtime that anyone can run" }) => {
  console.log(`slugifying ${title.length} characters`);
  return { slug: slugify(title, { lower: true, strict: true }) };
};
