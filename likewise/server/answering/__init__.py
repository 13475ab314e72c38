"""Questions of many requests, answered together."""
