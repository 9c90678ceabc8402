"""Adobe I/O Runtime that anyone can run."""
