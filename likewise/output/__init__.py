"""Answers as rows, into streams and files."""
