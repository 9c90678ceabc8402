"""What runs inside a sandbox, and the manifest of it: never imported by the platform."""
